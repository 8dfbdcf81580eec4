/* SPDX-License-Identifier: Apache-2.0
 *
 * sync - what the runtime and the container's first process tell each other
 *
 * How it works: a SOCK_SEQPACKET pair, one fixed struct a message, at most
 * one descriptor beside it. Order of a creation (P parent, C child):
 *
 *   P->C MAPPED      the id maps are written, the cgroup is entered
 *                    (only where there is one of them to wait for)
 *   C->P MOUNTED     only with hooks: all mounts are there, root not switched
 *   P->C HOOKED      the hooks of the runtime namespace have run
 *   C->P READY       everything is built; carries the pty master if asked for
 *   P->C START       run the program; from here C closes the socket by exec
 *   C->P ERROR       instead of any message of C: the struct err
 *
 * Receiving states what is expected; anything else is an error, which ends
 * the child. The socket is close-on-exec: end of file after START means that
 * the exec happened.
 */
#ifndef RUNNER_OCI_SYNC_H
#define RUNNER_OCI_SYNC_H

#include <stdint.h>

struct err;

enum sync_type {
	SYNC_NONE,
	SYNC_MAPPED,
	SYNC_MOUNTED,
	SYNC_HOOKED,
	SYNC_READY,
	SYNC_START,
	SYNC_ERROR,
	SYNC_TYPE_MAX_,
};

/** sync_pair() - make the two ends, close-on-exec, numbered 3 or more */
int sync_pair(int ret[2], struct err *e);

/**
 * sync_send() - one message
 * @fd:   a descriptor to go along, or -1
 *
 * Return: 0 or -errno. Allocates nothing.
 */
int sync_send(int sock, enum sync_type type, int fd);

/** sync_send_error() - the failure as the last message of a child */
void sync_send_error(int sock, const struct err *why);

/**
 * sync_expect() - wait for exactly this message
 * @ret_fd: the descriptor that came along or -1; NULL: none is welcome
 *
 * Return: 0; what the other side reported; -EPIPE when it is gone;
 * -EPROTO for another message. Allocates nothing.
 */
int sync_expect(int sock, enum sync_type type, int *ret_fd, struct err *e);

/**
 * sync_wait_exec() - wait for end of file (success) or ERROR
 */
int sync_wait_exec(int sock, struct err *e);

#endif
