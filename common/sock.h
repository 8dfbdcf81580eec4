/* SPDX-License-Identifier: Apache-2.0
 *
 * sock - unix sockets and passing descriptors over them
 */
#ifndef COMMON_SOCK_H
#define COMMON_SOCK_H

#include <stddef.h>
#include <sys/types.h>

#define SOCK_FDS_MAX 8

/**
 * sock_listen_unix() - a listening stream socket at path, mode 0600
 *
 * Paths longer than sun_path are reached through the folder's descriptor.
 * A left-over socket file is replaced.
 * Return: descriptor (close-on-exec), -errno
 */
int sock_listen_unix(const char *path, int backlog);

/**
 * sock_connect_unix() - connect a stream socket to path
 * Return: descriptor (close-on-exec), -errno
 */
int sock_connect_unix(const char *path);

/**
 * sock_send_fds() - one message with descriptors; they stay the caller's
 * @len:	at least 1
 * Return: bytes sent, -errno
 */
ssize_t sock_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds);

/**
 * sock_recv_fds() - one message with up to SOCK_FDS_MAX descriptors
 * @ret_fds:	array of max_fds; received ones are the caller's
 * @ret_n_fds:	how many came
 *
 * Descriptors beyond max_fds are closed and the message is -EMSGSIZE.
 * Return: bytes received (0 at end of file), -errno
 */
ssize_t sock_recv_fds(int sock, void *buf, size_t size, int *ret_fds, size_t max_fds,
		      size_t *ret_n_fds);

#endif
