/* SPDX-License-Identifier: Apache-2.0
 *
 * egress - where the container may connect to
 *
 * How it works: a rule about addresses is compared with the destination. A
 * rule about names works through our own DNS: only names that a rule allows
 * are resolved at all, and the addresses in the answer are pinned to the name
 * for their time to live. A destination is allowed when one of the names
 * pinned to it is, for its port. What the container resolves elsewhere, or
 * writes as numbers, is not pinned and not allowed.
 */
#include "slirp-net/egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/num.h"
#include "slirp-net/loop.h"

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static int parse_ports(char *text, struct egress_rule *r)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	if (num_u16(text, &r->first) < 0)
		return -EINVAL;
	r->last = r->first;
	if (dash && num_u16(dash, &r->last) < 0)
		return -EINVAL;
	return r->first && r->first <= r->last ? 0 : -EINVAL;
}

static int parse_net(char *text, int family, struct egress_rule *r)
{
	char *slash = strchr(text, '/');
	uint32_t prefix = family == AF_INET ? 32 : 128;
	struct in_addr in;
	struct in6_addr in6;

	if (slash) {
		uint32_t most = prefix;

		*slash++ = '\0';
		if (num_u32(slash, &prefix) < 0 || prefix > most)
			return -EINVAL;
	}
	if (family == AF_INET) {
		if (inet_pton(AF_INET, text, &in) != 1)
			return -EINVAL;
		r->net = addr4(in, 0);
	} else {
		if (inet_pton(AF_INET6, text, &in6) != 1)
			return -EINVAL;
		r->net = addr6(&in6, 0);
	}
	r->prefix = prefix;
	return 0;
}

static int parse_name(char *text, struct egress_rule *r)
{
	size_t len = strlen(text);
	const char *rest = text;

	if (len && text[len - 1] == '.')
		text[--len] = '\0';
	if (strncmp(text, "*.", 2) == 0)
		rest += 1;
	if (!len || len >= sizeof(r->name) || (rest != text && len < 3))
		return -EINVAL;
	for (char *c = text; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	for (const char *c = rest; *c; c++) {
		if (!name_char(*c))
			return -EINVAL;
	}
	memcpy(r->name, text, len + 1);
	return 0;
}

/* Is it written as an IPv4 address or network? Then it is no name. */
static bool looks_like4(const char *text)
{
	return text[strspn(text, "0123456789./")] == '\0';
}

static int parse_where(char *text, struct egress_rule *r)
{
	char *port = NULL, *end;
	size_t len = strlen(text);

	/* the protocol comes last; "/24" of a network is not one */
	if (len > 4 && (strcmp(text + len - 4, "/tcp") == 0 || strcmp(text + len - 4, "/udp") == 0)) {
		r->proto = text[len - 3] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
		text[len - 4] = '\0';
	}
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		port = end[1] ? end + 2 : NULL;
		*end = '\0';
		if (port && parse_ports(port, r) < 0)
			return -EINVAL;
		return parse_net(text + 1, AF_INET6, r);
	}
	port = strchr(text, ':');
	if (port)
		*port++ = '\0';
	if (port && parse_ports(port, r) < 0)
		return -EINVAL;
	return looks_like4(text) ? parse_net(text, AF_INET, r) : parse_name(text, r);
}

int egress_rule_parse(const char *text, struct egress_rule *ret, struct err *e)
{
	struct egress_rule r = { .first = 0, .last = 65535 };
	char copy[EGRESS_NAME_MAX + 32];

	if (strcmp(text, "deny") == 0)
		return 0;
	if (strncmp(text, "allow=", 6) != 0)
		return err_msg(e, -EINVAL, "'%s' is neither allow=WHERE nor deny", text);
	text += 6;
	if (strlen(text) >= sizeof(copy))
		return err_msg(e, -EINVAL, "'%.40s…' is too long", text);
	memcpy(copy, text, strlen(text) + 1);
	if (parse_where(copy, &r) < 0)
		return err_msg(e, -EINVAL,
			       "'%s' is not NAME, *.NAME, IPv4[/BITS] or [IPv6[/BITS]], with :PORT "
			       "and /tcp or /udp behind it",
			       text);
	*ret = r;
	return 1;
}

int egress_set(struct egress *g, char *const *texts, size_t n, struct err *e)
{
	struct egress_rule *rules;
	size_t n_rules = 0;

	if (!texts) {
		free(g->rules);
		g->rules = NULL;
		g->n_rules = 0;
		g->on = false;
		return 0;
	}
	if (n > EGRESS_RULES_MAX)
		return err_msg(e, -E2BIG, "more than %d rules", EGRESS_RULES_MAX);
	rules = calloc(n + 1, sizeof(*rules));
	if (!rules)
		return err_set(e, -ENOMEM, "egress");
	for (size_t i = 0; i < n; i++) {
		int r = egress_rule_parse(texts[i], &rules[n_rules], e);

		if (r < 0) {
			free(rules);
			return r;
		}
		n_rules += (size_t)r;
	}
	free(g->rules);
	g->rules = rules;
	g->n_rules = n_rules;
	g->on = true;
	return 0;
}

static struct egress_pin **bucket(struct egress *g, const union addr *a)
{
	return &g->buckets[addr_hash(a, 0) % EGRESS_PIN_BUCKETS];
}

static void pin_free(struct egress *g, struct egress_pin *p)
{
	struct egress_pin **at = bucket(g, &p->addr);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (p->older)
		p->older->newer = p->newer;
	else
		g->oldest = p->newer;
	if (p->newer)
		p->newer->older = p->older;
	else
		g->newest = p->older;
	g->n_pins--;
	free(p);
}

void egress_clear(struct egress *g)
{
	while (g->oldest)
		pin_free(g, g->oldest);
	free(g->rules);
	g->rules = NULL;
	g->n_rules = 0;
}

static bool name_matches(const char *rule, const char *name)
{
	size_t rule_len = strlen(rule), len = strlen(name);

	if (rule[0] != '*')
		return strcmp(rule, name) == 0;
	/* "*.example.org" is what ends in ".example.org" */
	return len > rule_len - 1 && strcmp(name + len - (rule_len - 1), rule + 1) == 0;
}

bool egress_allows_name(const struct egress *g, const char *name)
{
	if (!g->on)
		return true;
	for (size_t i = 0; i < g->n_rules; i++) {
		if (g->rules[i].name[0] && name_matches(g->rules[i].name, name))
			return true;
	}
	return false;
}

static bool net_has(const struct egress_rule *r, const union addr *a)
{
	const uint8_t *x, *y;
	unsigned int bytes = r->prefix / 8, bits = r->prefix % 8;

	if (r->net.sa.sa_family != a->sa.sa_family)
		return false;
	x = a->sa.sa_family == AF_INET ? (const uint8_t *)&r->net.v4.sin_addr
				       : r->net.v6.sin6_addr.s6_addr;
	y = a->sa.sa_family == AF_INET ? (const uint8_t *)&a->v4.sin_addr
				       : a->v6.sin6_addr.s6_addr;
	if (memcmp(x, y, bytes) != 0)
		return false;
	return !bits || !((x[bytes] ^ y[bytes]) >> (8 - bits));
}

static bool ports_match(const struct egress_rule *r, int proto, uint16_t port)
{
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return r->first == 0 && r->last == 65535 && !r->proto;
	return (!r->proto || r->proto == proto) && port >= r->first && port <= r->last;
}

static bool pinned(struct egress *g, const struct egress_rule *r, const union addr *a, int64_t now)
{
	for (struct egress_pin *p = *bucket(g, a); p; p = p->next) {
		if (addr_eq(&p->addr, a) && p->until_ms > now && name_matches(r->name, p->name))
			return true;
	}
	return false;
}

bool egress_allows(struct egress *g, int proto, const union addr *to)
{
	union addr host = *to;
	int64_t now;

	if (!g->on)
		return true;
	now = loop_now_ms();
	addr_set_port(&host, 0);
	for (size_t i = 0; i < g->n_rules; i++) {
		const struct egress_rule *r = &g->rules[i];

		if (!ports_match(r, proto, addr_port(to)))
			continue;
		if (r->name[0] ? pinned(g, r, &host, now) : net_has(r, &host))
			return true;
	}
	return false;
}

void egress_pin(struct egress *g, const char *name, const union addr *a, uint32_t ttl)
{
	union addr host = *a;
	struct egress_pin *p;
	int64_t until;

	if (!g->on && !g->track)
		return;
	if (ttl < EGRESS_PIN_LEAST_S)
		ttl = EGRESS_PIN_LEAST_S;
	if (ttl > EGRESS_PIN_MOST_S)
		ttl = EGRESS_PIN_MOST_S;
	until = loop_now_ms() + (int64_t)ttl * 1000;
	addr_set_port(&host, 0);
	for (p = *bucket(g, &host); p; p = p->next) {
		if (addr_eq(&p->addr, &host) && strcmp(p->name, name) == 0) {
			p->until_ms = until > p->until_ms ? until : p->until_ms;
			return;
		}
	}
	if (g->n_pins >= EGRESS_PINS_MAX)
		pin_free(g, g->oldest);
	p = calloc(1, sizeof(*p));
	if (!p || strlen(name) >= sizeof(p->name)) {
		free(p);
		return;
	}
	p->addr = host;
	p->until_ms = until;
	memcpy(p->name, name, strlen(name) + 1);
	p->next = *bucket(g, &host);
	*bucket(g, &host) = p;
	p->older = g->newest;
	if (g->newest)
		g->newest->newer = p;
	else
		g->oldest = p;
	g->newest = p;
	g->n_pins++;
}

const char *egress_name_of(struct egress *g, const union addr *a)
{
	union addr host = *a;

	addr_set_port(&host, 0);
	for (struct egress_pin *p = *bucket(g, &host); p; p = p->next) {
		if (addr_eq(&p->addr, &host))
			return p->name;
	}
	return NULL;
}
