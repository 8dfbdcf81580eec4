/* SPDX-License-Identifier: Apache-2.0
 *
 * pump - bytes between two connected TCP sockets
 *
 * How it works: both sockets are watched edge-triggered, and from the first
 * time that a write finds no room also for room, so a short connection costs
 * no epoll_ctl after its start and no turn of the loop for what is clear. An event marks a side
 * readable or writable; then each direction runs until one side says EAGAIN
 * or its share of the turn is used up.
 *
 * A direction copies through one common buffer while messages are small: the
 * shortest way for a request and its answer. When 128 KiB have come without
 * a pause it is bulk, and goes on by splice(2) through a pipe of its own,
 * which moves pages, not bytes. A bulk direction that dries up gives its
 * pipe back. Nothing is read that cannot be written: the receive window of
 * the one side is the send buffer of the other.
 *
 * The end of one side is passed on by shutdown(2) when all before it has been
 * written; a reset, or any other failure of one side, as a reset.
 */
#include "slirp-net/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "slirp-net/net.h"

/* #syscalls recvfrom sendto splice pipe2 fcntl shutdown setsockopt close ioctl */

#define PIPE_SIZE (1 << 20)
#define COPY_MAX (64 << 10)
#define BULK_AFTER (128 << 10)
#define BULK_LEAST (32 << 10)
#define BULK_PATIENCE 4
#define TURN_SHARE 16
#define WATCH_READ (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET)

void pump_reset_close(int fd)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(fd);
}

int pumps_init(struct pumps *ps)
{
	*ps = (struct pumps){ 0 };
	ps->buf = malloc(PUMP_BUF);
	return ps->buf ? 0 : -ENOMEM;
}

void pumps_clear(struct net *net)
{
	struct pumps *ps = &net->pumps;

	while (ps->list)
		pump_abort(ps->list);
	while (ps->n_spare > 0) {
		ps->n_spare--;
		(void)close(ps->spare[ps->n_spare][0]);
		(void)close(ps->spare[ps->n_spare][1]);
	}
	free(ps->buf);
	ps->buf = NULL;
}

static int pipe_get(struct pumps *ps, struct pump_dir *d)
{
	if (d->pipe[0] >= 0)
		return 0;
	if (ps->n_spare > 0) {
		ps->n_spare--;
		memcpy(d->pipe, ps->spare[ps->n_spare], sizeof(d->pipe));
		return 0;
	}
	if (pipe2(d->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		d->pipe[0] = d->pipe[1] = -1;
		return -errno;
	}
	/* over the user's limit the pipe stays small, and works */
	(void)fcntl(d->pipe[0], F_SETPIPE_SZ, PIPE_SIZE);
	return 0;
}

static void pipe_put(struct pumps *ps, struct pump_dir *d)
{
	if (d->pipe[0] < 0)
		return;
	if (!d->in_pipe && ps->n_spare < PUMP_PIPES_SPARE) {
		memcpy(ps->spare[ps->n_spare++], d->pipe, sizeof(d->pipe));
	} else {
		(void)close(d->pipe[0]);
		(void)close(d->pipe[1]);
	}
	d->pipe[0] = d->pipe[1] = -1;
	d->in_pipe = 0;
}

static void dir_clear(struct pumps *ps, struct pump_dir *d)
{
	pipe_put(ps, d);
	if (d->left)
		ps->left_bytes -= d->left_len;
	free(d->left);
	d->left = NULL;
}

static void unlist_ready(struct pump *p)
{
	struct pump **at = &p->net->pumps.ready;

	if (!p->queued)
		return;
	while (*at != p)
		at = &(*at)->next_ready;
	*at = p->next_ready;
	p->queued = false;
}

/* Both sockets are closed already. */
static void pump_free(struct pump *p)
{
	struct pumps *ps = &p->net->pumps;

	flowlog_write(p->net, &(struct flow){ .event = "close", .proto = "tcp",
					      .outbound = p->outbound, .guest = &p->guest,
					      .peer = &p->peer, .since_ms = p->since_ms,
					      .from_guest = p->dir[PUMP_GUEST].bytes,
					      .to_guest = p->dir[PUMP_HOST].bytes });
	ps->n_taps -= p->taps ? 1 : 0;
	free(p->taps);
	unlist_ready(p);
	for (int i = 0; i < PUMP_SIDE_MAX_; i++) {
		ps->bytes[i] += p->dir[i].bytes;
		dir_clear(ps, &p->dir[i]);
	}
	if (p->prev)
		p->prev->next = p->next;
	else
		ps->list = p->next;
	if (p->next)
		p->next->prev = p->prev;
	ps->n--;
	free(p);
}

/* Closing ends the watch, but of a socket that its maker still holds for a
 * moment (see dial_fail()). */
static void unwatch(struct pump_side *s)
{
	if (s->shared)
		(void)loop_set(&s->pump->net->loop, &s->ev, 0);
	else
		loop_forget(&s->pump->net->loop, &s->ev);
}

void pump_abort(struct pump *p)
{
	for (int i = 0; i < PUMP_SIDE_MAX_; i++) {
		unwatch(&p->side[i]);
		pump_reset_close(p->side[i].ev.fd);
	}
	pump_free(p);
}

static void pump_close(struct pump *p)
{
	for (int i = 0; i < PUMP_SIDE_MAX_; i++) {
		unwatch(&p->side[i]);
		(void)close(p->side[i].ev.fd);
	}
	pump_free(p);
}

/* No room to write: wait for it. */
static void blocked(struct pump_side *to)
{
	to->writable = false;
	(void)loop_set(&to->pump->net->loop, &to->ev, WATCH_READ | EPOLLOUT);
}

/* Bytes that were read and could not be written wait here. */
static int keep(struct pumps *ps, struct pump_dir *d, const uint8_t *data, size_t len)
{
	d->left = malloc(len);
	if (!d->left)
		return -ENOMEM;
	memcpy(d->left, data, len);
	d->left_off = 0;
	d->left_len = len;
	ps->left_bytes += len;
	return 0;
}

static int write_left(struct pumps *ps, struct pump_dir *d, struct pump_side *to)
{
	ssize_t n = send(to->ev.fd, d->left + d->left_off, d->left_len - d->left_off,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0) {
		if (errno != EAGAIN)
			return -errno;
		blocked(to);
		return 0;
	}
	d->bytes += (uint64_t)n;
	d->left_off += (size_t)n;
	if (d->left_off < d->left_len)
		return 0;
	ps->left_bytes -= d->left_len;
	free(d->left);
	d->left = NULL;
	return 0;
}

static int write_pipe(struct pump_dir *d, struct pump_side *to)
{
	ssize_t n = splice(d->pipe[0], NULL, to->ev.fd, NULL, d->in_pipe,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0) {
		if (errno != EAGAIN)
			return -errno;
		blocked(to);
		return 0;
	}
	d->bytes += (uint64_t)n;
	d->in_pipe -= (size_t)n;
	return 0;
}

static void paused(struct pumps *ps, struct pump_dir *d, struct pump_side *from)
{
	from->readable = false;
	if (d->bulk) {
		d->idle_turns = d->run < BULK_LEAST ? (uint8_t)(d->idle_turns + 1) : 0;
		if (d->idle_turns >= BULK_PATIENCE) {
			d->bulk = false;
			d->idle_turns = 0;
			pipe_put(ps, d);
		}
	}
	d->run = 0;
}

static int move_splice(struct pumps *ps, struct pump_dir *d, struct pump_side *from)
{
	ssize_t n;

	n = splice(from->ev.fd, NULL, d->pipe[1], NULL, PIPE_SIZE,
		   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0) {
		if (errno != EAGAIN)
			return -errno;
		paused(ps, d, from);
		return 0;
	}
	if (n == 0)
		d->eof = true;
	d->in_pipe = (size_t)n;
	d->run += (size_t)n;
	return 0;
}

/*
 * Read into the common buffer and write at once. Where too much waits
 * already, look first and take only what could be written.
 */
static int move_copy(struct pump *p, struct pump_dir *d, struct pump_side *from,
		     struct pump_side *to)
{
	struct pumps *ps = &p->net->pumps;
	bool peek = ps->left_bytes > PUMP_LEFT_TOTAL && !p->taps;
	ssize_t n, sent;

	n = recv(from->ev.fd, ps->buf, COPY_MAX, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
	if (n < 0) {
		if (errno != EAGAIN)
			return -errno;
		paused(ps, d, from);
		return 0;
	}
	if (n == 0) {
		d->eof = true;
		return 0;
	}
	if (p->taps && !dns_tap_feed(p->net, &p->taps[d - p->dir], ps->buf, (size_t)n,
				     d == &p->dir[PUMP_GUEST]))
		return -EACCES;
	sent = send(to->ev.fd, ps->buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0) {
		if (errno != EAGAIN)
			return -errno;
		sent = 0;
	}
	d->bytes += (uint64_t)sent;
	if (peek && sent > 0)
		(void)recv(from->ev.fd, ps->buf, (size_t)sent, MSG_DONTWAIT | MSG_TRUNC);
	if (sent < n) {
		blocked(to);
		return peek ? 0 : keep(ps, d, ps->buf + sent, (size_t)(n - sent));
	}
	d->run += (size_t)n;
	/* a short read emptied the queue; what comes next is a new event */
	if (n < COPY_MAX && from->fin && !from->urgent)
		d->eof = true;
	else if (n < COPY_MAX && !from->ending)
		paused(ps, d, from);
	else if (d->run >= BULK_AFTER && !p->taps)
		d->bulk = true;
	return 0;
}

/* Urgent data: when reading stands at the mark, pass that byte on as urgent. */
static int move_urgent(struct pumps *ps, struct pump_dir *d, struct pump_side *from,
		       struct pump_side *to)
{
	int at_mark = 0;
	uint8_t c;

	if (ioctl(from->ev.fd, SIOCATMARK, &at_mark) < 0 || !at_mark)
		return 0;
	if (recv(from->ev.fd, &c, 1, MSG_OOB | MSG_DONTWAIT) != 1) {
		/* else it is on its way */
		from->urgent = errno == EAGAIN;
		return 0;
	}
	from->urgent = false;
	if (send(to->ev.fd, &c, 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	blocked(to);
	return keep(ps, d, &c, 1);
}

static int pass_end(const struct pump *p, struct pump_dir *d, struct pump_side *to)
{
	const struct pump_dir *other = &p->dir[d == &p->dir[0] ? 1 : 0];

	if (d->shut)
		return 0;
	d->shut = true;
	/* the last to end: closing says it as well */
	if (other->shut)
		return 0;
	return shutdown(to->ev.fd, SHUT_WR) < 0 && errno != ENOTCONN ? -errno : 0;
}

/*
 * One step of a direction.
 * Return: 1 when there may be more to do, 0 when it waits, -errno
 */
static int dir_step(struct pump *p, int i)
{
	struct pumps *ps = &p->net->pumps;
	struct pump_side *from = &p->side[i], *to = &p->side[1 - i];
	struct pump_dir *d = &p->dir[i];
	int r = 0;

	if ((d->left || d->in_pipe) && !to->writable)
		return 0;
	if (d->left)
		r = write_left(ps, d, to);
	else if (d->in_pipe)
		r = write_pipe(d, to);
	else if (d->eof)
		return pass_end(p, d, to);
	else if (!from->readable || !to->writable)
		return 0;
	else if (from->urgent && (r = move_urgent(ps, d, from, to)) < 0)
		return r;
	else if (d->left)
		return 0;
	else if (d->bulk && !from->urgent && pipe_get(ps, d) == 0)
		r = move_splice(ps, d, from);
	else
		r = move_copy(p, d, from, to);
	return r < 0 ? r : 1;
}

static void pump_run(struct pump *p)
{
	bool more = false;

	for (int i = 0; i < PUMP_SIDE_MAX_; i++) {
		int r = 1;

		for (int n = 0; n < TURN_SHARE && r > 0; n++)
			r = dir_step(p, i);
		if (r < 0) {
			pump_abort(p);
			return;
		}
		more |= r > 0;
	}
	if (p->dir[0].shut && p->dir[1].shut) {
		pump_close(p);
		return;
	}
	if (more && !p->queued) {
		p->queued = true;
		p->next_ready = p->net->pumps.ready;
		p->net->pumps.ready = p;
	}
}

void pumps_run(struct net *net)
{
	struct pump *p = net->pumps.ready, *next;

	net->pumps.ready = NULL;
	/* while they are detached from the list nobody else may unlist them */
	for (struct pump *q = p; q; q = q->next_ready)
		q->queued = false;
	for (; p; p = next) {
		next = p->next_ready;
		pump_run(p);
	}
}

static void on_side(struct ev *ev, uint32_t events)
{
	struct pump_side *s = ev->owner;
	struct pump *p = s->pump;

	/* what came before a reset is still passed on: reading meets the error */
	if (events & EPOLLERR && p->dir[s - p->side].eof) {
		pump_abort(p);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->ending = true;
	if (events & EPOLLPRI)
		s->urgent = s->readable = true;
	if (events & EPOLLRDHUP && !(events & EPOLLERR))
		s->fin = true;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & EPOLLOUT)
		s->writable = true;
	if (!p->queued)
		pump_run(p);
}

/* Looks into DNS when names matter. */
static int add_taps(struct pump *p)
{
	struct pumps *ps = &p->net->pumps;

	if (!p->outbound || !dns_is_for_us(p->net, &p->peer) ||
	    (!p->net->egress.on && !p->net->egress.track))
		return 0;
	if (ps->n_taps >= PUMP_TAPS_MAX)
		return -ENOSPC;
	p->taps = calloc(PUMP_SIDE_MAX_, sizeof(*p->taps));
	if (!p->taps)
		return -ENOMEM;
	ps->n_taps++;
	return 0;
}

int pump_start(struct net *net, int guest_fd, int host_fd, struct ev *guest_ev,
	       const union addr *guest, const union addr *peer, bool outbound)
{
	struct pumps *ps = &net->pumps;
	struct pump *p = calloc(1, sizeof(*p));
	const int fds[PUMP_SIDE_MAX_] = { guest_fd, host_fd };
	int r = 0;

	if (!p) {
		if (guest_ev)
			(void)loop_set(&net->loop, guest_ev, 0);
		pump_reset_close(guest_fd);
		pump_reset_close(host_fd);
		return -ENOMEM;
	}
	p->net = net;
	p->guest = *guest;
	p->peer = *peer;
	p->outbound = outbound;
	p->since_ms = loop_now_ms();
	p->next = ps->list;
	if (p->next)
		p->next->prev = p;
	ps->list = p;
	ps->n++;
	ps->total++;
	for (int i = 0; i < PUMP_SIDE_MAX_; i++) {
		struct pump_side *s = &p->side[i];

		p->dir[i].pipe[0] = p->dir[i].pipe[1] = -1;
		s->pump = p;
		/* what can be read already is told when the watch begins */
		s->writable = true;
		s->ev = (struct ev){ .fd = fds[i], .fn = on_side, .owner = s };
	}
	p->side[PUMP_GUEST].shared = !outbound;
	if (guest_ev && guest_ev->events)
		/* then guest_ev is not watched any more, and says so */
		r = loop_move(&net->loop, guest_ev, &p->side[PUMP_GUEST].ev, WATCH_READ);
	for (int i = 0; i < PUMP_SIDE_MAX_ && !r; i++)
		r = loop_set(&net->loop, &p->side[i].ev, WATCH_READ);
	if (!r)
		r = add_taps(p);
	flowlog_write(net, &(struct flow){ .event = "open", .proto = "tcp", .outbound = outbound,
					   .guest = guest, .peer = peer });
	if (r < 0) {
		if (guest_ev)
			(void)loop_set(&net->loop, guest_ev, 0);
		pump_abort(p);
		return r;
	}
	/* a client writes while we accept, the container after we did */
	if (!outbound) {
		p->side[PUMP_HOST].readable = true;
		pump_run(p);
	}
	return 0;
}
