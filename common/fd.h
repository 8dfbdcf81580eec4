/* SPDX-License-Identifier: Apache-2.0
 *
 * fd - descriptors: born close-on-exec, and paths that stay below a folder
 *
 * Any path inside a container's root or a layer comes from somebody else.
 * It is opened only through fd_open_in_root() or fd_open_beneath(): a
 * symbolic link in it cannot lead out, and /proc magic links are refused.
 */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include <stddef.h>
#include <sys/types.h>

/**
 * fd_open_in_root() - open path as if rootfd were "/"
 *
 * Absolute links and ".." are resolved inside rootfd (openat2 with
 * RESOLVE_IN_ROOT). Without openat2: -ENOSYS, never a plain open.
 * Return: descriptor (close-on-exec), -errno
 */
int fd_open_in_root(int rootfd, const char *path, int flags, mode_t mode);

/**
 * fd_open_beneath() - open path, refusing (-EXDEV) whatever leaves dirfd
 * Return: descriptor (close-on-exec), -errno
 */
int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/**
 * fd_mkdir_p_in_root() - make path and its parents below rootfd
 * Return: O_PATH descriptor of the folder, -errno
 */
int fd_mkdir_p_in_root(int rootfd, const char *path, mode_t mode);

/**
 * fd_dup() - a close-on-exec duplicate, numbered 3 or more
 * Return: descriptor, -errno
 */
int fd_dup(int fd);

/**
 * fd_set_cloexec() / fd_set_nonblock() - switch the flag on or off
 * Return: 0, -errno
 */
int fd_set_cloexec(int fd, int on);
int fd_set_nonblock(int fd, int on);

/**
 * fd_close_from() - close every descriptor from first on, but those kept
 * @keep:	descriptors to leave open, any order
 * Return: 0, -errno
 */
int fd_close_from(int first, const int *keep, size_t n_keep);

/**
 * fd_std_open() - make sure that 0, 1 and 2 are open (on /dev/null)
 *
 * A program started with one of them closed would otherwise hand its first
 * own descriptor to everything that prints.
 * Return: 0, -errno
 */
int fd_std_open(void);

#endif
