/* SPDX-License-Identifier: Apache-2.0
 *
 * readdir - listings
 */
#ifndef FUSE_OVERLAY_READDIR_H
#define FUSE_OVERLAY_READDIR_H

#include "fuse-overlay/ovl.h"

/**
 * readdir_fill() - entries from an offset on
 * @plus:	with attributes; the kernel then refers to the nodes
 * @buf:	reply, of size bytes
 * Return: bytes used, -errno
 */
ssize_t readdir_fill(struct ovl *o, fuse_req_t req, struct node *n, off_t off, size_t size,
		     bool plus, char *buf);

/**
 * readdir_is_empty() - is there no entry but whiteouts
 * Return: 0 or 1, -errno
 */
int readdir_is_empty(struct ovl *o, struct node *n);

/**
 * readdir_count_dirs() - how many subdirectories a merged directory has
 * Return: count, -errno
 */
int readdir_count_dirs(struct ovl *o, struct node *n);

/**
 * readdir_forget() - a directory is closed: drop what was read ahead
 */
void readdir_forget(struct ovl *o, const struct node *n);

#endif
