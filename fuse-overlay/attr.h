/* SPDX-License-Identifier: Apache-2.0
 *
 * attr - attributes of nodes
 */
#ifndef FUSE_OVERLAY_ATTR_H
#define FUSE_OVERLAY_ATTR_H

#include "fuse-overlay/ovl.h"

/**
 * attr_fill() - what the mount shows for a real object's attributes
 * Return: 0, -errno
 */
int attr_fill(struct ovl *o, struct node *n, const struct statx *stx, struct stat *ret);

/**
 * attr_get() - attributes of a node, from the real object
 * Return: 0, -errno
 */
int attr_get(struct ovl *o, struct node *n, struct statx *ret);

/**
 * attr_set() - change attributes
 * @want:	ids as in the mount
 * @to_set:	FUSE_SET_ATTR_*
 * @of:		the open file that the request names, or NULL
 * Return: 0, -errno
 */
int attr_set(struct ovl *o, struct node *n, const struct stat *want, int to_set,
	     struct ofile *of);

/**
 * attr_ioctl() - read or change the flags of a file or folder, see lsattr(1)
 * @cmd:	FS_IOC_GETFLAGS, SETFLAGS, FSGETXATTR or FSSETXATTR
 * @arg:	in and out
 * @size:	room in it
 * Return: 0; -ENOTTY for another command or object; -EINVAL; -errno
 */
int attr_ioctl(struct ovl *o, struct node *n, unsigned int cmd, void *arg, size_t size);

#endif
