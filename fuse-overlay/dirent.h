/* SPDX-License-Identifier: Apache-2.0
 *
 * dirent - names that come and go
 */
#ifndef FUSE_OVERLAY_DIRENT_H
#define FUSE_OVERLAY_DIRENT_H

#include "fuse-overlay/ovl.h"

/**
 * struct newent - an object to be made
 * @mode:	with type
 * @rdev:	of devices
 * @target:	of symbolic links
 * @link:	the node that gets one more name, else NULL
 * @flags:	open flags of a file that is wanted open, with @want_fd
 * @want_fd:	leave the new file open
 * @fd:		out: its descriptor
 * @ctx:	who asks
 */
struct newent {
	mode_t mode;
	dev_t rdev;
	const char *target;
	struct node *link;
	int flags;
	bool want_fd;
	int fd;
	const struct fuse_ctx *ctx;
};

/**
 * dirent_make() - make an object; the kernel then refers to its node
 * Return: 0, -EEXIST, -errno
 */
int dirent_make(struct ovl *o, struct node *parent, const char *name, struct newent *w,
		struct fuse_entry_param *e);

/**
 * dirent_make_unnamed() - make a file without a name in a directory (O_TMPFILE)
 * @w:		mode, flags, ctx; its descriptor comes out
 * Return: 0, -EOPNOTSUPP where the upper file system cannot, -errno
 */
int dirent_make_unnamed(struct ovl *o, struct node *parent, struct newent *w,
			struct fuse_entry_param *e);

/**
 * dirent_unlink() - remove a name that is no directory
 */
int dirent_unlink(struct ovl *o, struct node *parent, const char *name);

/**
 * dirent_rmdir() - remove an empty directory
 */
int dirent_rmdir(struct ovl *o, struct node *parent, const char *name);

#endif
