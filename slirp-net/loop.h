/* SPDX-License-Identifier: Apache-2.0
 *
 * loop - one epoll set; interest is kept in the kernel, never rebuilt
 */
#ifndef SLIRP_NET_LOOP_H
#define SLIRP_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/spin.h"

#define LOOP_BATCH 128

struct ev;
typedef void ev_fn(struct ev *ev, uint32_t events);

/**
 * struct ev - one watched descriptor, embedded in its owner
 * @fd:		the descriptor; it stays the owner's
 * @fn:		called with what happened
 * @owner:	for @fn
 * @events:	interest as the kernel knows it; 0 when not watched
 */
struct ev {
	int fd;
	ev_fn *fn;
	void *owner;
	uint32_t events;
};

/**
 * struct loop - the set
 * @epfd:	epoll descriptor
 * @n:		events of the turn that are left to be called
 * @at:		the one being called
 * @spin:	how long to poll before sleeping
 * @batch:	events of this turn
 */
struct loop {
	int epfd;
	struct spin spin;
	int n, at;
	struct epoll_event batch[LOOP_BATCH];
};

/**
 * loop_init() - an empty set
 * @busy_poll_us: longest time to poll before sleeping, 0 for none
 */
int loop_init(struct loop *l, unsigned int busy_poll_us);
void loop_clear(struct loop *l);

/**
 * loop_set() - watch ev->fd for events (EPOLL*), or change what for; 0 stops
 *
 * After events = 0 the owner may be freed at once, also inside a callback.
 * Return: 0, -errno
 */
int loop_set(struct loop *l, struct ev *ev, uint32_t events);

/**
 * loop_forget() - as loop_set(…, 0), for a descriptor that is already closed
 */
void loop_forget(struct loop *l, struct ev *ev);

/**
 * loop_move() - watch the same descriptor on behalf of another owner
 * @from:	is not watched any more, and may be freed
 * @to:		has the same descriptor, and is not watched yet
 * Return: 0, -errno (@from is still watched)
 */
int loop_move(struct loop *l, struct ev *from, struct ev *to, uint32_t events);

/**
 * loop_wait() - wait at most timeout_ms (-1: for ever) and call back
 * Return: how many events there were, -errno
 */
int loop_wait(struct loop *l, int timeout_ms);

/**
 * loop_now_ms() - monotonic milliseconds
 */
int64_t loop_now_ms(void);

#endif
