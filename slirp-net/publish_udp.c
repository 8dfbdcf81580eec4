/* SPDX-License-Identifier: Apache-2.0
 *
 * publish_udp - published UDP ports
 *
 * How it works: each client of a port gets a transparent socket of the
 * gateway namespace, bound to the client's own address and connected to the
 * container. Datagrams are moved in batches. An answer leaves the host from
 * the address the client wrote to (IP_PKTINFO), which matters where the port
 * is published on every address. A conversation ends after a minute without
 * a datagram, or three once both sides have spoken.
 */
#include "slirp-net/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "slirp-net/net.h"
#include "slirp-net/tos.h"

/* #syscalls socket bind connect setsockopt getsockname recvmmsg sendmmsg sendmsg sendto close */

#define BATCH UDPSEND_BATCH
#define BUFFER (1 << 20)

/**
 * struct udp_port - the host's side of a published port
 * @ev:		bound socket
 * @net:	whose port
 * @fwd:	the port
 */
struct udp_port {
	struct ev ev;
	struct net *net;
	struct fwd *fwd;
};

/**
 * union local - which of the host's addresses a datagram was for
 */
union local {
	struct in_pktinfo v4;
	struct in6_pktinfo v6;
};

_Static_assert(CMSG_SPACE(sizeof(union local)) + TOS_CONTROL <= UDPSEND_CONTROL, "room for both");

/**
 * struct udp_flow - a client's conversation with the container
 * @ev:		transparent socket to the container
 * @port:	over which port
 * @client:	with whom
 * @local:	the host's address the client uses
 * @tos:	of what is sent to the container
 * @answered:	the container has spoken
 * @no_gso:	see udpsend()
 * @since_ms, @used_ms: first and last datagram
 * @from_guest, @to_guest: bytes
 * @shown:	whom the container sees
 * @next, @next_shown: in the buckets
 * @older, @newer: by last use
 */
struct udp_flow {
	struct ev ev;
	struct udp_port *port;
	union addr client;
	union local local;
	uint8_t tos;
	bool answered, no_gso;
	int64_t since_ms, used_ms;
	uint64_t from_guest, to_guest;
	union addr shown;
	struct udp_flow *next, *next_shown, *older, *newer;
};

static struct udp_flow **bucket(struct publishes *ps, const struct udp_port *port,
				const union addr *client)
{
	return &ps->flows[addr_hash(client, (uint32_t)port->fwd->id) % PUBLISH_UDP_BUCKETS];
}

static struct udp_flow **shown_bucket(struct publishes *ps, const union addr *shown,
				      const union addr *guest)
{
	return &ps->shown[addr_hash(shown, addr_hash(guest, 1)) % PUBLISH_UDP_BUCKETS];
}

static void age_unlink(struct publishes *ps, struct udp_flow *f)
{
	if (f->older)
		f->older->newer = f->newer;
	else
		ps->oldest = f->newer;
	if (f->newer)
		f->newer->older = f->older;
	else
		ps->newest = f->older;
}

static void age_link(struct publishes *ps, struct udp_flow *f)
{
	f->used_ms = loop_now_ms();
	f->newer = NULL;
	f->older = ps->newest;
	if (ps->newest)
		ps->newest->newer = f;
	else
		ps->oldest = f;
	ps->newest = f;
}

static struct flow of(const struct udp_flow *f, const char *event)
{
	return (struct flow){ .event = event, .proto = "udp", .guest = &f->port->fwd->guest,
			      .peer = &f->shown, .from_guest = f->from_guest,
			      .to_guest = f->to_guest,
			      .since_ms = event[0] == 'o' ? 0 : f->since_ms };
}

const struct udp_flow *publish_udp_next(const struct publishes *ps, const struct udp_flow *at,
					struct flow *ret)
{
	const struct udp_flow *f = at ? at->older : ps->newest;

	if (f) {
		*ret = of(f, "open");
		ret->since_ms = f->since_ms;
	}
	return f;
}

static void flow_free(struct udp_flow *f)
{
	struct net *net = f->port->net;
	struct publishes *ps = &net->publishes;
	struct udp_flow **at = bucket(ps, f->port, &f->client);

	struct flow flow = of(f, "close");

	flowlog_write(net, &flow);
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	at = shown_bucket(ps, &f->shown, &f->port->fwd->guest);
	while (*at != f)
		at = &(*at)->next_shown;
	*at = f->next_shown;
	age_unlink(ps, f);
	ps->n_flows--;
	(void)loop_set(&net->loop, &f->ev, 0);
	(void)close(f->ev.fd);
	free(f);
}

static void touch(struct udp_flow *f)
{
	struct publishes *ps = &f->port->net->publishes;

	age_unlink(ps, f);
	age_link(ps, f);
}

/* The answer goes to the client, from the address it knows. */
static void set_reply(struct udp_flow *f, struct msghdr *m, void *control, size_t control_size)
{
	struct cmsghdr *c = control;
	bool is4 = f->client.sa.sa_family == AF_INET;
	size_t len = is4 ? sizeof(f->local.v4) : sizeof(f->local.v6);
	uint8_t tos = tos_of_message(m);

	memset(control, 0, control_size);
	m->msg_name = &f->client;
	m->msg_namelen = addr_len(&f->client);
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(len);
	c->cmsg_level = is4 ? SOL_IP : SOL_IPV6;
	c->cmsg_type = is4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), &f->local, len);
	if (!tos)
		return;
	m->msg_controllen += TOS_CONTROL;
	tos_put(CMSG_NXTHDR(m, c), f->client.sa.sa_family, tos);
}

static int receive(struct udp_room *room, int fd)
{
	for (int i = 0; i < BATCH; i++) {
		struct msghdr *m = &room->msg[i].msg_hdr;

		room->iov[i] = (struct iovec){ room->data[i], UDPSEND_DATAGRAM_MAX };
		*m = (struct msghdr){ .msg_iov = &room->iov[i], .msg_iovlen = 1 };
		m->msg_name = &room->from[i];
		m->msg_namelen = sizeof(room->from[i]);
		m->msg_control = room->control[i].buf;
		m->msg_controllen = sizeof(room->control[i].buf);
	}
	return recvmmsg(fd, room->msg, BATCH, MSG_DONTWAIT, NULL);
}

static void on_container(struct ev *ev, uint32_t events)
{
	struct udp_flow *f = ev->owner;
	struct udp_room *room = &f->port->net->udp_room;
	int n = receive(room, ev->fd), at = 0;

	(void)events;
	/* an ICMP error of the container's: nobody listens there */
	if (n <= 0)
		return;
	f->answered = true;
	touch(f);
	for (int i = 0; i < n; i++) {
		room->iov[i].iov_len = room->msg[i].msg_len;
		f->from_guest += room->msg[i].msg_len;
		set_reply(f, &room->msg[i].msg_hdr, room->control[i].buf,
			  sizeof(room->control[i].buf));
	}
	while (at < n) {
		int sent = sendmmsg(f->port->ev.fd, room->msg + at, (unsigned int)(n - at),
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		/* one that cannot be sent is lost, the others are not */
		at += sent > 0 ? sent : 1;
	}
}

static struct udp_flow *flow_new(struct udp_port *port, const union addr *client)
{
	struct net *net = port->net;
	struct publishes *ps = &net->publishes;
	bool is4 = port->fwd->guest.sa.sa_family == AF_INET;
	struct flow flow;
	struct udp_flow *f;
	socklen_t len = sizeof(f->shown);
	int size = BUFFER;

	if (ps->n_flows >= PUBLISH_UDP_FLOWS_MAX) {
		if (!ps->udp_dropped++)
			log_warn("too many UDP clients; the longest silent one is dropped");
		flow_free(ps->oldest);
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->ev = (struct ev){ .fn = on_container, .owner = f };
	f->ev.fd = pool_get(&net->pool, is4 ? POOL_UDP4 : POOL_UDP6);
	if (f->ev.fd < 0) {
		net_no_fd(net, f->ev.fd);
		free(f);
		return NULL;
	}
	(void)setsockopt(f->ev.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (publish_as(net, f->ev.fd, client, &port->fwd->guest, &f->shown) < 0 ||
	    connect(f->ev.fd, &port->fwd->guest.sa, addr_len(&port->fwd->guest)) < 0 ||
	    getsockname(f->ev.fd, &f->shown.sa, &len) < 0 || /* the port is known now */
	    loop_set(&net->loop, &f->ev, EPOLLIN) < 0) {
		(void)close(f->ev.fd);
		free(f);
		return NULL;
	}
	tos_watch(f->ev.fd, port->fwd->guest.sa.sa_family);
	f->port = port;
	f->client = *client;
	f->next = *bucket(ps, port, client);
	*bucket(ps, port, client) = f;
	f->next_shown = *shown_bucket(ps, &f->shown, &port->fwd->guest);
	*shown_bucket(ps, &f->shown, &port->fwd->guest) = f;
	age_link(ps, f);
	f->since_ms = f->used_ms;
	ps->n_flows++;
	flow = of(f, "open");
	flowlog_write(net, &flow);
	return f;
}

bool publish_udp_has(struct net *net, const uint8_t *data, const struct frame *f)
{
	union addr guest, shown;

	if (!net->publishes.n_flows)
		return false;
	guest = frame_src(data, f);
	shown = frame_dst(data, f);
	for (struct udp_flow *u = *shown_bucket(&net->publishes, &shown, &guest); u;
	     u = u->next_shown) {
		if (addr_eq(&u->shown, &shown) && addr_eq(&u->port->fwd->guest, &guest))
			return true;
	}
	return false;
}

static struct udp_flow *flow_find(struct udp_port *port, const union addr *client)
{
	struct udp_flow *f = *bucket(&port->net->publishes, port, client);

	while (f && !(f->port == port && addr_eq(&f->client, client)))
		f = f->next;
	return f ? f : flow_new(port, client);
}

static void note_local(struct udp_flow *f, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&f->local.v4, CMSG_DATA(c), sizeof(f->local.v4));
			/* the route decides about the link, the address matters */
			f->local.v4.ipi_ifindex = 0;
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&f->local.v6, CMSG_DATA(c), sizeof(f->local.v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&f->local.v6.ipi6_addr))
				f->local.v6.ipi6_ifindex = 0;
		}
	}
}

static void note_tos(struct udp_flow *f, uint8_t tos)
{
	if (f->tos == tos)
		return;
	tos_set(f->ev.fd, f->port->fwd->guest.sa.sa_family, tos);
	f->tos = tos;
}

/*
 * How many from the first on are the same client's, and alike.
 * @tos:	by datagram; read before their room is used again
 */
static int run_of(const struct udp_room *room, const uint8_t *tos, int first, int n)
{
	int last = first + 1;

	while (last < n && addr_eq(&room->from[last], &room->from[first]) &&
	       tos[last] == tos[first])
		last++;
	return last;
}

/* Datagrams of one client in a row go to the container in one call. */
static void on_host(struct ev *ev, uint32_t events)
{
	struct udp_port *port = ev->owner;
	struct udp_room *room = &port->net->udp_room;
	int n = receive(room, ev->fd);
	uint8_t tos[BATCH];

	(void)events;
	for (int i = 0; i < n; i++)
		tos[i] = tos_of_message(&room->msg[i].msg_hdr);
	for (int i = 0; i < n;) {
		struct udp_flow *f = flow_find(port, &room->from[i]);
		int first = i, last = run_of(room, tos, i, n);

		if (f) {
			note_local(f, &room->msg[i].msg_hdr);
			note_tos(f, tos[i]);
			touch(f);
		}
		for (; i < last; i++) {
			room->iov[i].iov_len = room->msg[i].msg_len;
			if (f)
				f->to_guest += room->msg[i].msg_len;
			room->msg[i].msg_hdr = (struct msghdr){ .msg_iov = &room->iov[i],
							       .msg_iovlen = 1 };
		}
		while (f && first < last) {
			int sent = udpsend(f->ev.fd, room->msg + first,
					   (unsigned int)(last - first), &f->no_gso);

			first += sent > 0 ? sent : 1;
		}
	}
}

static int bind_port(struct fwd *f)
{
	auto_close int fd = socket(f->host.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   0);
	union addr host = f->host;
	socklen_t len = sizeof(host);
	int on = 1, size = BUFFER;

	if (fd < 0)
		return -errno;
	if (host.sa.sa_family == AF_INET) {
		(void)setsockopt(fd, SOL_IP, IP_PKTINFO, &on, sizeof(on));
	} else {
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	tos_watch(fd, host.sa.sa_family);
	if (bind(fd, &host.sa, addr_len(&host)) < 0 || getsockname(fd, &host.sa, &len) < 0)
		return -errno;
	f->host = host;
	return take_fd(&fd);
}

int publish_udp_add(struct net *net, struct fwd *f)
{
	struct udp_port *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = bind_port(f);
	if (r >= 0) {
		p->net = net;
		p->fwd = f;
		p->ev = (struct ev){ .fd = r, .fn = on_host, .owner = p };
		r = loop_set(&net->loop, &p->ev, EPOLLIN);
		if (r < 0)
			(void)close(p->ev.fd);
	}
	if (r < 0) {
		free(p);
		return r;
	}
	f->back = p;
	return 0;
}

int publish_udp_remove(struct net *net, struct fwd *f)
{
	struct udp_port *p = f->back;
	struct udp_flow *next;

	for (struct udp_flow *u = net->publishes.oldest; u; u = next) {
		next = u->newer;
		if (u->port == p)
			flow_free(u);
	}
	(void)loop_set(&net->loop, &p->ev, 0);
	(void)close(p->ev.fd);
	free(p);
	return 0;
}

void publish_udp_expire(struct net *net)
{
	int64_t now = loop_now_ms();
	struct udp_flow *next;

	for (struct udp_flow *f = net->publishes.oldest; f; f = next) {
		next = f->newer;
		if (now - f->used_ms < PUBLISH_UDP_IDLE_MS)
			return;
		if (!f->answered || now - f->used_ms > PUBLISH_UDP_STREAM_MS)
			flow_free(f);
	}
}
