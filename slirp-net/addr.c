/* SPDX-License-Identifier: Apache-2.0
 *
 * addr - an address of either family with its port
 */
#include "slirp-net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

union addr addr4(struct in_addr a, uint16_t port)
{
	union addr out = { 0 };

	out.v4.sin_family = AF_INET;
	out.v4.sin_addr = a;
	out.v4.sin_port = htons(port);
	return out;
}

union addr addr6(const struct in6_addr *a, uint16_t port)
{
	union addr out = { 0 };

	out.v6.sin6_family = AF_INET6;
	out.v6.sin6_addr = *a;
	out.v6.sin6_port = htons(port);
	return out;
}

socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

uint16_t addr_port(const union addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

void addr_set_port(union addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->v4.sin_port = htons(port);
	else
		a->v6.sin6_port = htons(port);
}

void addr_unmap(union addr *a)
{
	struct in_addr in;

	if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		return;
	memcpy(&in, a->v6.sin6_addr.s6_addr + 12, sizeof(in));
	*a = addr4(in, ntohs(a->v6.sin6_port));
}

bool addr_is_loopback(const union addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

bool addr_same_host(const union addr *a, const union addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

bool addr_eq(const union addr *a, const union addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->v6.sin6_port == b->v6.sin6_port &&
	       IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1u;
	return h ^ h >> 15;
}

uint32_t addr_hash(const union addr *a, uint32_t start)
{
	uint32_t h = mix(start, addr_port(a)), w[4];

	if (a->sa.sa_family == AF_INET)
		return mix(h, a->v4.sin_addr.s_addr);
	memcpy(w, &a->v6.sin6_addr, sizeof(w));
	for (int i = 0; i < 4; i++)
		h = mix(h, w[i]);
	return h;
}

void addr_format(const union addr *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
		(void)snprintf(buf, size, "%s:%u", host, addr_port(a));
	} else {
		(void)inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host));
		(void)snprintf(buf, size, "[%s]:%u", host, addr_port(a));
	}
}
