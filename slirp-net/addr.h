/* SPDX-License-Identifier: Apache-2.0
 *
 * addr - an address of either family with its port
 */
#ifndef SLIRP_NET_ADDR_H
#define SLIRP_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR_TEXT_MAX 64

union addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/**
 * addr4() / addr6() - make one; the port is in host byte order
 */
union addr addr4(struct in_addr a, uint16_t port);
union addr addr6(const struct in6_addr *a, uint16_t port);

socklen_t addr_len(const union addr *a);
uint16_t addr_port(const union addr *a);
void addr_set_port(union addr *a, uint16_t port);

/**
 * addr_unmap() - an IPv4 address in IPv6 clothes becomes what it is
 */
void addr_unmap(union addr *a);
bool addr_is_loopback(const union addr *a);

/**
 * addr_eq() - same family, address and port
 */
bool addr_eq(const union addr *a, const union addr *b);

/**
 * addr_same_host() - same family and address
 */
bool addr_same_host(const union addr *a, const union addr *b);

/**
 * addr_hash() - for tables; not secret
 */
uint32_t addr_hash(const union addr *a, uint32_t start);

/**
 * addr_format() - "127.0.0.1:80" or "[::1]:80"
 */
void addr_format(const union addr *a, char *buf, size_t size);

#endif
