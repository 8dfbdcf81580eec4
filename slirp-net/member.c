/* SPDX-License-Identifier: Apache-2.0
 *
 * member - the containers at one gateway: slirp-net's side
 *
 * How it works: the table says who has which address. A container gets a place
 * in it first, then the broker makes its link (bridge.c); the client of the
 * control socket is answered when the broker has said how that went, and
 * traffic goes on meanwhile. A container that leaves, or whose namespace ends,
 * takes with it what others could mistake for theirs: published ports that
 * lead to its address, and connections.
 *
 * What a container sends needs no look at this table: its port of the bridge
 * lets nothing through that does not come from the address written here.
 */
#include "slirp-net/member.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "common/sock.h"
#include "slirp-net/net.h"

/* #syscalls sendmsg recvfrom getrandom close */

/* smallest address a container may have: behind gateway and resolver */
#define FIRST_HOST 4
/* IPv4's .100 is IPv6's ::100, which is 256 */
#define HOST6_OFFSET (0x100 - 100)

int member_random_mac(uint8_t ret[6])
{
	if (getrandom(ret, 6, 0) != 6)
		return -errno;
	/* locally administered, of one station */
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 2);
	return 0;
}

bool member_name_ok(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (!len || len > MEMBER_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_') || ++label > 63)
			return false;
	}
	return label;
}

struct member *member_find(const struct members *ms, int id)
{
	struct member *m = ms->list;

	while (m && m->port.id != id)
		m = m->next;
	return m;
}

static struct member *by_addr(const struct members *ms, struct in_addr a)
{
	struct member *m = ms->list;

	while (m && m->port.addr4.s_addr != a.s_addr)
		m = m->next;
	return m;
}

static struct member *by_guest(const struct members *ms, const union addr *guest)
{
	struct member *m = ms->list;

	if (guest->sa.sa_family == AF_INET)
		return by_addr(ms, guest->v4.sin_addr);
	while (m && !IN6_ARE_ADDR_EQUAL(&m->port.addr6, &guest->v6.sin6_addr))
		m = m->next;
	return m;
}

const char *member_label(const struct members *ms, const union addr *guest)
{
	const struct member *m = ms->list ? by_guest(ms, guest) : NULL;

	return m && m->names.n ? m->names.v[0] : NULL;
}

bool member_resolve(const struct members *ms, const struct conf *c, const char *name,
		    union addr *ret, size_t *ret_n)
{
	bool known = false;
	size_t n = 0;

	for (const struct member *m = ms->list; m; m = m->next) {
		if (m->state != MEMBER_ON || !strv_has(&m->names, name))
			continue;
		known = true;
		if (n < MEMBER_ADDRS_MAX)
			ret[n++] = addr4(m->port.addr4, 0);
		if (c->enable_ipv6 && n < MEMBER_ADDRS_MAX)
			ret[n++] = addr6(&m->port.addr6, 0);
	}
	*ret_n = n;
	return known;
}

static uint32_t host_of(const struct addrs *a, struct in_addr addr)
{
	return ntohl(addr.s_addr) & ~ntohl(a->mask4.s_addr);
}

static struct in_addr addr_of(const struct addrs *a, uint32_t host)
{
	return (struct in_addr){ a->net4.s_addr | htonl(host) };
}

static uint32_t last_host(const struct addrs *a)
{
	return ~ntohl(a->mask4.s_addr) - 1;
}

static int check_addr(const struct members *ms, const struct addrs *a, struct in_addr addr,
		      struct err *e)
{
	uint32_t host = host_of(a, addr);

	if ((addr.s_addr & a->mask4.s_addr) != a->net4.s_addr || host < FIRST_HOST ||
	    host > last_host(a))
		return err_msg(e, -EINVAL, "the address is not one for containers of this network");
	if (by_addr(ms, addr))
		return err_msg(e, -EADDRINUSE, "the address is in use");
	return 0;
}

/* The table is smaller than any network, so there is one. */
static struct in_addr next_free(const struct members *ms, const struct addrs *a)
{
	uint32_t host = host_of(a, a->guest4);

	while (by_addr(ms, addr_of(a, host)))
		host = host >= last_host(a) ? FIRST_HOST : host + 1;
	return addr_of(a, host);
}

static int choose_mac(const struct members *ms, struct member_wish *wish, struct err *e)
{
	if (!wish->has_mac && member_random_mac(wish->mac) < 0)
		return err_set(e, -errno, "random MAC address");
	for (const struct member *m = ms->list; m; m = m->next) {
		if (memcmp(m->port.mac, wish->mac, 6) == 0)
			return err_msg(e, -EADDRINUSE, "the MAC address is in use");
	}
	return 0;
}

static void lower(struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		for (char *c = names->v[i]; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	}
}

static int check_wish(struct members *ms, const struct conf *c, struct member_wish *wish,
		      struct err *e)
{
	size_t len = wish->interface ? strlen(wish->interface) : 1;

	if (ms->n >= MEMBERS_MAX) {
		if (!ms->refused++)
			log_warn("too many namespaces are attached; refusing some");
		return err_msg(e, -ENOSPC, "%d namespaces are attached already", MEMBERS_MAX);
	}
	if (!len || len >= IFNAMSIZ || (wish->interface && strchr(wish->interface, '/')))
		return err_msg(e, -EINVAL, "bad arguments.interface");
	if (wish->names.n > MEMBER_NAMES_MAX)
		return err_msg(e, -E2BIG, "more than %d names", MEMBER_NAMES_MAX);
	for (size_t i = 0; i < wish->names.n; i++) {
		if (!member_name_ok(wish->names.v[i]))
			return err_msg(e, -EINVAL, "bad arguments.names");
	}
	return wish->has_addr ? check_addr(ms, &c->addrs, wish->addr4, e) : 0;
}

int member_add(struct members *ms, const struct conf *c, struct member_wish *wish,
	       struct member **ret, struct err *e)
{
	const char *interface = wish->interface ? wish->interface : c->tapname;
	struct member **tail = &ms->list;
	uint32_t last;
	struct member *m;
	int r = check_wish(ms, c, wish, e);

	if (r >= 0)
		r = choose_mac(ms, wish, e);
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, -ENOMEM, "attach");
	m->port.id = ++ms->next_id;
	memcpy(m->port.name, interface, strnlen(interface, sizeof(m->port.name) - 1));
	memcpy(m->port.mac, wish->mac, sizeof(m->port.mac));
	m->port.addr4 = wish->has_addr ? wish->addr4 : next_free(ms, &c->addrs);
	m->port.addr6 = c->addrs.net6;
	last = htonl(host_of(&c->addrs, m->port.addr4) + HOST6_OFFSET);
	memcpy(m->port.addr6.s6_addr + 12, &last, sizeof(last));
	m->port.route = wish->route;
	m->names = wish->names;
	wish->names = (struct strv){ 0 };
	lower(&m->names);
	while (*tail)
		tail = &(*tail)->next;
	*tail = m;
	ms->n++;
	*ret = m;
	return 0;
}

void member_remove(struct members *ms, struct member *m)
{
	struct member **at = &ms->list;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	ms->n--;
	strv_clear(&m->names);
	free(m);
}

void members_clear(struct members *ms)
{
	while (ms->list)
		member_remove(ms, ms->list);
}

/* Its address may be somebody else's soon. */
static void forget(struct net *net, struct member *m)
{
	const union addr a4 = addr4(m->port.addr4, 0), a6 = addr6(&m->port.addr6, 0);

	net_forget_guest(net, &a4);
	net_forget_guest(net, &a6);
	member_remove(&net->members, m);
}

static void added(struct net *net, struct member *m, const struct bridge_tell *t)
{
	if (t->err.code) {
		api_finish_error(net, t->id, "attach", t->err.msg);
		forget(net, m);
		return;
	}
	m->state = MEMBER_ON;
	api_finish_member(net, m);
}

static void on_bridge(struct ev *ev, uint32_t events)
{
	struct net *net = ev->owner;
	struct bridge_tell t;
	ssize_t n = recv(ev->fd, &t, sizeof(t), MSG_DONTWAIT);
	struct member *m;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(t)) {
		log_error("the process that attaches namespaces is gone");
		net_stop(net, 1);
		return;
	}
	m = member_find(&net->members, t.id);
	if (!m)
		return;
	if (t.event == BRIDGE_ADDED) {
		added(net, m, &t);
		return;
	}
	forget(net, m);
	api_finish_empty(net, t.id);
}

static int ask(struct net *net, bool add, const struct bridge_port *port, int netns)
{
	const struct bridge_ask a = { .add = add, .port = *port };
	ssize_t n = sock_send_fds(net->members.ev.fd, &a, sizeof(a), &netns, netns >= 0);

	return n < 0 ? (int)n : 0;
}

int member_attach(struct net *net, struct member_wish *wish, int netns, int *ret_id,
		  struct err *e)
{
	struct member *m;
	int r = member_add(&net->members, &net->conf, wish, &m, e);

	if (r < 0)
		return r;
	r = ask(net, /* add */ true, &m->port, netns);
	if (r < 0) {
		member_remove(&net->members, m);
		return err_set(e, r, "attach");
	}
	*ret_id = m->port.id;
	return 0;
}

int member_detach(struct net *net, int id)
{
	struct member *m = member_find(&net->members, id);
	int r;

	if (!m)
		return -ENOENT;
	if (m->state != MEMBER_ON)
		return -EALREADY;
	r = ask(net, /* add */ false, &m->port, /* netns */ -1);
	if (r >= 0)
		m->state = MEMBER_LEAVING;
	return r;
}

int members_start(struct net *net)
{
	const struct conf *c = &net->conf;
	struct member_wish wish = { .has_addr = true, .has_mac = true, .route = true,
				    .addr4 = c->addrs.guest4 };
	struct member *m;
	int r = 0;

	if (!c->shared)
		return 0;
	memcpy(wish.mac, c->mac, sizeof(wish.mac));
	for (size_t i = 0; i < c->names.n && r >= 0; i++)
		r = strv_add(&wish.names, c->names.v[i]);
	if (r >= 0)
		r = member_add(&net->members, c, &wish, &m, NULL);
	strv_clear(&wish.names);
	if (r < 0)
		return r;
	m->state = MEMBER_ON;
	net->members.ev = (struct ev){ .fd = net->broker.bridge_fd, .fn = on_bridge,
				       .owner = net };
	return loop_set(&net->loop, &net->members.ev, EPOLLIN);
}
