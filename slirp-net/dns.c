/* SPDX-License-Identifier: Apache-2.0
 *
 * dns - the resolver inside, by the host's resolvers as they are now
 *
 * How it works: a query over UDP is sent on from a socket of its own (so from
 * a port of its own), with an id of its own, to the server that answered
 * last; after DNS_TRY_MS, or at once when that server says no by ICMP, to the
 * next. Only an answer with that id and the same question is passed back. A
 * query over TCP takes the way of every connection (tcp_out.c), to that
 * server; dns_tap_feed() looks along.
 *
 * Names of containers at the same gateway (member.c) are answered here.
 *
 * With egress rules, names that no rule allows are refused here, which also
 * closes the way out that a resolver is; addresses in answers are pinned.
 */
#include "slirp-net/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "slirp-net/net.h"
#include "slirp-net/udpframe.h"

/* #syscalls getrandom socket connect sendto recvfrom close */

#define UDP_HEADER 8
#define QUERY_MAX 4096

/**
 * struct dns_query - a query that waits for its answer
 * @ev:		socket to the server
 * @net:	whose resolver
 * @path:	where the answer goes
 * @id:		the container's, as it stands in the message
 * @tries:	servers asked
 * @at_ms:	when the next is asked
 * @older, @newer: by age
 * @len, @msg:	the query, with our id
 */
struct dns_query {
	struct ev ev;
	struct net *net;
	struct udpframe_path path;
	uint8_t id[2];
	int tries;
	int64_t at_ms;
	struct dns_query *older, *newer;
	size_t len;
	uint8_t msg[];
};

void dns_set(struct net *net, const char *text, size_t len)
{
	resolv_parse(text, len, &net->dns.servers);
	net->dns.good = 0;
}

const union addr *dns_server(const struct net *net)
{
	return &net->dns.servers.servers[net->dns.good % net->dns.servers.n];
}

bool dns_is_for_us(const struct net *net, const union addr *to)
{
	const struct addrs *a = &net->conf.addrs;

	if (net->conf.disable_dns || addr_port(to) != 53)
		return false;
	if (to->sa.sa_family == AF_INET)
		return to->v4.sin_addr.s_addr == a->dns4.s_addr;
	return net->conf.enable_ipv6 && IN6_ARE_ADDR_EQUAL(&to->v6.sin6_addr, &a->dns6);
}

static void query_free(struct dns_query *q)
{
	struct dns *d = &q->net->dns;

	if (q->older)
		q->older->newer = q->newer;
	else
		d->oldest = q->newer;
	if (q->newer)
		q->newer->older = q->older;
	else
		d->newest = q->older;
	d->n--;
	if (q->ev.fd >= 0) {
		(void)loop_set(&q->net->loop, &q->ev, 0);
		(void)close(q->ev.fd);
	}
	free(q);
}

static void give_up(struct dns_query *q)
{
	size_t n;

	memcpy(q->msg, q->id, 2);
	n = dnsmsg_error(q->msg, q->len, DNSMSG_SERVFAIL);
	udpframe_send(&q->net->link, &q->path, q->msg, n);
	q->net->dns.failed++;
	query_free(q);
}

struct pin_ctx {
	struct egress *egress;
	const char *name;
};

static void pin(void *ctx, const union addr *a, uint32_t ttl)
{
	struct pin_ctx *p = ctx;

	egress_pin(p->egress, p->name, a, ttl);
}

static void pin_answer(struct net *net, const uint8_t *msg, size_t len)
{
	char name[DNSMSG_NAME_MAX];
	struct pin_ctx ctx = { &net->egress, name };
	size_t end;

	if ((!net->egress.on && !net->egress.track) || dnsmsg_question(msg, len, name, &end) < 0 ||
	    !egress_allows_name(&net->egress, name))
		return;
	(void)dnsmsg_addrs(msg, len, pin, &ctx);
}

static void ask_next(struct dns_query *q);

static void on_server(struct ev *ev, uint32_t events)
{
	struct dns_query *q = ev->owner;
	struct dns *d = &q->net->dns;
	ssize_t n = recv(ev->fd, d->buf, sizeof(d->buf), MSG_DONTWAIT);

	(void)events;
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			ask_next(q);
		return;
	}
	/* somebody else's idea of an answer; the true one may still come */
	if (n < DNSMSG_HEADER || memcmp(d->buf, q->msg, 2) != 0 ||
	    !dnsmsg_same_question(q->msg, q->len, d->buf, (size_t)n))
		return;
	d->answered++;
	d->good = (d->good + (size_t)q->tries - 1) % d->servers.n;
	memcpy(d->buf, q->id, 2);
	pin_answer(q->net, d->buf, (size_t)n);
	udpframe_send(&q->net->link, &q->path, d->buf, (size_t)n);
	query_free(q);
}

/* Each try has a socket of its own: a late answer to the last is not heard. */
static int ask(struct dns_query *q)
{
	struct dns *d = &q->net->dns;
	const union addr *to = &d->servers.servers[(d->good + (size_t)q->tries) % d->servers.n];
	int fd;

	q->tries++;
	q->at_ms = loop_now_ms() + DNS_TRY_MS;
	fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	q->ev = (struct ev){ .fd = fd, .fn = on_server, .owner = q };
	if (connect(fd, &to->sa, addr_len(to)) < 0 ||
	    send(fd, q->msg, q->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return loop_set(&q->net->loop, &q->ev, EPOLLIN);
}

static void ask_next(struct dns_query *q)
{
	for (;;) {
		if (q->ev.fd >= 0) {
			(void)loop_set(&q->net->loop, &q->ev, 0);
			(void)close(q->ev.fd);
			q->ev.fd = -1;
		}
		if (q->tries >= DNS_TRIES) {
			give_up(q);
			return;
		}
		if (ask(q) >= 0)
			return;
	}
}

static struct dns_query *query_new(struct net *net, const uint8_t *msg, size_t len)
{
	struct dns *d = &net->dns;
	struct dns_query *q;

	if (d->n >= DNS_QUERIES_MAX) {
		if (!d->dropped++)
			log_warn("too many names are being asked for; the oldest query is dropped");
		query_free(d->oldest);
	}
	q = malloc(sizeof(*q) + len);
	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	q->net = net;
	q->ev.fd = -1;
	q->len = len;
	memcpy(q->msg, msg, len);
	memcpy(q->id, msg, 2);
	(void)!getrandom(q->msg, 2, GRND_NONBLOCK);
	q->older = d->newest;
	if (d->newest)
		d->newest->newer = q;
	else
		d->oldest = q;
	d->newest = q;
	d->n++;
	return q;
}

static bool may_ask(struct net *net, const uint8_t *msg, size_t len, const union addr *guest,
		    const union addr *server)
{
	char name[DNSMSG_NAME_MAX];
	size_t end;

	if (!net->egress.on)
		return true;
	if (dnsmsg_question(msg, len, name, &end) >= 0) {
		if (egress_allows_name(&net->egress, name))
			return true;
		flowlog_write(net, &(struct flow){ .event = "deny", .proto = "dns",
						   .outbound = true, .guest = guest,
						   .peer = server, .name = name });
	}
	net->dns.refused++;
	return false;
}

/* The other containers here are nobody else's business. */
static bool answer_member(struct net *net, const uint8_t *msg, size_t len,
			  const struct udpframe_path *path)
{
	union addr addrs[MEMBER_ADDRS_MAX];
	char name[DNSMSG_NAME_MAX];
	uint8_t answer[QUERY_MAX + MEMBER_ADDRS_MAX * 28];
	size_t end, n;

	if (!net->members.n || dnsmsg_question(msg, len, name, &end) < 0 ||
	    !member_resolve(&net->members, &net->conf, name, addrs, &n))
		return false;
	memcpy(answer, msg, len);
	udpframe_send(&net->link, path, answer,
		      dnsmsg_answer(answer, len, sizeof(answer), addrs, n, DNS_MEMBER_TTL));
	net->dns.answered++;
	return true;
}

void dns_frame(struct net *net, const uint8_t *data, const struct frame *f)
{
	const uint8_t *msg = data + f->l4 + UDP_HEADER;
	size_t len = f->l4_len - UDP_HEADER;
	struct udpframe_path path;
	struct dns_query *q;

	if (f->l4_len < UDP_HEADER + DNSMSG_HEADER || len > QUERY_MAX)
		return;
	path.from = frame_dst(data, f);
	path.to = frame_src(data, f);
	memcpy(path.macs, data + 6, 6);
	memcpy(path.macs + 6, data, 6);
	net->dns.asked++;
	if (answer_member(net, msg, len, &path))
		return;
	if (!may_ask(net, msg, len, &path.to, &path.from)) {
		uint8_t answer[QUERY_MAX];

		memcpy(answer, msg, len);
		udpframe_send(&net->link, &path, answer,
			      dnsmsg_error(answer, len, DNSMSG_REFUSED));
		return;
	}
	q = query_new(net, msg, len);
	if (!q)
		return;
	q->path = path;
	ask_next(q);
}

void dns_expire(struct net *net)
{
	int64_t now = loop_now_ms();
	struct dns_query *next;

	for (struct dns_query *q = net->dns.oldest; q; q = next) {
		next = q->newer;
		if (q->at_ms <= now)
			ask_next(q);
	}
}

void dns_clear(struct net *net)
{
	while (net->dns.oldest)
		query_free(net->dns.oldest);
}

static bool tap_message(struct net *net, const uint8_t *msg, size_t len, bool query)
{
	union addr none = addr4((struct in_addr){ 0 }, 0);

	if (query)
		return may_ask(net, msg, len, &none, &none);
	pin_answer(net, msg, len);
	return true;
}

bool dns_tap_feed(struct net *net, struct dns_tap *t, const uint8_t *data, size_t len, bool query)
{
	while (len) {
		size_t want = t->need ? 2 + t->need : 2, n = want - t->have;

		if (n > len)
			n = len;
		memcpy(t->buf + t->have, data, n);
		t->have += n;
		data += n;
		len -= n;
		if (t->have < want)
			return true;
		if (!t->need) {
			t->need = (size_t)(t->buf[0] << 8 | t->buf[1]);
			if (!t->need)
				return false;
			continue;
		}
		if (!tap_message(net, t->buf + 2, t->need, query))
			return false;
		t->need = t->have = 0;
	}
	return true;
}
