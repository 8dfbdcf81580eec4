/* SPDX-License-Identifier: Apache-2.0
 *
 * at - system calls on an object named by a folder and a name
 *
 * Everywhere a name of "" means the object that the descriptor itself is,
 * which may be an O_PATH one. No call follows a symbolic link in last place.
 * All return 0 or more, or -errno. The calling thread's working directory
 * may change where the kernel lacks the *xattrat calls (before 6.13).
 */
#ifndef FUSE_OVERLAY_AT_H
#define FUSE_OVERLAY_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/**
 * struct loc - where an object is
 * @fd:		folder, or the object when name is ""
 * @name:	name in the folder
 */
struct loc {
	int fd;
	const char *name;
};

int at_stat(struct loc l, struct statx *ret);
int at_open(struct loc l, int flags);
int at_chmod(struct loc l, mode_t mode);
int at_chown(struct loc l, uid_t uid, gid_t gid);
int at_utimens(struct loc l, const struct timespec ts[2]);

/**
 * at_open_dir() - open a folder for reading its entries
 *
 * A folder that may not be read is opened O_PATH.
 * Return: descriptor, -errno (-ENOTDIR for anything but a folder)
 */
int at_open_dir(int fd, const char *name);

/**
 * at_link_fd() - give an unnamed file (O_TMPFILE) or O_PATH handle a name
 */
int at_link_fd(int fd, int dirfd, const char *name);

ssize_t at_getxattr(struct loc l, const char *name, void *buf, size_t size);
ssize_t at_listxattr(struct loc l, char *buf, size_t size);
int at_setxattr(struct loc l, const char *name, const void *value, size_t size, int flags);
int at_removexattr(struct loc l, const char *name);

/**
 * at_is_whiteout() - is this the character device 0:0
 */
static inline bool at_is_whiteout(const struct statx *stx)
{
	return S_ISCHR(stx->stx_mode) && !stx->stx_rdev_major && !stx->stx_rdev_minor;
}

#endif
