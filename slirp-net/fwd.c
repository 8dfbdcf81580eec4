/* SPDX-License-Identifier: Apache-2.0
 *
 * fwd - published ports
 *
 * How it works: a specification becomes one struct fwd per port and address
 * family; each is a listening socket of the back end (fwd_ops). Ports of one
 * specification are all published or none: what was bound before the failing
 * one is released again.
 */
#include "slirp-net/fwd.h"

#include <errno.h>
#include <libslirp.h>
#include <stdlib.h>
#include <string.h>

#include "slirp-net/net.h"

static int stack_flags(const struct fwd *f)
{
	return (f->proto == PORT_UDP ? SLIRP_HOSTFWD_UDP : 0) |
	       (f->host.sa.sa_family == AF_INET6 ? SLIRP_HOSTFWD_V6ONLY : 0);
}

/*
 * libslirp cannot be asked which port it bound, so a port that the kernel
 * chooses is found first. Another process may take it in between: try again.
 */
static int free_port(const struct fwd *f, uint16_t *ret)
{
	int type = f->proto == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(f->host.sa.sa_family, type | SOCK_CLOEXEC, 0);
	union addr a = f->host;
	socklen_t len = sizeof(a);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, &a.sa, addr_len(&a)) < 0 || getsockname(fd, &a.sa, &len) < 0)
		r = -errno;
	(void)close(fd);
	if (!r)
		*ret = addr_port(&a);
	return r;
}

static int stack_fwd_add(struct net *net, struct fwd *f)
{
	bool any = !addr_port(&f->host);
	int r;

	for (int tries = 0;; tries++) {
		union addr host = f->host;

		if (any) {
			uint16_t port;

			r = free_port(f, &port);
			if (r < 0)
				return r;
			addr_set_port(&host, port);
		}
		r = stack_add_fwd(&net->stack, &host.sa, addr_len(&host), &f->guest.sa,
				  addr_len(&f->guest), stack_flags(f));
		if (!r)
			f->host = host;
		if (!any || r != -EADDRINUSE || tries == 8)
			return r;
	}
}

static int stack_fwd_remove(struct net *net, struct fwd *f)
{
	return stack_remove_fwd(&net->stack, &f->host.sa, addr_len(&f->host), stack_flags(f));
}

const struct fwd_ops fwd_stack_ops = {
	.add = stack_fwd_add,
	.remove = stack_fwd_remove,
};

void fwd_init(struct fwd_table *t, const struct fwd_ops *ops)
{
	*t = (struct fwd_table){ .ops = ops, .next_id = 1 };
}

void fwd_clear(struct net *net)
{
	while (net->fwds.list)
		(void)fwd_remove(net, net->fwds.list->id);
}

int fwd_add(struct net *net, enum port_proto proto, const union addr *host,
	    const union addr *guest, const struct fwd **ret)
{
	struct fwd_table *t = &net->fwds;
	struct fwd **tail = &t->list;
	struct fwd *f;
	int r;

	if (t->n >= FWD_MAX)
		return -ENOSPC;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->proto = proto;
	f->host = *host;
	f->guest = *guest;
	r = t->ops->add(net, f);
	if (r < 0) {
		free(f);
		return r;
	}
	f->id = t->next_id++;
	while (*tail)
		tail = &(*tail)->next;
	*tail = f;
	t->n++;
	if (ret)
		*ret = f;
	return 0;
}

int fwd_remove(struct net *net, int id)
{
	struct fwd **at = &net->fwds.list;
	struct fwd *f;
	int r;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (!*at)
		return -ENOENT;
	f = *at;
	r = net->fwds.ops->remove(net, f);
	*at = f->next;
	net->fwds.n--;
	free(f);
	return r;
}

void fwd_forget(struct net *net, const union addr *guest)
{
	const struct fwd *next;

	for (const struct fwd *f = net->fwds.list; f; f = next) {
		next = f->next;
		if (addr_same_host(&f->guest, guest))
			(void)fwd_remove(net, f->id);
	}
}

static union addr guest_addr(const struct net *net, int family, uint16_t port)
{
	const struct addrs *a = &net->conf.addrs;

	return family == AF_INET ? addr4(a->guest4, port) : addr6(&a->guest6, port);
}

/* The container's address for a client of that family, or the one it has. */
static int guest_family(const struct net *net, int family)
{
	return family == AF_INET6 && !net->conf.enable_ipv6 && net->fwds.ops->any_family ? AF_INET
											 : family;
}

static int publish_one(struct net *net, const struct portspec *p, int family, unsigned int i,
		       uint16_t *port, struct err *e)
{
	union addr host = family == AF_INET ? addr4(p->host4, *port) : addr6(&p->host6, *port);
	union addr guest = guest_addr(net, guest_family(net, family),
				      (uint16_t)(p->guest_port + i));
	char text[ADDR_TEXT_MAX];
	const struct fwd *f;
	int r;

	r = fwd_add(net, p->proto, &host, &guest, &f);
	if (r < 0) {
		addr_format(&host, text, sizeof(text));
		if (r == -EACCES)
			return err_msg(e, r,
				       "publish: %s/%s: Permission denied (ports below "
				       "net.ipv4.ip_unprivileged_port_start are root's)",
				       text, port_proto_name(p->proto));
		return err_set(e, r, "publish: %s/%s", text, port_proto_name(p->proto));
	}
	*port = addr_port(&f->host);
	return 0;
}

/* One port on one or both families, the same number on both. */
static int publish_port(struct net *net, const struct portspec *p, unsigned int i, struct err *e)
{
	uint16_t port = p->host_port ? (uint16_t)(p->host_port + i) : 0;
	bool can6 = net->conf.enable_ipv6 || net->fwds.ops->any_family;
	int r;

	if (p->family != AF_INET6) {
		r = publish_one(net, p, AF_INET, i, &port, e);
		if (r < 0 && (r != -EAFNOSUPPORT || p->family == AF_INET || !can6))
			return r;
	}
	if (p->family == AF_INET || (p->family == AF_UNSPEC && !can6))
		return 0;
	if (!can6)
		return err_msg(e, -EAFNOSUPPORT,
			       "publish: an IPv6 address needs --enable-ipv6 here");
	r = publish_one(net, p, AF_INET6, i, &port, e);
	/* a host without IPv6 is published on what it has */
	return r == -EAFNOSUPPORT && p->family == AF_UNSPEC ? 0 : r;
}

int fwd_publish(struct net *net, const struct portspec *p, struct err *e)
{
	int first = net->fwds.next_id;

	for (unsigned int i = 0; i < p->count; i++) {
		int r = publish_port(net, p, i, e);

		if (r < 0) {
			for (int id = first; id < net->fwds.next_id; id++)
				(void)fwd_remove(net, id);
			return r;
		}
	}
	return 0;
}

bool fwd_has_guest(const struct net *net, enum port_proto proto, const union addr *guest)
{
	for (const struct fwd *f = net->fwds.list; f; f = f->next) {
		if (f->proto == proto && addr_eq(&f->guest, guest))
			return true;
	}
	return false;
}
