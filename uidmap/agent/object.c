/* SPDX-License-Identifier: Apache-2.0
 *
 * object - a file, folder, link…: what the kernel says of it, and the record
 */
#include "uidmap/agent/object.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/str.h"
#include "uidmap/agent/copyup.h"

/* #syscalls statx getxattr lgetxattr setxattr removexattr geteuid */

int object_peek(struct agent *a, const char *loc, bool follow, struct override *ret)
{
	char text[OVERRIDE_TEXT_MAX];
	struct statx st;
	int none = -ENODATA;
	ssize_t n;

	n = follow ? getxattr(loc, OVERRIDE_XATTR, text, sizeof(text)) :
		     lgetxattr(loc, OVERRIDE_XATTR, text, sizeof(text));
	if (n > 0 && override_parse(text, (size_t)n, ret) == 0)
		return OBJECT_BY_ATTRIBUTE;
	if (n < 0 && errno != ENODATA && errno != ENOTSUP && errno != EPERM)
		return -errno;
	if (n < 0 && errno == ENOTSUP)
		none = -ENOTSUP;
	if (!nodes_any(&a->nodes))
		return none;
	if (statx(AT_FDCWD, loc, follow ? 0 : AT_SYMLINK_NOFOLLOW, OBJECT_STATX, &st) < 0)
		return -errno;
	if (nodes_get(&a->nodes, &st, ret) == 0 || copyup_find_at(a, loc, follow, &st, ret) == 0)
		return 0;
	return none;
}

int object_read(struct agent *a, int fd, struct object *ret)
{
	char text[OVERRIDE_TEXT_MAX];
	struct object o = { .fd = fd };
	ssize_t n;

	(void)str_format(o.self, sizeof(o.self), "self/fd/%d", fd);
	if (statx(fd, "", AT_EMPTY_PATH, OBJECT_STATX, &o.st) < 0)
		return -errno;
	n = getxattr(o.self, OVERRIDE_XATTR, text, sizeof(text));
	if ((n > 0 && override_parse(text, (size_t)n, &o.ov) == 0) ||
	    nodes_get(&a->nodes, &o.st, &o.ov) == 0 || copyup_find(a, fd, &o.st, &o.ov) == 0)
		o.recorded = true;
	else
		o.ov = (struct override){ .uid = o.st.stx_uid, .gid = o.st.stx_gid,
					  .mode = o.st.stx_mode & 07777U };
	*ret = o;
	return 0;
}

static bool is_root_folder(const struct agent *a, const struct object *o)
{
	struct statx st;

	return statx(a->rootfd, "", AT_EMPTY_PATH, STATX_INO, &st) == 0 &&
	       st.stx_ino == o->st.stx_ino && st.stx_dev_major == o->st.stx_dev_major &&
	       st.stx_dev_minor == o->st.stx_dev_minor;
}

static int write_attribute(const struct agent *a, const struct object *o, const struct override *ov)
{
	char text[OVERRIDE_TEXT_MAX];
	int n;

	/* by the attribute of its root folder a tree with records is known as one */
	if (ov->uid == 0 && ov->gid == 0 && ov->type == 0 && !is_root_folder(a, o)) {
		if (removexattr(o->self, OVERRIDE_XATTR) < 0 && errno != ENODATA)
			return -errno;
		return 0;
	}
	n = override_format(ov, text);
	return setxattr(o->self, OVERRIDE_XATTR, text, (size_t)n, 0) < 0 ? -errno : 0;
}

int object_write(struct agent *a, struct object *o, const struct override *ov)
{
	mode_t type = o->st.stx_mode & S_IFMT;
	int r = -ENOTSUP;

	if (o->st.stx_uid != geteuid())
		return -EPERM;
	if (type == S_IFREG || type == S_IFDIR)
		r = write_attribute(a, o, ov);
	if (r != -ENOTSUP)
		return r;
	if (!o->recorded && ov->uid == 0 && ov->gid == 0)
		return 0;
	r = nodes_put(&a->nodes, &o->st, ov);
	if (r == 0)
		copyup_update(a, o, ov);
	return r;
}
