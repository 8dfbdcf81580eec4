/* SPDX-License-Identifier: Apache-2.0
 *
 * pump - bytes between two connected TCP sockets
 */
#ifndef SLIRP_NET_PUMP_H
#define SLIRP_NET_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"
#include "slirp-net/loop.h"

#define PUMP_BUF (256 << 10)
#define PUMP_PIPES_SPARE 8
#define PUMP_LEFT_TOTAL (64U << 20)

struct net;
struct pump;
struct dns_tap;

#define PUMP_TAPS_MAX 64

enum pump_side_name {
	PUMP_GUEST,	/* the socket in the gateway namespace */
	PUMP_HOST,	/* the socket in the host's namespace */
	PUMP_SIDE_MAX_,
};

/**
 * struct pump_side - one of the two sockets
 * @ev:		watched edge-triggered; for room to write from when there was none
 * @pump:	whose side
 * @readable:	reading has not said EAGAIN since the last event
 * @writable:	same for writing
 * @ending:	the peer's end is in the receive queue or has been read
 * @fin:	it is an orderly one, all before it is in the queue
 * @urgent:	there was urgent data, which cuts reads short
 * @shared:	the broker may still hold the descriptor: closing ours does not
 *		end the watch
 */
struct pump_side {
	struct ev ev;
	struct pump *pump;
	bool readable, writable, ending, fin, urgent, shared;
};

/**
 * struct pump_dir - what is read from one side and written to the other
 * @eof:	the reading side has ended
 * @shut:	the writing side has been told
 * @bulk:	splice through a pipe, instead of copying
 * @idle_turns:	bulk turns in a row that moved little
 * @left:	copied bytes that could not be written yet, NULL for none
 * @left_off, @left_len: the part of @left that is to be written
 * @pipe:	read and write end; -1 when there is none
 * @in_pipe:	bytes in it
 * @run:	bytes since reading last said EAGAIN
 * @bytes:	bytes written since the beginning
 */
struct pump_dir {
	bool eof, shut, bulk;
	uint8_t idle_turns;
	uint8_t *left;
	size_t left_off, left_len;
	int pipe[2];
	size_t in_pipe;
	size_t run;
	uint64_t bytes;
};

/**
 * struct pump - a connection
 * @net:	whose connection
 * @side:	by pump_side_name
 * @dir:	by the side that is read
 * @guest:	address in the container
 * @peer:	the address the container sees
 * @outbound:	the container opened it
 * @since_ms:	when it began
 * @taps:	two, one for each direction, when this is DNS to be looked into
 * @queued:	in the list of those with more to do than one turn's share
 * @prev, @next: in the list of all
 * @next_ready:	in the list of those with more to do
 */
struct pump {
	struct net *net;
	struct pump_side side[PUMP_SIDE_MAX_];
	struct pump_dir dir[PUMP_SIDE_MAX_];
	union addr guest, peer;
	bool outbound, queued;
	int64_t since_ms;
	struct dns_tap *taps;
	struct pump *prev, *next, *next_ready;
};

/**
 * struct pumps - all connections
 * @list:	newest first
 * @ready:	those with more to do
 * @n:		how many
 * @total:	how many there ever were
 * @left_bytes:	sum of all pump_dir.left
 * @spare:	pipes nobody uses
 * @n_spare:	how many
 * @n_taps:	how many have taps
 * @bytes:	moved by closed connections: from the container, to it
 * @buf:	PUMP_BUF bytes of scratch space
 */
struct pumps {
	struct pump *list, *ready;
	size_t n;
	uint64_t total;
	size_t left_bytes;
	int spare[PUMP_PIPES_SPARE][2];
	int n_spare;
	int n_taps;
	uint64_t bytes[PUMP_SIDE_MAX_];
	uint8_t *buf;
};

int pumps_init(struct pumps *ps);
void pumps_clear(struct net *net);

/**
 * pump_start() - carry bytes between two connected sockets from now on
 * @guest_fd, @host_fd: taken, also on failure
 * @guest_ev:	@guest_fd is watched by this already; NULL when it is not
 * Return: 0, -errno (both sockets are reset)
 */
int pump_start(struct net *net, int guest_fd, int host_fd, struct ev *guest_ev,
	       const union addr *guest, const union addr *peer, bool outbound);

/**
 * pumps_run() - continue those that had more to do than one turn's share
 */
void pumps_run(struct net *net);

/**
 * pump_abort() - reset both sides
 */
void pump_abort(struct pump *p);

/**
 * pump_reset_close() - close a socket so that its peer sees a reset
 */
void pump_reset_close(int fd);

#endif
