/* SPDX-License-Identifier: Apache-2.0
 *
 * udp_out - datagrams that the container sends
 *
 * How it works: each address and port of the container has a socket of the
 * host, so that what the container hears from its peers comes from one place
 * for all of them, as behind a home router. Datagrams of one turn that use
 * the same socket are sent in one call; a segmented one (UDP_SEGMENT in the
 * container) is sent on segmented. An ICMP error that a datagram met comes
 * back on the socket's error queue, and goes on into the container.
 */
#include "slirp-net/udp_out.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "slirp-net/net.h"
#include "slirp-net/reply.h"
#include "slirp-net/tos.h"
#include "slirp-net/udpframe.h"

/* #syscalls socket bind setsockopt sendmmsg sendmsg recvmmsg recvmsg close */

#define UDP_HEADER 8
#define BATCH UDPSEND_BATCH
#define BUFFER (1 << 20)
#define QUOTE_PAYLOAD 64
/* bytes of datagrams in one frame */
#define RUN_MAX 65000
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/**
 * struct udp_out - a port of the container
 * @ev:		socket of the host
 * @net:	whose
 * @guest:	the container's address and port
 * @macs:	of frames to it
 * @tos:	of what is sent
 * @answered:	something came back
 * @no_gso:	see udpsend()
 * @peer:	the last destination
 * @since_ms:	first datagram
 * @used_ms:	last datagram
 * @sent, @received: bytes
 * @next:	in the bucket
 * @older, @newer: by last use
 */
struct udp_out {
	struct ev ev;
	struct net *net;
	union addr guest, peer;
	uint8_t macs[12], tos;
	bool answered, no_gso;
	int64_t since_ms, used_ms;
	uint64_t sent, received;
	struct udp_out *next, *older, *newer;
};

static struct udp_out **bucket(struct udp_outs *t, const union addr *guest)
{
	return &t->buckets[addr_hash(guest, 0) % UDP_OUT_BUCKETS];
}

static void age_unlink(struct udp_outs *t, struct udp_out *u)
{
	if (u->older)
		u->older->newer = u->newer;
	else
		t->oldest = u->newer;
	if (u->newer)
		u->newer->older = u->older;
	else
		t->newest = u->older;
}

static void age_link(struct udp_outs *t, struct udp_out *u)
{
	u->used_ms = loop_now_ms();
	u->newer = NULL;
	u->older = t->newest;
	if (t->newest)
		t->newest->newer = u;
	else
		t->oldest = u;
	t->newest = u;
}

static struct flow of(const struct udp_out *u, const char *event)
{
	return (struct flow){ .event = event, .proto = "udp", .outbound = true,
			      .guest = &u->guest, .peer = &u->peer, .from_guest = u->sent,
			      .to_guest = u->received, .since_ms = u->since_ms };
}

const struct udp_out *udp_out_next(const struct udp_outs *t, const struct udp_out *at,
				   struct flow *ret)
{
	const struct udp_out *u = at ? at->older : t->newest;

	if (u)
		*ret = of(u, "open");
	return u;
}

static void out_free(struct udp_out *u)
{
	struct udp_outs *t = &u->net->udp_outs;
	struct udp_out **at = bucket(t, &u->guest);

	struct flow flow = of(u, "close");

	if (t->out == u)
		udp_out_flush(u->net);
	flowlog_write(u->net, &flow);
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	age_unlink(t, u);
	t->n--;
	(void)loop_set(&u->net->loop, &u->ev, 0);
	(void)close(u->ev.fd);
	free(u);
}

/* Who the container thinks that is: the host's loopback is the gateway. */
static void shown(const struct net *net, union addr *from)
{
	const struct addrs *a = &net->conf.addrs;

	if (!addr_is_loopback(from))
		return;
	*from = from->sa.sa_family == AF_INET ? addr4(a->host4, addr_port(from))
					      : addr6(&a->host6, addr_port(from));
}

/* A datagram that did not arrive: quote it, as the router that said so did. */
static void tell_error(struct udp_out *u, const union addr *to, const void *payload, size_t len,
		       int error)
{
	static const struct virtio_net_hdr none;
	struct udpframe_path path = { .from = u->guest, .to = *to };
	uint8_t quoted[QUOTE_PAYLOAD + 64], out[REPLY_MAX];
	size_t size;
	int n;

	/* as it came from the container, so the answer goes back there */
	memcpy(path.macs, u->macs + 6, 6);
	memcpy(path.macs + 6, u->macs, 6);
	shown(u->net, &path.to);
	size = udpframe_build(&path, payload, len < QUOTE_PAYLOAD ? len : QUOTE_PAYLOAD, quoted);
	n = reply_build_unreach(quoted, size, error, out);
	if (n > 0)
		link_send(&u->net->link, &none, out, (size_t)n);
}

static void read_errors(struct udp_out *u)
{
	uint8_t payload[QUOTE_PAYLOAD];
	_Alignas(struct cmsghdr) char control[256];
	union addr to;

	for (int i = 0; i < BATCH; i++) {
		struct iovec iov = { payload, sizeof(payload) };
		struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov,
				    .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(u->ev.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (n < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err err;

			if (c->cmsg_len < CMSG_LEN(sizeof(err)) ||
			    !((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
			      (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)))
				continue;
			memcpy(&err, CMSG_DATA(c), sizeof(err));
			if (err.ee_errno != EMSGSIZE)
				tell_error(u, &to, payload, (size_t)n, (int)err.ee_errno);
		}
	}
}

/* What the kernel put together (UDP_GRO): the size of each, or of the only one. */
static size_t size_of(struct mmsghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr); c; c = CMSG_NXTHDR(&m->msg_hdr, c)) {
		int size = 0;

		if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(c), sizeof(size));
		return size > 0 ? (size_t)size : m->msg_len;
	}
	return m->msg_len;
}

/* How many from this one on are alike, but for the last, which may be smaller. */
static int run_of(struct udp_room *room, int first, int n)
{
	size_t size = size_of(&room->msg[first]), total = room->msg[first].msg_len;
	uint8_t tos = tos_of_message(&room->msg[first].msg_hdr);
	int last = first + 1;

	while (last < n && room->msg[last - 1].msg_len == size && room->msg[last].msg_len &&
	       room->msg[last].msg_len <= size && total + room->msg[last].msg_len <= RUN_MAX &&
	       addr_eq(&room->from[last], &room->from[first]) &&
	       tos_of_message(&room->msg[last].msg_hdr) == tos)
		total += room->msg[last++].msg_len;
	return last - first;
}

/* Return: how many from @first on are done with */
static int to_container(struct udp_out *u, struct udpframe_path *path, int first, int n)
{
	struct udp_room *room = &u->net->udp_room;
	struct link *l = &u->net->link;
	size_t size = size_of(&room->msg[first]);
	int run = run_of(room, first, n);

	path->from = room->from[first];
	path->tos = tos_of_message(&room->msg[first].msg_hdr);
	shown(u->net, &path->from);
	for (int i = first; i < first + run; i++) {
		room->iov[i].iov_len = room->msg[i].msg_len;
		u->received += room->msg[i].msg_len;
	}
	if ((run > 1 || room->msg[first].msg_len > size) && size &&
	    udpframe_send_run(l, path, room->iov + first, (unsigned int)run, size))
		return run;
	for (int i = first; i < first + run; i++) {
		size_t len = room->msg[i].msg_len, at = 0;

		do {
			size_t one = size && len - at > size ? size : len - at;

			udpframe_send(l, path, room->data[i] + at, one);
			at += one;
		} while (at < len);
	}
	return run;
}

static void on_host(struct ev *ev, uint32_t events)
{
	struct udp_out *u = ev->owner;
	struct udpframe_path path = { .to = u->guest };
	struct udp_room *room = &u->net->udp_room;
	int n;

	if (events & EPOLLERR)
		read_errors(u);
	for (int i = 0; i < BATCH; i++) {
		room->iov[i] = (struct iovec){ room->data[i], UDPSEND_DATAGRAM_MAX };
		room->msg[i].msg_hdr = (struct msghdr){ .msg_name = &room->from[i],
						       .msg_namelen = sizeof(room->from[i]),
						       .msg_iov = &room->iov[i],
						       .msg_iovlen = 1,
						       .msg_control = room->control[i].buf,
						       .msg_controllen = UDPSEND_CONTROL };
	}
	n = recvmmsg(ev->fd, room->msg, BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return;
	u->answered = true;
	age_unlink(&u->net->udp_outs, u);
	age_link(&u->net->udp_outs, u);
	memcpy(path.macs, u->macs, sizeof(path.macs));
	for (int i = 0; i < n;)
		i += to_container(u, &path, i, n);
}

static struct udp_out *out_new(struct net *net, const union addr *guest, const union addr *dest)
{
	struct udp_outs *t = &net->udp_outs;
	struct udp_out *u;
	int on = 1, size = BUFFER;

	if (t->n >= UDP_OUT_MAX) {
		if (!t->refused++)
			log_warn("too many UDP ports in use; the longest silent one is dropped");
		out_free(t->oldest);
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->net = net;
	u->guest = *guest;
	u->since_ms = loop_now_ms();
	u->ev = (struct ev){ .fn = on_host, .owner = u };
	u->ev.fd = hostsock_open(net, dest, SOCK_DGRAM);
	if (u->ev.fd < 0) {
		net_no_fd(net, u->ev.fd);
		free(u);
		return NULL;
	}
	(void)setsockopt(u->ev.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(u->ev.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(u->ev.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	(void)setsockopt(u->ev.fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (dest->sa.sa_family == AF_INET)
		(void)setsockopt(u->ev.fd, SOL_IP, IP_RECVERR, &on, sizeof(on));
	else
		(void)setsockopt(u->ev.fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof(on));
	tos_watch(u->ev.fd, dest->sa.sa_family);
	if (loop_set(&net->loop, &u->ev, EPOLLIN) < 0) {
		(void)close(u->ev.fd);
		free(u);
		return NULL;
	}
	u->next = *bucket(t, guest);
	*bucket(t, guest) = u;
	age_link(t, u);
	t->n++;
	return u;
}

static struct udp_out *out_find(struct net *net, const union addr *guest)
{
	struct udp_out *u = *bucket(&net->udp_outs, guest);

	while (u && !addr_eq(&u->guest, guest))
		u = u->next;
	return u;
}

/* What the network here says at once, and not by ICMP. */
static bool is_unreachable(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EPERM;
}

void udp_out_flush(struct net *net)
{
	struct udp_outs *t = &net->udp_outs;
	struct udp_out *u = t->out;
	unsigned int at = 0;
	bool again = false;

	while (at < t->n_out) {
		int n = udpsend(u->ev.fd, t->msg + at, t->n_out - at, &u->no_gso);

		if (n > 0) {
			at += (unsigned int)n;
			again = false;
		} else if (!again) {
			/* an earlier datagram's error is told once, then gone */
			again = true;
		} else {
			if (is_unreachable(-n))
				tell_error(u, &t->to[at], t->iov[at].iov_base, t->iov[at].iov_len,
					   -n);
			at++;
			again = false;
		}
	}
	t->n_out = 0;
	t->out = NULL;
}

static void send_segmented(struct udp_out *u, const union addr *dest, struct iovec *iov,
			   uint16_t size)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(size))] = { 0 };
	union addr to = *dest;
	struct msghdr m = { .msg_name = &to, .msg_namelen = addr_len(dest), .msg_iov = iov,
			    .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	(void)sendmsg(u->ev.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void queue(struct udp_out *u, const union addr *dest, const uint8_t *payload, size_t len)
{
	struct udp_outs *t = &u->net->udp_outs;
	union {
		const uint8_t *in;
		void *out;
	} data = { .in = payload };
	unsigned int i;

	if (t->n_out && (t->out != u || t->n_out == LINK_BATCH))
		udp_out_flush(u->net);
	i = t->n_out++;
	t->out = u;
	t->to[i] = *dest;
	t->iov[i] = (struct iovec){ data.out, len };
	t->msg[i].msg_hdr = (struct msghdr){ .msg_name = &t->to[i],
					     .msg_namelen = addr_len(dest),
					     .msg_iov = &t->iov[i],
					     .msg_iovlen = 1 };
}

/* Of all that is sent from now on; mostly it never changes. */
static void note_tos(struct udp_out *u, int family, uint8_t tos)
{
	if (u->tos == tos)
		return;
	if (u->net->udp_outs.out == u)
		udp_out_flush(u->net);
	tos_set(u->ev.fd, family, tos);
	u->tos = tos;
}

static void note_peer(struct udp_out *u, const union addr *peer)
{
	if (addr_eq(&u->peer, peer))
		return;
	u->peer = *peer;
	flowlog_write(u->net, &(struct flow){ .event = "open", .proto = "udp", .outbound = true,
					      .guest = &u->guest, .peer = peer });
}

bool udp_out_frame(struct net *net, const struct virtio_net_hdr *h, const uint8_t *data, size_t len,
		   const struct frame *f)
{
	union addr guest = frame_src(data, f), peer = frame_dst(data, f), dest;
	const uint8_t *payload = data + f->l4 + UDP_HEADER;
	size_t size = f->l4_len - UDP_HEADER;
	struct udp_out *u;
	int r = hostsock_dest(net, &peer, SOCK_DGRAM, &dest);

	(void)len;
	if (r == -EPROTO)
		return false;
	u = out_find(net, &guest);
	if (r >= 0 && !u)
		u = out_new(net, &guest, &dest);
	if (r == -EACCES)
		net_denied(net, "udp", &guest, &peer);
	if (r < 0 || !u) {
		struct udp_out fake = { .net = net, .guest = guest };

		memcpy(fake.macs, data + 6, 6);
		memcpy(fake.macs + 6, data, 6);
		if (r < 0 && r != -ETIMEDOUT)
			tell_error(&fake, &peer, payload, size, -r);
		return true;
	}
	memcpy(u->macs, data + 6, 6);
	memcpy(u->macs + 6, data, 6);
	note_peer(u, &peer);
	note_tos(u, f->family, frame_tos(data, f));
	u->sent += size;
	age_unlink(&net->udp_outs, u);
	age_link(&net->udp_outs, u);
	if (h->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4 && h->gso_size) {
		struct iovec iov;

		udp_out_flush(net);
		queue(u, &dest, payload, size);
		iov = net->udp_outs.iov[0];
		net->udp_outs.n_out = 0;
		send_segmented(u, &dest, &iov, h->gso_size);
		return true;
	}
	queue(u, &dest, payload, size);
	return true;
}

void udp_out_forget(struct net *net, const union addr *guest)
{
	struct udp_out *next;

	for (struct udp_out *u = net->udp_outs.oldest; u; u = next) {
		next = u->newer;
		if (addr_same_host(&u->guest, guest))
			out_free(u);
	}
}

void udp_out_expire(struct net *net)
{
	int64_t now = loop_now_ms();
	struct udp_out *next;

	for (struct udp_out *u = net->udp_outs.oldest; u; u = next) {
		next = u->newer;
		if (now - u->used_ms < UDP_OUT_IDLE_MS)
			return;
		if (!u->answered || now - u->used_ms > UDP_OUT_STREAM_MS)
			out_free(u);
	}
}

void udp_out_clear(struct net *net)
{
	while (net->udp_outs.oldest)
		out_free(net->udp_outs.oldest);
}
