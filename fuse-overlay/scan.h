/* SPDX-License-Identifier: Apache-2.0
 *
 * scan - what a real folder of a layer contains
 */
#ifndef FUSE_OVERLAY_SCAN_H
#define FUSE_OVERLAY_SCAN_H

#include <sys/types.h>

#include "fuse-overlay/ovl.h"

/**
 * struct scan_raw - as the kernel's struct linux_dirent64
 */
struct scan_raw {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

/**
 * struct rawent - an entry of a real folder
 */
struct rawent {
	uint64_t ino;
	uint8_t type;
	const char *name;
};

static inline bool scan_is_dots(const char *s)
{
	return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2]));
}

/**
 * scan_getdents() - the next entries
 * Return: bytes of struct scan_raw, 0 at the end, -errno
 */
ssize_t scan_getdents(int fd, void *buf, size_t size);

/**
 * scan_folder() - call fn for every entry of a folder but . and ..
 * @fn:		stops the scan by returning other than 0
 * Return: 0, what fn returned, -errno
 */
int scan_folder(int fd, int (*fn)(void *arg, const struct rawent *e), void *arg);

/**
 * scan_dev() - the device of a source, as node_dev() numbers them
 */
unsigned int scan_dev(struct ovl *o, const struct dir *d, unsigned int src);

/**
 * scan_show_ino() - the inode number to show for an entry, as stat(2) does
 * @src, @dev:	where it is
 * @moved:	it may have been copied up, and shows the number from before
 */
uint64_t scan_show_ino(struct ovl *o, const struct dir *d, unsigned int src, unsigned int dev,
		       const struct rawent *e, bool moved);

#endif
