/* SPDX-License-Identifier: Apache-2.0
 *
 * io - whole reads and writes, small files, atomic replacement
 */
#ifndef COMMON_IO_H
#define COMMON_IO_H

#include <stddef.h>
#include <sys/types.h>

/**
 * io_write_all() - write every byte, over short writes and EINTR
 * Return: 0, -errno
 */
int io_write_all(int fd, const void *data, size_t len);

/**
 * io_read_all() - read until len bytes or end of file
 * Return: bytes read, -errno
 */
ssize_t io_read_all(int fd, void *buf, size_t len);

/**
 * io_read_file_at() - a whole small file as a NUL-terminated string
 * @dirfd:	where path starts, or AT_FDCWD
 * @max:	largest size in bytes that is accepted
 * @ret:	the text, the caller frees it
 * @ret_len:	its length without the NUL, may be NULL
 * Return: 0, -EFBIG when larger than max, -errno
 */
int io_read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);

/**
 * io_read_fd() - the rest of an open file; otherwise as io_read_file_at()
 */
int io_read_fd(int fd, size_t max, char **ret, size_t *ret_len);

/**
 * io_write_file_at() - write into an existing file in one write(2), as
 * /proc and /sys want it
 * Return: 0, -errno
 */
int io_write_file_at(int dirfd, const char *path, const char *text);

/**
 * io_stage_file_at() - the first half of io_replace_file_at(): renameat(2) of
 * @tmp over @path is the other
 * @tmp:	where the temporary file's path goes
 * Return: 0, -errno (nothing is left)
 */
int io_stage_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		     char *tmp, size_t size);

/**
 * io_replace_file_at() - readers see the old or the new content, never half
 *
 * Writes a temporary file beside path and renames it over path. Does not
 * sync: state is rebuilt after a crash of the machine.
 * Return: 0, -errno (the old file is untouched, nothing is left beside it)
 */
int io_replace_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/**
 * io_mkdir_p_at() - make a folder and its parents; existing ones are fine
 * Return: 0, -errno
 */
int io_mkdir_p_at(int dirfd, const char *path, mode_t mode);

/**
 * io_remove_tree_at() - delete a file or a whole folder, crossing no mounts
 *
 * Needs no free space. Folders without write permission are made writable
 * first when they are ours. A name that is not there is success.
 * Return: 0, or the first -errno met, having deleted all that could be
 */
int io_remove_tree_at(int dirfd, const char *name);

#endif
