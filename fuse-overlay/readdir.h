/* SPDX-License-Identifier: Apache-2.0
 *
 * readdir - listings
 */
#ifndef FUSE_OVERLAY_READDIR_H
#define FUSE_OVERLAY_READDIR_H

#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/ovl.h"

/**
 * struct rawent - an entry of a real folder
 */
struct rawent {
	uint64_t ino;
	uint8_t type;
	const char *name;
};

/**
 * readdir_scan() - call fn for every entry of a folder but . and ..
 * @fn:		stops the scan by returning other than 0
 * Return: 0, what fn returned, -errno
 */
int readdir_scan(int fd, int (*fn)(void *arg, const struct rawent *e), void *arg);

/**
 * struct dlist - merged listing of a directory
 * @t:		names; an entry's place is its offset and never changes
 * @round:	counts refreshes; entries of older rounds are gone
 * @gen:	dir.gen when refreshed
 */
struct dlist {
	struct ltable t;
	uint32_t round;
	uint64_t gen;
};

void dlist_free(struct dlist *l);

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
