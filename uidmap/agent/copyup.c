/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - links, pipes and sockets keep their owners when overlay copies them
 */
#include "uidmap/agent/copyup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/cleanup.h"

/* #syscalls utimensat readlinkat statx openat close */

/* Folders and ordinary files have attributes, which overlayfs copies. */
static bool has_attributes(const struct statx *st)
{
	return S_ISREG(st->stx_mode) || S_ISDIR(st->stx_mode);
}

static struct statx under_alias(int fd, const struct statx *st)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (st->stx_mode & S_IFMT);
	struct statx alias = *st;
	char text[PATH_MAX];
	ssize_t n = S_ISLNK(st->stx_mode) ? readlinkat(fd, "", text, sizeof(text)) : 0;

	for (ssize_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	alias.stx_ino = h | NODES_ALIAS;
	return alias;
}

void copyup_now(struct agent *a, struct object *o)
{
	/* they are what they are: but an overlay has to have its own to set them */
	const struct timespec times[2] = {
		{ o->st.stx_atime.tv_sec, o->st.stx_atime.tv_nsec },
		{ o->st.stx_mtime.tv_sec, o->st.stx_mtime.tv_nsec },
	};
	struct statx st, alias;

	if (!o->recorded || has_attributes(&o->st))
		return;
	if (utimensat(o->fd, "", times, AT_EMPTY_PATH) < 0 ||
	    statx(o->fd, "", AT_EMPTY_PATH, OBJECT_STATX, &st) < 0)
		return;
	if (st.stx_ino == o->st.stx_ino && st.stx_btime.tv_sec == o->st.stx_btime.tv_sec &&
	    st.stx_btime.tv_nsec == o->st.stx_btime.tv_nsec)
		return;
	alias = under_alias(o->fd, &st);
	(void)nodes_put(&a->nodes, &st, &o->ov);
	(void)nodes_put(&a->nodes, &alias, &o->ov);
	o->st = st;
}

int copyup_find(struct agent *a, int fd, const struct statx *st, struct override *ret)
{
	struct statx alias;

	if (!nodes_aliased(&a->nodes) || has_attributes(st))
		return -ENOENT;
	alias = under_alias(fd, st);
	return nodes_get(&a->nodes, &alias, ret);
}

int copyup_find_at(struct agent *a, const char *loc, bool follow, const struct statx *st,
		   struct override *ret)
{
	if (!nodes_aliased(&a->nodes) || has_attributes(st))
		return -ENOENT;
	auto_close int fd = open(loc, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	return fd < 0 ? -ENOENT : copyup_find(a, fd, st, ret);
}

void copyup_update(struct agent *a, const struct object *o, const struct override *ov)
{
	struct override was;
	struct statx alias;

	if (copyup_find(a, o->fd, &o->st, &was) < 0)
		return;
	alias = under_alias(o->fd, &o->st);
	(void)nodes_put(&a->nodes, &alias, ov);
}
