/* SPDX-License-Identifier: Apache-2.0
 *
 * op_attr - requests on attributes, plain and extended: decode, lock, call the module, reply
 */
#include "fuse-overlay/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/cleanup.h"
#include "fuse-overlay/attr.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/xattr.h"

/* Attributes of a node as the mount shows them; the lock is held. */
static int shown_attr(struct ovl *o, struct node *n, struct stat *ret)
{
	struct statx stx;
	int r = attr_get(o, n, &stx);

	return r < 0 ? r : attr_fill(o, n, &stx, ret);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct stat st;

	(void)fi;
	ovl_lock(o);
	int r = shown_attr(o, node_of(o, ino), &st);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_attr(req, &st, o->conf->timeout);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct node *n = node_of(o, ino);
	struct stat st;

	ovl_lock(o);
	int r = attr_set(o, n, attr, to_set, file_of(fi));
	if (r >= 0)
		r = shown_attr(o, n, &st);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_attr(req, &st, o->conf->timeout);
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	(void)ino;
	if (fstatvfs(ovl_of(req)->layers[0].fd, &st))
		reply_status(req, -errno);
	else
		(void)fuse_reply_statfs(req, &st);
}

static void set_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		      size_t size, int flags)
{
	struct ovl *o = ovl_of(req);

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	ovl_lock(o);
	int r = xattr_set(o, node_of(o, ino), name, value, size, flags);
	ovl_unlock(o);
	reply_status(req, r);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		 size_t size, int flags)
{
	set_xattr(req, ino, name, value ? value : "", size, flags);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	set_xattr(req, ino, name, NULL, 0, 0);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct ovl *o = ovl_of(req);
	char few[1024];
	auto_free char *many = NULL;
	char *buf = few;

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	if (size > OVL_XATTR_MAX)
		size = OVL_XATTR_MAX;
	if (size > sizeof(few) && !(buf = many = malloc(size))) {
		reply_status(req, -ENOMEM);
		return;
	}
	ovl_lock(o);
	ssize_t n = xattr_get(o, node_of(o, ino), name, buf, size);
	ovl_unlock(o);
	if (n < 0)
		reply_status(req, (int)n);
	else if (!size)
		(void)fuse_reply_xattr(req, (size_t)n);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct ovl *o = ovl_of(req);
	auto_free char *buf = NULL;

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	buf = malloc(OVL_XATTR_MAX);
	if (!buf) {
		reply_status(req, -ENOMEM);
		return;
	}
	ovl_lock(o);
	ssize_t n = xattr_list(o, node_of(o, ino), buf);
	ovl_unlock(o);
	if (n < 0)
		reply_status(req, (int)n);
	else if (!size)
		(void)fuse_reply_xattr(req, (size_t)n);
	else if ((size_t)n > size)
		reply_status(req, -ERANGE);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	      struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
	      size_t out_size)
{
	struct ovl *o = ovl_of(req);
	char buf[64] = { 0 };

	(void)arg;
	(void)fi;
	if (flags & FUSE_IOCTL_COMPAT || in_size > sizeof(buf) || out_size > sizeof(buf)) {
		reply_status(req, -ENOTTY);
		return;
	}
	if (in_size)
		memcpy(buf, in, in_size);
	ovl_lock(o);
	int r = attr_ioctl(o, node_of(o, ino), cmd, buf, in_size > out_size ? in_size : out_size);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_ioctl(req, 0, buf, out_size);
}
