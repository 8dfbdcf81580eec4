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
 * struct fileio - one request's use of a file
 * @of:		the open file
 * @fd:		to do input and output on
 * @kept:	it is one of ovl.kept
 */
struct fileio {
	struct ofile *of;
	int fd;
	bool kept;
};

/**
 * file_begin() - find or open the file that a request is about
 * @fi:		as the kernel sent it; it may name no open file
 * @writes:	then a lower file is copied up first
 *
 * Takes the lock when it must, so call it without.
 * Return: 0 and what file_end() gives back, -errno
 */
int file_begin(struct ovl *o, struct node *n, const struct fuse_file_info *fi, bool writes,
	       struct fileio *ret);
void file_end(struct ovl *o, struct fileio *io);

/**
 * file_keep() - keep a file that was just made open for the requests to come
 * @fd:		open for both reading and writing; taken
 */
void file_keep(struct ovl *o, struct node *n, int fd);

/**
 * file_drop_kept() - close what is kept open of a node, or of all of them
 * @n:		NULL for all
 * Return: whether there was anything
 */
bool file_drop_kept(struct ovl *o, const struct node *n);

static inline struct ofile *file_of(const struct fuse_file_info *fi)
{
	return fi ? (struct ofile *)(uintptr_t)fi->fh : NULL;
}

#endif
