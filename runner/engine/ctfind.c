/* SPDX-License-Identifier: Apache-2.0
 *
 * ctfind - which containers there are
 */
#include "runner/engine/ctfind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctname.h"
#include "runner/engine/engine.h"

bool ctfind_has_folder(const struct engine *eng, const char *id)
{
	auto_free char *path = xasprintf("containers/%s", id);

	return faccessat(eng->root_fd, path, F_OK, 0) == 0;
}

bool ctfind_is_id(const char *s)
{
	return strlen(s) == CONTAINER_ID_LEN && strspn(s, "0123456789abcdef") == CONTAINER_ID_LEN;
}

DIR *ctfind_open(int root_fd, const char *name)
{
	int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static int find_prefix(const struct engine *eng, const char *what, char id[CONTAINER_ID_LEN + 1],
		       struct err *e)
{
	auto_dir DIR *d = ctfind_open(eng->root_fd, "containers");
	const struct dirent *de;
	bool found = false;

	while (d && (de = readdir(d))) {
		if (!ctfind_is_id(de->d_name) || !str_starts(de->d_name, what))
			continue;
		if (found)
			return err_msg(e, -ENOTUNIQ, "'%s' is the start of more than one container id",
				       what);
		memcpy(id, de->d_name, CONTAINER_ID_LEN + 1);
		found = true;
	}
	return found ? 0 : err_msg(e, -ENOENT, "no such container: %s", what);
}

int container_find(const struct engine *eng, const char *what, struct container **ret,
		   struct err *e)
{
	char id[CONTAINER_ID_LEN + 1];
	int r = -ENOENT;

	if (!*what || strchr(what, '/'))
		return err_msg(e, -ENOENT, "no such container: '%s'", what);
	if (ctfind_is_id(what) && ctfind_has_folder(eng, what))
		memcpy(id, what, sizeof(id));
	else if (ctname_read(eng, what, id) < 0 || !ctfind_has_folder(eng, id))
		r = find_prefix(eng, what, id, e);
	else
		r = 0;
	if (ctfind_is_id(what) && ctfind_has_folder(eng, what))
		r = 0;
	if (r < 0)
		return r;
	return container_load(eng, id, ret, e);
}

static int by_age(const void *a, const void *b)
{
	const struct container *const *x = a;
	const struct container *const *y = b;

	if ((*x)->state.created != (*y)->state.created)
		return (*x)->state.created < (*y)->state.created ? -1 : 1;
	return strcmp((*x)->id, (*y)->id);
}

int container_list(const struct engine *eng, struct container ***ret, struct err *e)
{
	auto_dir DIR *d = ctfind_open(eng->root_fd, "containers");
	struct container **list = NULL;
	const struct dirent *de;
	size_t n = 0;

	if (!d && errno != ENOENT)
		return err_set(e, -errno, "store: %s/containers", eng->root);
	while (d && (de = readdir(d))) {
		struct container *c;

		if (!ctfind_is_id(de->d_name) || container_load(eng, de->d_name, &c, NULL) < 0)
			continue;
		list = xrealloc(list, n + 1, sizeof(*list));
		list[n++] = c;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_age);
	*ret = list;
	return (int)n;
}

bool container_exists(const struct engine *eng, const char *id)
{
	return ctfind_is_id(id) && ctfind_has_folder(eng, id);
}
