/* SPDX-License-Identifier: Apache-2.0
 *
 * tos - the byte with DSCP and ECN, of either family's sockets
 *
 * How it works: a datagram's is carried whole, with each datagram. Of a
 * connection the kernel shows nothing but what its SYN had.
 */
#include "slirp-net/tos.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* #syscalls setsockopt getsockopt */

void tos_set(int fd, int family, uint8_t tos)
{
	int v = tos;

	if (family == AF_INET)
		(void)setsockopt(fd, SOL_IP, IP_TOS, &v, sizeof(v));
	else
		(void)setsockopt(fd, SOL_IPV6, IPV6_TCLASS, &v, sizeof(v));
}

static void watch(int fd, int family, int on)
{
	if (family == AF_INET)
		(void)setsockopt(fd, SOL_IP, IP_RECVTOS, &on, sizeof(on));
	else
		(void)setsockopt(fd, SOL_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
}

void tos_watch(int fd, int family)
{
	watch(fd, family, 1);
}

uint8_t tos_of_message(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int v = 0;

		/* IPv4 comes as a byte, IPv6 as a number */
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c);
		if (c->cmsg_level != SOL_IPV6 || c->cmsg_type != IPV6_TCLASS)
			continue;
		memcpy(&v, CMSG_DATA(c), sizeof(v));
		return (uint8_t)v;
	}
	return 0;
}

uint8_t tos_of_opener(int fd, int family)
{
	_Alignas(struct cmsghdr) char control[128];
	struct msghdr m = { .msg_control = control };
	socklen_t len = sizeof(control);
	bool is4 = family == AF_INET;

	if (getsockopt(fd, is4 ? SOL_IP : SOL_IPV6, is4 ? IP_PKTOPTIONS : IPV6_2292PKTOPTIONS,
		       control, &len) < 0)
		return 0;
	m.msg_controllen = len;
	/* for IPv6 the kernel would go on to keep a copy of every packet's header */
	if (!is4)
		watch(fd, family, 0);
	return tos_of_message(&m);
}

void tos_put(struct cmsghdr *to, int family, uint8_t tos)
{
	int v = tos;

	to->cmsg_level = family == AF_INET ? SOL_IP : SOL_IPV6;
	to->cmsg_type = family == AF_INET ? IP_TOS : IPV6_TCLASS;
	to->cmsg_len = CMSG_LEN(sizeof(v));
	memcpy(CMSG_DATA(to), &v, sizeof(v));
}
