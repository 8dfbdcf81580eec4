/* SPDX-License-Identifier: Apache-2.0
 *
 * file - open files and their data
 */
#ifndef FUSE_OVERLAY_FILE_H
#define FUSE_OVERLAY_FILE_H

#include "fuse-overlay/ovl.h"

/**
 * file_open_loc() - open a real file, closing idle directories when
 * descriptors run out
 * Return: descriptor, -errno
 */
int file_open_loc(struct ovl *o, struct loc l, int flags);

/**
 * file_backing_flags() - the flags to open the real file with
 * @flags:	as the application gave them
 */
int file_backing_flags(const struct ovl *o, int flags);

/**
 * file_open() - open a node; a writer's file is copied up
 * Return: 0 and an open file that file_close() releases, -errno
 */
int file_open(struct ovl *o, struct node *n, int flags, struct ofile **ret);

/**
 * file_new() - an open file for a descriptor, which is taken also on failure
 * Return: NULL without memory
 */
struct ofile *file_new(struct node *n, int fd, int flags);

/**
 * file_close() - release an open file
 */
void file_close(struct ovl *o, struct ofile *of);

/**
 * file_refresh() - follow a copy-up that happened since the file was opened
 * Return: 0, -errno
 */
int file_refresh(struct ovl *o, struct ofile *of);

/**
 * file_fd() - the descriptor to do input and output on; takes the lock when
 * it must, so call it without
 * Return: descriptor, -errno
 */
int file_fd(struct ovl *o, struct ofile *of);

static inline struct ofile *file_of(const struct fuse_file_info *fi)
{
	return fi ? (struct ofile *)(uintptr_t)fi->fh : NULL;
}

#endif
