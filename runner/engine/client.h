/* SPDX-License-Identifier: Apache-2.0
 *
 * client - a command's end of a running program: its terminal and signals
 */
#ifndef RUNNER_ENGINE_CLIENT_H
#define RUNNER_ENGINE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

#define DETACH_KEYS_MAX 16

/**
 * struct detach - recognise a sequence of keys in a stream
 * @keys:	the sequence, @n of them; 0: none
 * @seen:	how many matched so far
 */
struct detach {
	unsigned char keys[DETACH_KEYS_MAX];
	size_t n;
	size_t seen;
};

/**
 * detach_parse() - "ctrl-p,ctrl-q", "a", "" for none; pure
 * Return: 0, -EINVAL
 */
int detach_parse(const char *text, struct detach *ret, struct err *e);

/**
 * detach_feed() - pass keys through, holding back what may become the sequence
 * @in:		what was typed
 * @out:	what is to be sent; room for @len + DETACH_KEYS_MAX
 * @ret_len:	how much that is
 * Return: true when the sequence is complete (the rest of @in is dropped)
 */
bool detach_feed(struct detach *d, const char *in, size_t len, char *out, size_t *ret_len);

/**
 * struct client_opts - what to relay
 * @tty:	the program has a terminal
 * @in:		relay our stdin
 * @sig_proxy:	relay signals that are sent to us
 * @detach:	keys that leave; checked only when our stdin is a terminal too
 */
struct client_opts {
	bool tty;
	bool in;
	bool sig_proxy;
	struct detach detach;
};

/**
 * client_run() - relay until the program ends or the person detaches
 * @fd:		connection to the monitor (ctl.h); output must be asked for
 * @ret_code:	exit code of the program; 0 after detaching
 * Return: 0, -ECONNRESET when the monitor was killed, -EPIPE when nobody reads
 * what we print, -errno
 */
int client_run(int fd, const struct client_opts *opts, int *ret_code, struct err *e);

/**
 * client_wait() - until the program ends, without output
 * @timeout_ms:	-1 for ever
 * Return: 1 with the exit code, 0 on timeout, -EPIPE, -errno
 */
int client_wait(int fd, int timeout_ms, int *ret_code);

/**
 * client_terminal_size() - size of our terminal
 * Return: 0, -ENOTTY
 */
int client_terminal_size(unsigned short *ret_rows, unsigned short *ret_cols);

/**
 * struct client_child - a program that is a child of ours
 * @pid, @pidfd: it
 * @out:	its stdout (or terminal) and stderr to be read, -1 where it has ours
 * @in:		its stdin (or terminal), -1 when it has ours or none
 *
 * The descriptors are closed by client_relay_child().
 */
struct client_child {
	pid_t pid;
	int pidfd;
	int out[2];
	int in;
};

/**
 * client_hold_signals() - before a program starts that client_relay_child() will stay with
 *
 * A signal that comes between would end us alone, and leave the program.
 */
void client_hold_signals(void);

/**
 * client_relay_child() - as client_run(), for a child of ours (exec)
 * Return: 0 with the exit code, -errno
 */
int client_relay_child(struct client_child *child, const struct client_opts *opts, int *ret_code,
		       struct err *e);

#endif
