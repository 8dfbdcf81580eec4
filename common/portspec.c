/* SPDX-License-Identifier: Apache-2.0
 *
 * portspec - which host ports lead to which container ports
 */
#include "common/portspec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/num.h"
#include "common/str.h"

#define SPEC_MAX 128

static const char *const proto_names[] = { "tcp", "udp" };
_Static_assert(sizeof(proto_names) / sizeof(*proto_names) == PORT_PROTO_MAX_, "one name a proto");

const char *port_proto_name(enum port_proto proto)
{
	return proto_names[proto];
}

static int parse_proto(char *text, enum port_proto *ret, struct err *e)
{
	char *slash = strrchr(text, '/');

	*ret = PORT_TCP;
	if (!slash)
		return 0;
	for (int i = 0; i < PORT_PROTO_MAX_; i++)
		if (!strcasecmp(slash + 1, proto_names[i])) {
			*ret = (enum port_proto)i;
			*slash = '\0';
			return 0;
		}
	return err_msg(e, -EINVAL, "'%s' is not tcp or udp", slash + 1);
}

static int parse_range(char *text, uint16_t *ret_first, uint16_t *ret_count, struct err *e)
{
	char *dash = strchr(text, '-');
	uint16_t first, last;

	if (dash)
		*dash = '\0';
	if (num_u16(text, &first))
		return err_msg(e, -EINVAL, "'%s' is not a port", text);
	last = first;
	if (dash && num_u16(dash + 1, &last))
		return err_msg(e, -EINVAL, "'%s' is not a port", dash + 1);
	if (last < first || (dash && !first))
		return err_msg(e, -EINVAL, "%u-%u is not a range of ports", first, last);
	/* 0-65535 is refused above, so the count fits */
	*ret_first = first;
	*ret_count = (uint16_t)(last - first + 1);
	return 0;
}

/* "[v6]:rest", "v4:rest" or "rest"; *text is moved to rest. */
static int parse_address(char **text, bool two_colons, struct portspec *p, struct err *e)
{
	char *host = *text;

	p->family = AF_UNSPEC;
	if (*host == '[') {
		char *end = strchr(host, ']');

		if (!end || end[1] != ':')
			return err_msg(e, -EINVAL, "'%s' is not [IPv6]:port", host);
		*end = '\0';
		if (inet_pton(AF_INET6, host + 1, &p->host6) != 1)
			return err_msg(e, -EINVAL, "'%s' is not an IPv6 address", host + 1);
		p->family = AF_INET6;
		*text = end + 2;
		return 0;
	}
	if (!two_colons)
		return 0;

	char *colon = strchr(host, ':');
	*colon = '\0';
	*text = colon + 1;
	if (!*host)
		return 0;
	if (inet_pton(AF_INET, host, &p->host4) != 1)
		return err_msg(e, -EINVAL, "'%s' is not an IPv4 address (IPv6 stands in brackets)",
			       host);
	p->family = AF_INET;
	return 0;
}

static int count_colons(const char *s)
{
	int n = 0;

	for (const char *p = strrchr(s, ']') ? strrchr(s, ']') : s; *p; p++)
		n += *p == ':';
	return n;
}

int portspec_parse(const char *text, struct portspec *ret, struct err *e)
{
	char buf[SPEC_MAX];
	struct portspec p = { 0 };

	if (str_format(buf, sizeof(buf), "%s", text) < 0)
		return err_msg(e, -EINVAL, "longer than %d characters", SPEC_MAX - 1);

	int r = parse_proto(buf, &p.proto, e);
	if (r)
		return r;

	int colons = count_colons(buf);
	if (colons > 2)
		return err_msg(e, -EINVAL, "'%s' is not [[IP:]HOST_PORT:]CONTAINER_PORT", text);

	char *rest = buf;
	r = parse_address(&rest, colons == 2, &p, e);
	if (r)
		return r;

	char *colon = strchr(rest, ':');
	uint16_t host_count = 1, guest_count;
	if (colon) {
		*colon = '\0';
		if (*rest)
			r = parse_range(rest, &p.host_port, &host_count, e);
	}
	if (!r)
		r = parse_range(colon ? colon + 1 : rest, &p.guest_port, &guest_count, e);
	if (r)
		return r;

	if (!p.guest_port)
		return err_msg(e, -EINVAL, "'%s': container port 0", text);
	if (!p.host_port && (host_count != 1 || guest_count != 1))
		return err_msg(e, -EINVAL, "'%s': a range needs host ports", text);
	if (p.host_port && host_count != guest_count)
		return err_msg(e, -EINVAL, "'%s': %u host ports for %u container ports", text,
			       host_count, guest_count);
	p.count = guest_count;
	*ret = p;
	return 0;
}

int portspec_format(const struct portspec *p, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN + 4] = "", host[16] = "", guest[16];
	char addr[INET6_ADDRSTRLEN];

	if (p->family == AF_INET && inet_ntop(AF_INET, &p->host4, addr, sizeof(addr)))
		(void)str_format(ip, sizeof(ip), "%s:", addr);
	if (p->family == AF_INET6 && inet_ntop(AF_INET6, &p->host6, addr, sizeof(addr)))
		(void)str_format(ip, sizeof(ip), "[%s]:", addr);
	if (p->count > 1) {
		(void)str_format(host, sizeof(host), "%d-%d", p->host_port,
				 p->host_port + p->count - 1);
		(void)str_format(guest, sizeof(guest), "%d-%d", p->guest_port,
				 p->guest_port + p->count - 1);
	} else {
		(void)str_format(host, sizeof(host), "%u", p->host_port);
		(void)str_format(guest, sizeof(guest), "%u", p->guest_port);
	}
	return str_format(buf, size, "%s%s:%s/%s", ip, host, guest, proto_names[p->proto]);
}
