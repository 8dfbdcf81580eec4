/* SPDX-License-Identifier: Apache-2.0
 *
 * loop - one epoll set; interest is kept in the kernel, never rebuilt
 *
 * How it works: epoll hands back up to LOOP_BATCH events at once. A callback
 * may release any watched object, also one whose event waits later in the
 * same batch: loop_set(…, 0) therefore blanks it there. Before it sleeps it
 * polls for as long as has paid lately (common/spin.h).
 */
#include "slirp-net/loop.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* #syscalls epoll_create1 epoll_ctl epoll_wait epoll_pwait clock_gettime pread64 */

int loop_init(struct loop *l, unsigned int busy_poll_us)
{
	spin_init(&l->spin, busy_poll_us);
	l->n = l->at = 0;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	return l->epfd < 0 ? -errno : 0;
}

void loop_clear(struct loop *l)
{
	if (l->epfd >= 0)
		(void)close(l->epfd);
	l->epfd = -1;
	spin_clear(&l->spin);
}

void loop_forget(struct loop *l, struct ev *ev)
{
	ev->events = 0;
	for (int i = l->at + 1; i < l->n; i++) {
		if (l->batch[i].data.ptr == ev)
			l->batch[i].data.ptr = NULL;
	}
}

int loop_set(struct loop *l, struct ev *ev, uint32_t events)
{
	struct epoll_event ee = { .events = events, .data.ptr = ev };
	int r;

	if (events == ev->events)
		return 0;
	if (!events) {
		(void)epoll_ctl(l->epfd, EPOLL_CTL_DEL, ev->fd, NULL);
		loop_forget(l, ev);
		return 0;
	}
	r = epoll_ctl(l->epfd, ev->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, ev->fd, &ee);
	if (r < 0)
		return -errno;
	ev->events = events;
	return 0;
}

int loop_move(struct loop *l, struct ev *from, struct ev *to, uint32_t events)
{
	struct epoll_event ee = { .events = events, .data.ptr = to };

	if (epoll_ctl(l->epfd, from->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, to->fd, &ee) < 0)
		return -errno;
	loop_forget(l, from);
	to->events = events;
	return 0;
}

/* epoll_wait(2), with polling first */
static int wait_for_events(struct loop *l, int timeout_ms)
{
	uint64_t began;
	int n = 0;

	if (!timeout_ms || !l->spin.max)
		return epoll_wait(l->epfd, l->batch, LOOP_BATCH, timeout_ms);
	began = spin_now();
	spin_check(&l->spin, began, 0);
	while (!n && spin_now() - began < l->spin.limit)
		n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, 0);
	if (!n)
		n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, timeout_ms);
	spin_learn(&l->spin, spin_now() - began);
	return n;
}

int loop_wait(struct loop *l, int timeout_ms)
{
	int n = wait_for_events(l, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->n = n;
	for (l->at = 0; l->at < n; l->at++) {
		struct ev *ev = l->batch[l->at].data.ptr;

		if (ev)
			ev->fn(ev, l->batch[l->at].events);
	}
	l->n = l->at = 0;
	return n;
}

int64_t loop_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
