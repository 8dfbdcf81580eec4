/* SPDX-License-Identifier: Apache-2.0
 *
 * stack - libslirp, fed with frames
 */
#ifndef SLIRP_NET_STACK_H
#define SLIRP_NET_STACK_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"
#include "slirp-net/loop.h"

struct net;
struct Slirp;

#define STACK_TIMERS_MAX 8

struct stack;
struct stack_lib;

/**
 * struct stack_fd - a socket of libslirp in our epoll set
 * @ev:		its entry; @ev.events is what the kernel watches
 * @stack:	whose it is
 * @turn:	last turn in which libslirp asked for it
 * @revents:	what happened since libslirp was told last
 */
struct stack_fd {
	struct ev ev;
	struct stack *stack;
	uint32_t turn;
	uint32_t revents;
};

/**
 * struct stack_timer - a timer of libslirp
 * @used:	whether the slot is taken
 * @id:		what libslirp calls it
 * @cb_opaque:	for libslirp
 * @at_ms:	when it fires; INT64_MAX when it does not run
 */
struct stack_timer {
	bool used;
	int id;
	void *cb_opaque;
	int64_t at_ms;
};

/**
 * struct stack - the TCP/IP stack and what it waits for
 * @lib:	libslirp's functions
 * @slirp:	libslirp's handle
 * @net:	whose stack it is
 * @fds:	by descriptor number, NULL where libslirp has none
 * @n_fds:	length of @fds
 * @top:	one behind the highest descriptor in use
 * @turn:	number of the last round of asking
 * @dirty:	libslirp has run since it was asked what to wait for
 * @fired:	a descriptor has events that libslirp has not seen
 * @at_ms:	when libslirp wants to run again; INT64_MAX for never
 * @timers:	its timers
 */
struct stack {
	struct stack_lib *lib;
	struct Slirp *slirp;
	struct net *net;
	struct stack_fd **fds;
	int n_fds, top;
	uint32_t turn;
	bool dirty, fired;
	int64_t at_ms;
	struct stack_timer timers[STACK_TIMERS_MAX];
};

/**
 * stack_version() - libslirp's own name for itself; "missing" without it
 */
const char *stack_version(void);

/**
 * stack_start() - make the stack as net->conf says
 * Return: 0, -errno
 */
int stack_start(struct stack *s, struct net *net, struct err *e);
void stack_clear(struct stack *s);

/**
 * stack_input() - a frame from the container
 * @data:	changed in place (checksum)
 */
void stack_input(struct stack *s, const struct virtio_net_hdr *h, uint8_t *data, size_t len);

/**
 * stack_prepare() - before waiting: tell epoll what libslirp waits for
 * Return: milliseconds until libslirp wants to run, -1 for never
 */
int stack_prepare(struct stack *s);

/**
 * stack_run() - after waiting: let libslirp see events and timers
 */
void stack_run(struct stack *s);

/**
 * stack_add_fwd() - listen on the host for the container
 * @flags:	SLIRP_HOSTFWD_*
 * Return: 0, -errno
 */
int stack_add_fwd(struct stack *s, const struct sockaddr *host, socklen_t host_len,
		  const struct sockaddr *guest, socklen_t guest_len, int flags);
int stack_remove_fwd(struct stack *s, const struct sockaddr *host, socklen_t host_len, int flags);

#endif
