/* SPDX-License-Identifier: Apache-2.0
 *
 * xattr - extended attributes: which are shown, and under what name kept
 *
 * Attributes that this and other overlay programs keep for themselves are
 * not shown. A user's own user.overlay.X (an overlay mounted on this one) is
 * kept as user.overlay.overlay.X, as native overlay does. In override mode
 * security.X, which the server may not set, is kept as
 * user.containers.override_security.X.
 */
#ifndef FUSE_OVERLAY_XATTR_H
#define FUSE_OVERLAY_XATTR_H

#include <linux/limits.h>

#include "fuse-overlay/ovl.h"

#define XATTR_NAME_BUF (XATTR_NAME_MAX + 1)

/**
 * xattr_encode() - the name on disk of one in the mount
 * @buf:	used when they differ
 * Return: name or buf; NULL when it is not for users
 */
const char *xattr_encode(enum owner_mode ov, const char *name, char buf[XATTR_NAME_BUF]);

/**
 * xattr_decode() - the name in the mount of one on disk
 * @buf:	used when they differ
 * Return: name or buf; NULL when it is not shown
 */
const char *xattr_decode(enum owner_mode ov, const char *name, char buf[XATTR_NAME_BUF]);

/**
 * xattr_shift_acl() - shift the ids in a POSIX ACL
 * @to_disk:	from the mount to disk, else the other way
 */
void xattr_shift_acl(const struct ovl *o, void *acl, size_t size, bool to_disk);

/**
 * xattr_get() - @size 0 asks for the size
 * Return: length, -ENODATA, -ERANGE, -errno
 */
ssize_t xattr_get(struct ovl *o, struct node *n, const char *name, void *buf, size_t size);

/**
 * xattr_list() - names shown
 * @buf:	of OVL_XATTR_MAX bytes
 * Return: length, -errno
 */
ssize_t xattr_list(struct ovl *o, struct node *n, char *buf);

/**
 * xattr_set() - set, or remove when @value is NULL
 * Return: 0, -errno
 */
int xattr_set(struct ovl *o, struct node *n, const char *name, const void *value, size_t size,
	      int flags);

#endif
