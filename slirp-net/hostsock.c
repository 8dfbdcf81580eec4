/* SPDX-License-Identifier: Apache-2.0
 *
 * hostsock - where a packet of the container goes on the host
 */
#include "slirp-net/hostsock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slirp-net/net.h"

/* #syscalls socket bind setsockopt close */

#define DHCP_SERVER 67
#define DHCP6_SERVER 547

static int dest4(const struct conf *c, struct in_addr to, uint16_t port, int type, union addr *ret)
{
	const struct addrs *a = &c->addrs;
	uint32_t ip = ntohl(to.s_addr);

	if (type == SOCK_DGRAM && port == DHCP_SERVER &&
	    (to.s_addr == a->host4.s_addr || ip == INADDR_BROADCAST))
		return -EPROTO;
	if (to.s_addr == a->host4.s_addr) {
		if (c->disable_host_loopback)
			return -ENETUNREACH;
		*ret = addr4((struct in_addr){ htonl(INADDR_LOOPBACK) }, port);
		return 0;
	}
	/* the resolver's other ports, and neighbours that are not there */
	if ((to.s_addr & a->mask4.s_addr) == a->net4.s_addr)
		return -ETIMEDOUT;
	if (ip >> 28 >= 14)
		return -ETIMEDOUT;
	if (ip >> 24 == 0 || ip >> 24 == 127)
		return -ENETUNREACH;
	*ret = addr4(to, port);
	return 0;
}

static int dest6(const struct conf *c, const struct in6_addr *to, uint16_t port, int type,
		 union addr *ret)
{
	const struct addrs *a = &c->addrs;

	if (!c->enable_ipv6)
		return -ETIMEDOUT;
	if (type == SOCK_DGRAM && port == DHCP6_SERVER && IN6_IS_ADDR_MULTICAST(to))
		return -EPROTO;
	if (IN6_ARE_ADDR_EQUAL(to, &a->host6)) {
		if (c->disable_host_loopback)
			return -ENETUNREACH;
		*ret = addr6(&in6addr_loopback, port);
		return 0;
	}
	if (memcmp(to, &a->net6, 8) == 0 || IN6_IS_ADDR_MULTICAST(to) ||
	    IN6_IS_ADDR_LINKLOCAL(to))
		return -ETIMEDOUT;
	/* also IPv4 in IPv6 clothes: it would go by other rules than it came */
	if (IN6_IS_ADDR_LOOPBACK(to) || IN6_IS_ADDR_UNSPECIFIED(to) ||
	    IN6_IS_ADDR_V4MAPPED(to) || IN6_IS_ADDR_V4COMPAT(to))
		return -ENETUNREACH;
	*ret = addr6(to, port);
	return 0;
}

int hostsock_place(struct net *net, const union addr *to, int type, union addr *ret)
{
	const struct conf *c = &net->conf;

	if (dns_is_for_us(net, to)) {
		*ret = *dns_server(net);
		return 0;
	}
	if (to->sa.sa_family == AF_INET)
		return dest4(c, to->v4.sin_addr, addr_port(to), type, ret);
	return dest6(c, &to->v6.sin6_addr, addr_port(to), type, ret);
}

int hostsock_dest(struct net *net, const union addr *to, int type, union addr *ret)
{
	int proto = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	union addr dest;
	int r = hostsock_place(net, to, type, &dest);

	if (r < 0)
		return r;
	/* what is asked for there is looked at there */
	if (!dns_is_for_us(net, to) && !egress_allows(&net->egress, proto, to))
		return -EACCES;
	*ret = dest;
	return 0;
}

int hostsock_open(struct net *net, const union addr *dest, int type)
{
	const struct conf *c = &net->conf;
	int family = dest->sa.sa_family, on = 1, r = 0;
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	/* an address of the host reaches loopback as well, as slirp4netns has it */
	if (family == AF_INET && c->has_out4)
		r = bind(fd, (const struct sockaddr *)&c->out4, sizeof(c->out4));
	else if (family == AF_INET6 && c->has_out6)
		r = bind(fd, (const struct sockaddr *)&c->out6, sizeof(c->out6));
	if (r < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}
