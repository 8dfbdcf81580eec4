/* SPDX-License-Identifier: Apache-2.0
 *
 * ctname - the names of containers: links ROOT/ctrnames/NAME to an id
 */
#include "runner/engine/ctname.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/engine/engine.h"

/* A link of less than 60 bytes takes no block of the disk, whose release can
 * cost a millisecond. So an id is written with six bits a character. */
#define LINK_LEN 43

static const char link_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char hex_digits[] = "0123456789abcdef";

/* Three hex digits are two of ours; the last one stands alone. */
static void pack_id(const char *id, char link[LINK_LEN + 1])
{
	for (size_t i = 0, o = 0; o < LINK_LEN; i += 3, o += 2) {
		unsigned int v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 4 |
			    (i + k < CONTAINER_ID_LEN ?
				     (unsigned int)(strchr(hex_digits, id[i + k]) - hex_digits) :
				     0);
		link[o] = link_digits[v >> 6];
		link[o + 1] = o + 1 < LINK_LEN ? link_digits[v & 63] : '\0';
	}
	link[LINK_LEN] = '\0';
}

static int unpack_id(const char *link, char id[CONTAINER_ID_LEN + 1])
{
	for (size_t i = 0, o = 0; o < LINK_LEN; i += 3, o += 2) {
		const char *high = strchr(link_digits, link[o]);
		const char *low = o + 1 < LINK_LEN ? strchr(link_digits, link[o + 1]) : link_digits;
		unsigned int v;

		if (!high || !low)
			return -EBADMSG;
		v = (unsigned int)(high - link_digits) << 6 | (unsigned int)(low - link_digits);
		for (size_t k = 0; k < 3 && i + k < CONTAINER_ID_LEN; k++)
			id[i + k] = hex_digits[v >> (8 - 4 * k) & 15];
	}
	id[CONTAINER_ID_LEN] = '\0';
	return 0;
}

int ctname_read(const struct engine *eng, const char *name, char id[CONTAINER_ID_LEN + 1])
{
	auto_free char *path = xasprintf("ctrnames/%s", name);
	char link[CONTAINER_ID_LEN + 2];
	ssize_t n = readlinkat(eng->root_fd, path, link, sizeof(link));

	if (n < 0)
		return -errno;
	link[n < (ssize_t)sizeof(link) ? n : 0] = '\0';
	if (n == LINK_LEN)
		return unpack_id(link, id);
	/* as older versions wrote it */
	if (n != CONTAINER_ID_LEN)
		return -EBADMSG;
	memcpy(id, link, CONTAINER_ID_LEN + 1);
	return 0;
}

int ctname_take(const struct engine *eng, const char *name, const char *id, struct err *e)
{
	auto_free char *path = xasprintf("ctrnames/%s", name);
	char holder[CONTAINER_ID_LEN + 1] = "?"; /* a link that cannot be read */
	char link[LINK_LEN + 1];

	pack_id(id, link);
	for (int i = 0; i < 3; i++) {
		if (symlinkat(link, eng->root_fd, path) == 0)
			return 0;
		if (errno == ENOENT) {
			int r = io_mkdir_p_at(eng->root_fd, "ctrnames", 0700);

			if (r < 0)
				return err_set(e, r, "store: %s/ctrnames", eng->root);
			continue;
		}
		if (errno != EEXIST)
			return err_set(e, -errno, "store: %s/%s", eng->root, path);
		if (ctname_read(eng, name, holder) < 0 || container_exists(eng, holder))
			break;
		/* A folder is made before its name: this one was removed by
		 * somebody who was killed before the name was gone. */
		(void)unlinkat(eng->root_fd, path, 0);
	}
	return err_msg(e, -EEXIST, "the name '%s' is in use by container %.12s", name, holder);
}

void ctname_release(const struct engine *eng, const char *name, const char *id)
{
	auto_free char *path = xasprintf("ctrnames/%s", name);
	char holder[CONTAINER_ID_LEN + 1];

	if (ctname_read(eng, name, holder) == 0 && str_eq(holder, id))
		(void)unlinkat(eng->root_fd, path, 0);
}
