/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp_out - TCP connections that the container opens
 *
 * How it works: the container's SYN is kept while the host's side connects.
 * What becomes of that is what the container sees: a refusal is a RST in the
 * destination's name, an unreachable net or host an ICMP error, silence is
 * silence. Only when the host's side stands is the SYN let in (written to lo
 * of the gateway), and the listener there accepts it. The pair goes to the
 * pump. An accepted connection whose SYN was not let in by us is reset.
 */
#include "slirp-net/tcp_out.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log.h"
#include "slirp-net/hostsock.h"
#include "slirp-net/net.h"
#include "slirp-net/reply.h"
#include "slirp-net/tos.h"

/* #syscalls socket connect bind getsockopt setsockopt accept4 getsockname writev close */

#define ACCEPT_BATCH 64

static struct tcp_out **bucket(struct tcp_outs *t, const union addr *guest, const union addr *peer)
{
	return &t->buckets[addr_hash(peer, addr_hash(guest, 0)) % TCP_OUT_BUCKETS];
}

static struct tcp_out *find(struct tcp_outs *t, const union addr *guest, const union addr *peer)
{
	struct tcp_out *c = *bucket(t, guest, peer);

	while (c && !(addr_eq(&c->guest, guest) && addr_eq(&c->peer, peer)))
		c = c->next;
	return c;
}

static void age_unlink(struct tcp_outs *t, struct tcp_out *c)
{
	if (c->older)
		c->older->newer = c->newer;
	else
		t->oldest = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		t->newest = c->older;
}

static void age_link(struct tcp_outs *t, struct tcp_out *c)
{
	c->since_ms = loop_now_ms();
	c->newer = NULL;
	c->older = t->newest;
	if (t->newest)
		t->newest->newer = c;
	else
		t->oldest = c;
	t->newest = c;
}

/* Forget it; the host's descriptor, if still there, is the caller's. */
static int forget(struct tcp_out *c)
{
	struct tcp_outs *t = &c->net->tcp_outs;
	struct tcp_out **at = bucket(t, &c->guest, &c->peer);
	int fd = c->ev.fd;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	age_unlink(t, c);
	t->n--;
	t->n_admitted -= c->state == TCP_OUT_ADMITTED;
	(void)loop_set(&c->net->loop, &c->ev, 0);
	free(c);
	return fd;
}

static void let_in(struct tcp_out *c)
{
	/* lo's own address is all zeroes; to another one it would not listen */
	uint8_t macs[2 * ETH_ALEN] = { 0 };
	struct iovec iov[3] = { { &c->hdr, sizeof(c->hdr) },
				{ macs, sizeof(macs) },
				{ c->frame + sizeof(macs), c->len - sizeof(macs) } };

	/* lost on the way means that the container sends it again */
	(void)!writev(c->net->tcp_outs.lo_fd, iov, 3);
}

/* The host's side failed: say so as its network would have. */
static void answer(struct tcp_out *c, int error)
{
	reply_tcp_error(&c->net->link, c->frame, c->len, error);
}

static int accept_one(struct net *net, int listen_fd)
{
	union addr guest, peer;
	socklen_t peer_len = sizeof(peer);
	int fd = net_accept(net, listen_fd, &guest);
	struct tcp_out *c;

	if (fd < 0)
		return fd == -ECONNABORTED ? 0 : fd;
	if (getsockname(fd, &peer.sa, &peer_len) < 0 || !(c = find(&net->tcp_outs, &guest, &peer)) ||
	    c->state != TCP_OUT_ADMITTED) {
		pump_reset_close(fd);
		return 0;
	}
	(void)pump_start(net, fd, forget(c), NULL, &guest, &peer, true);
	return 0;
}

/*
 * The container's kernel mostly runs within our write of its SYN, and the
 * connection can be accepted at once; else the listener will say when. The
 * connection may be gone, or another one's pump started, afterwards.
 */
static void connected(struct tcp_out *c)
{
	struct net *net = c->net;
	struct tcp_outs *t = &net->tcp_outs;
	int listen_fd = t->listen[c->guest.sa.sa_family == AF_INET6].fd;

	(void)loop_set(&net->loop, &c->ev, 0);
	c->state = TCP_OUT_ADMITTED;
	age_unlink(t, c);
	age_link(t, c);
	t->n_admitted++;
	let_in(c);
	(void)accept_one(net, listen_fd);
}

static void on_host(struct ev *ev, uint32_t events)
{
	struct tcp_out *c = ev->owner;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(ev->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (!error) {
		connected(c);
		return;
	}
	answer(c, error);
	(void)close(forget(c));
}

static int start_connect(struct tcp_out *c, const union addr *dest, uint8_t dscp)
{
	int fd = hostsock_open(c->net, dest, SOCK_STREAM);
	int r;

	if (fd < 0) {
		net_no_fd(c->net, fd);
		return fd;
	}
	c->ev = (struct ev){ .fd = fd, .fn = on_host, .owner = c };
	if (dscp)
		tos_set(fd, dest->sa.sa_family, dscp);
	if (connect(fd, &dest->sa, addr_len(dest)) == 0)
		return 1;
	if (errno != EINPROGRESS)
		return -errno;
	/* a destination on this machine has answered within the call */
	if (connect(fd, &dest->sa, addr_len(dest)) == 0)
		return 1;
	if (errno != EALREADY && errno != EINPROGRESS)
		return -errno;
	r = loop_set(&c->net->loop, &c->ev, EPOLLOUT);
	return r < 0 ? r : 0;
}

static struct tcp_out *add(struct net *net, const union addr *guest, const union addr *peer)
{
	struct tcp_outs *t = &net->tcp_outs;
	struct tcp_out **b = bucket(t, guest, peer);
	struct tcp_out *c;

	if (t->n >= TCP_OUT_MAX || !(c = calloc(1, sizeof(*c)))) {
		if (!t->refused++)
			log_warn("too many connections are being opened; refusing some");
		return NULL;
	}
	c->net = net;
	c->guest = *guest;
	c->peer = *peer;
	c->ev.fd = -1;
	c->next = *b;
	*b = c;
	age_link(t, c);
	t->n++;
	return c;
}

void tcp_out_syn(struct net *net, const struct virtio_net_hdr *h, const uint8_t *data, size_t len,
		 const struct frame *f)
{
	union addr guest = frame_src(data, f), peer = frame_dst(data, f), dest;
	struct tcp_out *c = find(&net->tcp_outs, &guest, &peer);
	int r;

	if (c) {
		if (c->state == TCP_OUT_ADMITTED)
			let_in(c);
		return;
	}
	/* a SYN may carry data; the sender keeps that until it is acknowledged */
	if (len > TCP_OUT_FRAME_MAX)
		return;
	r = hostsock_dest(net, &peer, SOCK_STREAM, &dest);
	if (r == -EACCES)
		net_denied(net, "tcp", &guest, &peer);
	if (r < 0) {
		reply_tcp_error(&net->link, data, len, -r);
		return;
	}
	c = add(net, &guest, &peer);
	if (!c) {
		reply_tcp_error(&net->link, data, len, ECONNREFUSED);
		return;
	}
	c->hdr = *h;
	c->len = len;
	memcpy(c->frame, data, len);
	r = start_connect(c, &dest, frame_tos(data, f) & TOS_DSCP);
	if (r > 0) {
		connected(c);
	} else if (r < 0) {
		answer(c, -r);
		r = forget(c);
		if (r >= 0)
			(void)close(r);
	}
}

static void on_listen(struct ev *ev, uint32_t events)
{
	struct net *net = ev->owner;

	(void)events;
	/* at least once: there may be one that was not let in by us */
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (accept_one(net, ev->fd) < 0 || !net->tcp_outs.n_admitted)
			return;
	}
}

int tcp_out_start(struct net *net, int lo_fd, int listen4, int listen6)
{
	struct tcp_outs *t = &net->tcp_outs;
	const int fds[2] = { listen4, listen6 };
	int r = 0;

	t->lo_fd = lo_fd;
	for (int i = 0; i < 2 && r >= 0; i++) {
		t->listen[i] = (struct ev){ .fd = fds[i], .fn = on_listen, .owner = net };
		if (fds[i] >= 0)
			r = loop_set(&net->loop, &t->listen[i], EPOLLIN);
	}
	return r;
}

void tcp_out_clear(struct net *net)
{
	struct tcp_outs *t = &net->tcp_outs;

	while (t->oldest) {
		int fd = forget(t->oldest);

		if (fd >= 0)
			pump_reset_close(fd);
	}
}

void tcp_out_forget(struct net *net, const union addr *guest)
{
	struct tcp_out *next;

	for (struct tcp_out *c = net->tcp_outs.oldest; c; c = next) {
		next = c->newer;
		if (addr_same_host(&c->guest, guest))
			pump_reset_close(forget(c));
	}
}

void tcp_out_expire(struct net *net)
{
	struct tcp_outs *t = &net->tcp_outs;
	int64_t now = loop_now_ms();
	struct tcp_out *next;

	for (struct tcp_out *c = t->oldest; c; c = next) {
		int64_t age = now - c->since_ms;

		next = c->newer;
		if (age < TCP_OUT_ADMIT_MS)
			return;
		if (c->state == TCP_OUT_ADMITTED || age > TCP_OUT_CONNECT_MS)
			pump_reset_close(forget(c));
	}
}
