/* SPDX-License-Identifier: Apache-2.0
 *
 * ctl - what a command and a container's monitor say to each other
 *
 * A SOCK_SEQPACKET connection: every message is one byte of type and a
 * payload. A client that says nothing still gets CTL_EXIT at the end, which
 * is how wait and stop know.
 */
#ifndef RUNNER_ENGINE_CTL_H
#define RUNNER_ENGINE_CTL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define CTL_DATA_MAX 32768

/**
 * enum ctl_type - the first byte of a message
 *
 * From the client:
 * @CTL_ATTACH:		send me output from now on (no payload)
 * @CTL_STDIN:		bytes for the program; the next only after CTL_STDIN_OK
 * @CTL_STDIN_EOF:	close the program's stdin, if it is a pipe
 * @CTL_RESIZE:		struct ctl_size, of the client's terminal
 * @CTL_SIGNAL:		int32_t, for the container's first process
 * @CTL_REMOVE:		remove the container when it ends, as if it were --rm
 *
 * From the monitor:
 * @CTL_STARTED:	the image's program runs (to the client that started it)
 * @CTL_ERROR:		struct ctl_error: it could not be started
 * @CTL_STDIN_OK:	the bytes were written
 * @CTL_STDOUT, @CTL_STDERR: output
 * @CTL_EXIT:		int32_t exit code; recorded (and removed) when this comes
 */
enum ctl_type {
	CTL_ATTACH = 'a',
	CTL_STDIN = 'i',
	CTL_STDIN_EOF = 'e',
	CTL_RESIZE = 'w',
	CTL_SIGNAL = 's',
	CTL_REMOVE = 'r',
	CTL_STARTED = 'S',
	CTL_ERROR = 'X',
	CTL_STDIN_OK = 'k',
	CTL_STDOUT = '1',
	CTL_STDERR = '2',
	CTL_EXIT = 'Q',
};

/**
 * struct ctl_size - a terminal's size
 */
struct ctl_size {
	uint16_t rows;
	uint16_t cols;
};

/**
 * struct ctl_error - why a start failed
 * @exit_code:	125, 126 or 127
 * @err:	the explanation
 */
struct ctl_error {
	int32_t exit_code;
	struct err err;
};

/**
 * struct ctl_msg - a message in memory
 * @type:	enum ctl_type
 * @data:	payload
 */
struct ctl_msg {
	unsigned char type;
	char data[CTL_DATA_MAX];
};

/**
 * ctl_pair() - two connected ends, close-on-exec
 */
int ctl_pair(int ret[2]);

/**
 * ctl_listen() - the socket "ctl" in an open folder, replacing an old one
 * Return: non-blocking descriptor, -errno
 */
int ctl_listen(int dir_fd);

/**
 * ctl_connect() - to the socket "ctl" in a folder
 * Return: descriptor, -errno
 */
int ctl_connect(const char *dir);

/**
 * ctl_send() - one message; waits while the other side's queue is full
 * unless the socket is non-blocking
 * Return: 0, -EAGAIN, -EPIPE, -errno
 */
int ctl_send(int fd, enum ctl_type type, const void *data, size_t len);

/**
 * ctl_recv() - one message
 * @ret_len:	length of the payload
 * Return: 1, 0 at end of file, -EAGAIN, -EBADMSG, -errno
 */
int ctl_recv(int fd, struct ctl_msg *msg, size_t *ret_len);

#endif
