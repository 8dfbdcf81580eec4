/* SPDX-License-Identifier: Apache-2.0
 *
 * publish_tcp - published TCP ports
 *
 * How it works: slirp-net listens on the host. For each client a transparent
 * socket of the gateway namespace is bound to the client's own address and
 * connects to the container; when it stands, the pair goes to the pump. A
 * container that refuses resets the client.
 */
#include "slirp-net/publish.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "slirp-net/net.h"
#include "slirp-net/tos.h"

/* #syscalls socket bind listen accept4 connect setsockopt getsockopt getsockname close */

#define BACKLOG 4096
#define ACCEPT_BATCH 64
/* so many at once are a crowd: look for more of them */
#define CROWD 4

/**
 * struct listener - the host's side of a published port
 * @ev:		listening socket
 * @net:	whose port
 * @fwd:	the port
 */
struct listener {
	struct ev ev;
	struct net *net;
	struct fwd *fwd;
};

/**
 * struct dial - a client waits for the container to accept
 * @ev:		socket to the container
 * @net:	whose port
 * @client_fd, @client_family: socket to the client
 * @guest, @shown: where it goes, and as whom
 * @since_ms:	when it began
 * @prev, @next: in no order that matters
 */
struct dial {
	struct ev ev;
	struct net *net;
	int client_fd, client_family;
	union addr guest, shown;
	int64_t since_ms;
	struct dial *prev, *next;
};

static bool is_ours(const struct net *net, const union addr *a)
{
	const struct addrs *c = &net->conf.addrs;

	if (a->sa.sa_family == AF_INET)
		return (a->v4.sin_addr.s_addr & c->mask4.s_addr) == c->net4.s_addr;
	return memcmp(&a->v6.sin6_addr, &c->net6, 8) == 0;
}

int publish_as(struct net *net, int fd, const union addr *client, const union addr *guest,
	       union addr *shown)
{
	const struct addrs *a = &net->conf.addrs;
	bool own = client->sa.sa_family == guest->sa.sa_family && !addr_is_loopback(client) &&
		   !is_ours(net, client);
	int on = 1;

	if (client->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&client->v6.sin6_addr))
		own = false;
	if (own) {
		*shown = *client;
		if (shown->sa.sa_family == AF_INET6)
			shown->v6.sin6_scope_id = 0;
		if (bind(fd, &shown->sa, addr_len(shown)) == 0)
			return 0;
	}
	/* the port is chosen when it is known where the socket connects to */
	(void)setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	*shown = guest->sa.sa_family == AF_INET ? addr4(a->host4, 0) : addr6(&a->host6, 0);
	return bind(fd, &shown->sa, addr_len(shown)) < 0 ? -errno : 0;
}

/* The client's socket is the caller's again. */
static int dial_free(struct dial *d)
{
	struct publishes *ps = &d->net->publishes;
	int fd = d->client_fd;

	if (d->prev)
		d->prev->next = d->next;
	else
		ps->dials = d->next;
	if (d->next)
		d->next->prev = d->prev;
	ps->n_dials--;
	(void)loop_set(&d->net->loop, &d->ev, 0);
	free(d);
	return fd;
}

/* The broker that made the socket may still hold it for a moment: closing ours
 * does not take it out of the epoll set, so dial_free() does that first. */
static void dial_fail(struct dial *d)
{
	int fd = d->ev.fd;

	pump_reset_close(dial_free(d));
	if (fd >= 0)
		(void)close(fd);
}

/* The container has accepted. */
static void through(struct dial *d)
{
	union addr guest = d->guest, shown = d->shown;
	struct net *net = d->net;
	struct ev ev = d->ev;
	int client_fd;

	/* dial_free() would end the watch that goes on */
	d->ev.events = 0;
	client_fd = dial_free(d);
	(void)pump_start(net, ev.fd, client_fd, &ev, &guest, &shown, /* outbound */ false);
}

static void on_dial(struct ev *ev, uint32_t events)
{
	struct dial *d = ev->owner;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(ev->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
		dial_fail(d);
		return;
	}
	through(d);
}

static int dial_connect(struct dial *d, const union addr *client)
{
	bool is4 = d->guest.sa.sa_family == AF_INET;
	uint8_t dscp = tos_of_opener(d->client_fd, d->client_family) & TOS_DSCP;
	int r;

	d->ev.fd = pool_get(&d->net->pool, is4 ? POOL_TCP4 : POOL_TCP6);
	if (d->ev.fd < 0) {
		net_no_fd(d->net, d->ev.fd);
		return d->ev.fd;
	}
	r = publish_as(d->net, d->ev.fd, client, &d->guest, &d->shown);
	if (r < 0)
		return r;
	if (dscp)
		tos_set(d->ev.fd, d->guest.sa.sa_family, dscp);
	for (int i = 0; i < 2; i++) {
		if (connect(d->ev.fd, &d->guest.sa, addr_len(&d->guest)) == 0) {
			through(d);
			return 0;
		}
		/* the container's kernel mostly answers within the first call */
		if (errno != EINPROGRESS && errno != EALREADY)
			return -errno;
	}
	return loop_set(&d->net->loop, &d->ev, EPOLLOUT);
}

static void dial(struct listener *l, int client_fd, const union addr *client)
{
	struct publishes *ps = &l->net->publishes;
	struct dial *d = ps->n_dials < PUBLISH_DIALS_MAX ? calloc(1, sizeof(*d)) : NULL;

	if (!d) {
		if (!ps->refused++)
			log_warn("too many clients wait for the container; refusing some");
		pump_reset_close(client_fd);
		return;
	}
	d->net = l->net;
	d->client_fd = client_fd;
	d->client_family = l->fwd->host.sa.sa_family;
	d->guest = l->fwd->guest;
	d->since_ms = loop_now_ms();
	d->ev = (struct ev){ .fd = -1, .fn = on_dial, .owner = d };
	d->next = ps->dials;
	if (d->next)
		d->next->prev = d;
	ps->dials = d;
	ps->n_dials++;
	if (dial_connect(d, client) < 0)
		dial_fail(d);
}

static void on_listen(struct ev *ev, uint32_t events)
{
	struct listener *l = ev->owner;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		union addr client;
		int fd = net_accept(l->net, ev->fd, &client);

		if (fd == -ECONNABORTED)
			continue;
		if (fd < 0)
			return;
		addr_unmap(&client);
		dial(l, fd, &client);
		/* else the next turn says whether there is another */
		if (l->net->publishes.n_dials < CROWD)
			return;
	}
}

static int listen_on(struct fwd *f)
{
	auto_close int fd = socket(f->host.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   0);
	socklen_t len = sizeof(f->host);
	union addr host = f->host;
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (f->host.sa.sa_family == AF_INET6)
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* what is accepted inherits these */
	tos_watch(fd, f->host.sa.sa_family);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (bind(fd, &host.sa, addr_len(&host)) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &host.sa, &len) < 0)
		return -errno;
	f->host = host;
	return take_fd(&fd);
}

static int publish_add(struct net *net, struct fwd *f)
{
	struct listener *l;
	int r;

	if (f->proto == PORT_UDP)
		return publish_udp_add(net, f);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	r = listen_on(f);
	if (r >= 0) {
		l->net = net;
		l->fwd = f;
		l->ev = (struct ev){ .fd = r, .fn = on_listen, .owner = l };
		r = loop_set(&net->loop, &l->ev, EPOLLIN);
		if (r < 0)
			(void)close(l->ev.fd);
	}
	if (r < 0) {
		free(l);
		return r;
	}
	f->back = l;
	return 0;
}

static int publish_remove(struct net *net, struct fwd *f)
{
	struct listener *l = f->back;

	if (f->proto == PORT_UDP)
		return publish_udp_remove(net, f);
	(void)loop_set(&net->loop, &l->ev, 0);
	(void)close(l->ev.fd);
	free(l);
	return 0;
}

const struct fwd_ops publish_ops = {
	.add = publish_add,
	.remove = publish_remove,
	.any_family = true,
};

void publish_expire(struct net *net)
{
	int64_t old = loop_now_ms() - PUBLISH_DIAL_MS;
	struct dial *next;

	for (struct dial *d = net->publishes.dials; d; d = next) {
		next = d->next;
		if (d->since_ms < old)
			dial_fail(d);
	}
	publish_udp_expire(net);
}

void publish_clear(struct net *net)
{
	while (net->publishes.dials)
		dial_fail(net->publishes.dials);
}
