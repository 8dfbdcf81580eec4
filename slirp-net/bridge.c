/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge - several containers at one gateway: the broker's side
 *
 * How it works: with --shared the link "gw0" of the gateway namespace is a
 * bridge, and each container has a port of it, "pN". To make one in another
 * container's namespace takes rights there, so that namespace has to belong
 * to the user namespace that the broker is in, or to one below; this process,
 * a child of the broker, keeps CAP_SYS_ADMIN for setns(2), in that user namespace.
 *
 * The bridge learns nothing: each port's MAC address is entered when it is
 * made, frames to unknown ones go nowhere, and the gateway's kernel knows its
 * neighbours from the same list. What a container says about addresses other
 * than its own ends at its port (guard.c).
 *
 * A namespace that ends takes its link along. The kernel says so (RTMGRP_LINK),
 * and the rest is taken away here and in slirp-net (member.c).
 */
#include "slirp-net/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/sock.h"
#include "slirp-net/conf.h"
#include "slirp-net/gateway.h"
#include "slirp-net/guard.h"

/* #syscalls:broker setns socket bind openat write close recvfrom recvmsg sendmsg sendto */

#define OWN_NETNS "/proc/self/ns/net"

static void port_link(const struct bridge_port *p, char name[IFNAMSIZ])
{
	(void)snprintf(name, IFNAMSIZ, "p%d", p->id);
}

struct bridge_port bridge_first(const struct conf *c)
{
	struct bridge_port p = { .id = BRIDGE_FIRST, .addr4 = c->addrs.guest4,
				 .addr6 = c->addrs.guest6, .route = true };

	memcpy(p.name, c->tapname, strnlen(c->tapname, sizeof(p.name) - 1));
	memcpy(p.mac, c->mac, sizeof(p.mac));
	return p;
}

/* Frames between containers are not the packet filter's of the gateway: a
 * host with br_netfilter would show them to it. */
static void no_netfilter(void)
{
	static const char *const knobs[] = { "iptables", "ip6tables", "arptables" };
	char path[80];

	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		(void)snprintf(path, sizeof(path), "/proc/sys/net/bridge/bridge-nf-call-%s",
			       knobs[i]);
		(void)io_write_file_at(AT_FDCWD, path, "0");
	}
}

void bridge_leave(int index, const struct bridge_port *p)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	char name[IFNAMSIZ];

	port_link(p, name);
	guard_remove(name);
	if (nlcfg_open(&nl, NULL) < 0)
		return;
	nlcfg_no_neigh(&nl, index, AF_INET, &p->addr4);
	nlcfg_no_neigh(&nl, index, AF_INET6, &p->addr6);
	nlcfg_delete(&nl, name);
	/* each is tried, and may be gone */
	(void)nlcfg_run(&nl, NULL);
}

static int join(const struct conf *c, int index, const struct bridge_port *p, const char *name,
		int netns, struct nlcfg *nl, struct err *e)
{
	const struct nlcfg_veth veth = { .ifindex = index + p->id, .name = name,
					 .peer = p->name, .peer_mac = p->mac,
					 .peer_netns = netns, .mtu = (unsigned int)c->mtu };
	const struct guard guard = { name, p->mac, &p->addr4,
				     c->enable_ipv6 ? &p->addr6 : NULL };
	int r;

	nlcfg_veth(nl, &veth);
	r = nlcfg_run(nl, e);
	if (r < 0)
		return r;
	/* before it can carry anything */
	r = guard_load(&guard, e);
	if (r >= 0) {
		nlcfg_port(nl, index + p->id, index);
		nlcfg_fdb(nl, index + p->id, p->mac);
		nlcfg_neigh(nl, index, AF_INET, &p->addr4, p->mac);
		if (c->enable_ipv6)
			nlcfg_neigh(nl, index, AF_INET6, &p->addr6, p->mac);
		nlcfg_up(nl, index + p->id, 0, NULL);
		r = nlcfg_run(nl, e);
	}
	if (r < 0)
		bridge_leave(index, p);
	return r;
}

int bridge_join(const struct conf *c, int index, const struct bridge_port *p, int netns,
		struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	char name[IFNAMSIZ];
	int r = nlcfg_open(&nl, e);

	if (r < 0)
		return r;
	no_netfilter();
	port_link(p, name);
	r = join(c, index, p, name, netns, &nl, e);
	return r < 0 ? err_wrap(e, "%s", p->name) : 0;
}

int bridge_configure(const struct conf *c, struct nlcfg *nl, const struct bridge_port *p,
		     struct err *e)
{
	const struct addrs *a = &c->addrs;
	int link = nlcfg_index(nl, p->name, e);

	if (link < 0)
		return link;
	nlcfg_up(nl, NLCFG_LO, 0, NULL);
	nlcfg_up(nl, link, (unsigned int)c->mtu, c->has_mac ? p->mac : NULL);
	nlcfg_addr(nl, link, AF_INET, &p->addr4, a->prefix4);
	if (p->route)
		nlcfg_default_route(nl, link, AF_INET, &a->host4);
	if (c->enable_ipv6) {
		nlcfg_addr(nl, link, AF_INET6, &p->addr6, 64);
		if (p->route)
			nlcfg_default_route(nl, link, AF_INET6, &a->host6);
	}
	return nlcfg_run(nl, e);
}

/* A handle for the container's namespace; afterwards we are where we were. */
static int open_there(int netns, struct nlcfg *nl, struct err *e)
{
	auto_close int own = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0)
		return err_set(e, -errno, OWN_NETNS);
	if (setns(netns, CLONE_NEWNET) < 0) {
		if (errno == EPERM)
			return err_msg(e, -EPERM, "the namespace belongs neither to the gateway's "
						  "user namespace nor to one below it");
		return err_set(e, -errno, "join the network namespace");
	}
	gateway_fast_tcp();
	r = nlcfg_open(nl, e);
	if (setns(own, CLONE_NEWNET) < 0)
		_exit(1);
	return r;
}

static int add(struct bridge *b, const struct bridge_port *p, int netns, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	struct bridge_port *at = b->ports;
	int r;

	while (at < b->ports + BRIDGE_PORTS_MAX && at->id)
		at++;
	if (at == b->ports + BRIDGE_PORTS_MAX)
		return err_msg(e, -ENOSPC, "the bridge has no more ports");
	r = open_there(netns, &nl, e);
	if (r >= 0)
		r = bridge_join(b->conf, b->index, p, netns, e);
	if (r < 0)
		return r;
	r = bridge_configure(b->conf, &nl, p, e);
	if (r < 0) {
		bridge_leave(b->index, p);
		return err_wrap(e, "%s", p->name);
	}
	*at = *p;
	return 0;
}

static void forget(struct bridge *b, struct bridge_port *p)
{
	bridge_leave(b->index, p);
	p->id = 0;
}

static int tell(struct bridge *b, const struct bridge_tell *t)
{
	return send(b->sock, t, sizeof(*t), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int bridge_serve(struct bridge *b)
{
	struct bridge_ask ask;
	struct bridge_tell answer = { .event = BRIDGE_REMOVED };
	auto_close int netns = -1;
	size_t n_fds = 0;
	ssize_t n = sock_recv_fds(b->sock, &ask, sizeof(ask), &netns, 1, &n_fds);

	if (n != sizeof(ask))
		return -ECONNRESET;
	answer.id = ask.port.id;
	if (ask.add) {
		answer.event = BRIDGE_ADDED;
		answer.err.code = add(b, &ask.port, netns, &answer.err);
		return tell(b, &answer);
	}
	for (int i = 0; i < BRIDGE_PORTS_MAX; i++) {
		if (b->ports[i].id == ask.port.id)
			forget(b, &b->ports[i]);
	}
	return tell(b, &answer);
}

void bridge_look(struct bridge *b)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	char some[8192], name[IFNAMSIZ];
	ssize_t n;

	/* which one it was does not matter, nor that news were lost */
	do
		n = recv(b->links, some, sizeof(some), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == ENOBUFS));
	if (nlcfg_open(&nl, NULL) < 0)
		return;
	for (int i = 0; i < BRIDGE_PORTS_MAX; i++) {
		struct bridge_tell gone = { .event = BRIDGE_GONE, .id = b->ports[i].id };

		if (!gone.id)
			continue;
		port_link(&b->ports[i], name);
		if (nlcfg_index(&nl, name, NULL) != -ENODEV)
			continue;
		forget(b, &b->ports[i]);
		(void)tell(b, &gone);
	}
}

struct bridge *bridge_new(const struct conf *c, int index, int sock)
{
	auto_free struct bridge *b = calloc(1, sizeof(*b));
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	if (!b)
		return NULL;
	b->conf = c;
	b->index = index;
	b->sock = sock;
	b->ports[0] = bridge_first(c);
	b->links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (b->links < 0)
		return NULL;
	if (bind(b->links, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		(void)close(b->links);
		return NULL;
	}
	return take_ptr(b);
}
