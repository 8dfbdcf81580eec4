/* SPDX-License-Identifier: Apache-2.0
 *
 * portspec - which host ports lead to which container ports
 *
 * The grammar is Docker's and Podman's --publish:
 *
 *	[[HOST_IP:][HOST_PORT[-HOST_PORT]]:]CONTAINER_PORT[-CONTAINER_PORT][/tcp|/udp]
 *
 * An IPv6 HOST_IP stands in brackets. No host port, or 0, means that the
 * kernel picks one.
 */
#ifndef COMMON_PORTSPEC_H
#define COMMON_PORTSPEC_H

#include <netinet/in.h>
#include <stdint.h>

#include "common/err.h"

enum port_proto {
	PORT_TCP,
	PORT_UDP,
	PORT_PROTO_MAX_,
};

/**
 * struct portspec - a range of published ports
 * @proto:	transport
 * @family:	AF_INET or AF_INET6 of the host address, AF_UNSPEC for every
 *		address of both families
 * @host4:	host address when family is AF_INET
 * @host6:	host address when family is AF_INET6
 * @host_port:	first host port, host byte order; 0 = any free one
 * @guest_port:	first container port, host byte order, never 0
 * @count:	how many consecutive ports, at least 1 (1 when host_port is 0)
 */
struct portspec {
	enum port_proto proto;
	int family;
	struct in_addr host4;
	struct in6_addr host6;
	uint16_t host_port;
	uint16_t guest_port;
	uint16_t count;
};

/**
 * portspec_parse() - text to struct; pure
 * Return: 0, -EINVAL with the reason in @e
 */
int portspec_parse(const char *text, struct portspec *ret, struct err *e);

/**
 * portspec_format() - struct to text, as slirp-net's --publish takes it
 * Return: length, -ENAMETOOLONG
 */
int portspec_format(const struct portspec *p, char *buf, size_t size);

const char *port_proto_name(enum port_proto proto);

#endif
