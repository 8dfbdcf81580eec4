/* SPDX-License-Identifier: Apache-2.0
 *
 * monitor - the process that owns one running container
 */
#ifndef RUNNER_ENGINE_MONITOR_H
#define RUNNER_ENGINE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/str.h"
#include "runner/engine/guard.h"
#include "runner/engine/logs.h"
#include "runner/engine/network.h"
#include "runner/engine/recorded.h"
#include "runner/engine/rootfs.h"
#include "runner/oci/oci.h"

struct container;
struct store;

#define MONITOR_CLIENTS_MAX 64

/**
 * struct client - a command that is connected
 * @fd:		its socket, non-blocking; -1 for a free slot
 * @output:	it wants output
 * @queue:	messages that did not fit into the socket: length, then bytes
 * @sent:	how much of @queue has been sent
 */
struct client {
	int fd;
	bool output;
	struct strbuf queue;
	size_t sent;
};

/**
 * struct monitor - everything that a running container holds
 * @c:		its record
 * @store:	to let go of the image, may be NULL
 * @net, @root, @recorded, @guard, @log, @oci: taken resources, released in this
 *		order reversed
 * @mounts_fd:	the container's mount namespace, -1 when it is not held
 * @command:	the command that forked us sends here what it made for us, or -1
 * @signal_fd:	SIGTERM and kin, sent to the monitor itself
 * @listen_fd:	where commands connect
 * @out:	what the program prints: stdout (or the terminal) and stderr; -1
 *		when closed
 * @in:		the program's stdin, or the terminal; -1 when closed
 * @in_queue:	bytes that the program has not read
 * @in_from:	client that waits for CTL_STDIN_OK, -1 when none does
 * @in_eof:	close @in when @in_queue is empty
 * @stop_at:	when to kill, in ms of CLOCK_MONOTONIC; 0 while nobody stops it
 * @remove:	remove the container at its end
 * @lost_ids:	the supervisor of its ids ended before it
 * @deaf_until: when to look for clients again, in the same ms: no descriptor was
 *		free for one more; 0 while there is
 * @exited:	the program has ended
 * @exit_code:	with what
 * @clients:	commands
 */
struct monitor {
	struct container *c;
	struct store *store;
	struct network net;
	struct rootfs root;
	struct recorded recorded;
	struct guard guard;
	int mounts_fd;
	struct log_writer log;
	struct oci_container oci;
	int command;
	int signal_fd;
	int listen_fd;
	int out[2];
	int in;
	struct strbuf in_queue;
	int in_from;
	bool in_eof;
	int64_t stop_at;
	int64_t deaf_until;
	bool remove;
	bool lost_ids;
	bool exited;
	int exit_code;
	struct client clients[MONITOR_CLIENTS_MAX];
};

/**
 * monitor_init() - everything absent
 */
void monitor_init(struct monitor *m, struct container *c);

/**
 * monitor_add_client() - a connected socket becomes ours
 * Return: slot, -EMFILE (the socket is closed)
 */
int monitor_add_client(struct monitor *m, int fd_take);

/**
 * monitor_loop() - relay until the program has ended and all of its output
 * was read
 */
void monitor_loop(struct monitor *m);

/**
 * monitor_close_door() - take in who has connected already; nobody else can
 * once the socket's name is gone
 */
void monitor_close_door(struct monitor *m);

/**
 * monitor_flush() - deliver what is queued for clients, for at most ms
 */
void monitor_flush(struct monitor *m, int ms);

/**
 * monitor_tell_all() - one message to every client
 */
void monitor_tell_all(struct monitor *m, unsigned char type, const void *data, size_t len);

#endif
