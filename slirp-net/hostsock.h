/* SPDX-License-Identifier: Apache-2.0
 *
 * hostsock - where a packet of the container goes on the host
 */
#ifndef SLIRP_NET_HOSTSOCK_H
#define SLIRP_NET_HOSTSOCK_H

#include "slirp-net/addr.h"

struct net;

/**
 * hostsock_dest() - what an address the container uses means on the host
 * @type:	SOCK_STREAM or SOCK_DGRAM
 *
 * Return: 0; -EACCES when it is forbidden, -ENETUNREACH or -EHOSTUNREACH when
 * there is no such place, -ETIMEDOUT when the answer is silence, -EPROTO when
 * libslirp is the one to ask (DHCP)
 */
int hostsock_dest(struct net *net, const union addr *to, int type, union addr *ret);

/**
 * hostsock_place() - the same, without asking the egress rules
 */
int hostsock_place(struct net *net, const union addr *to, int type, union addr *ret);

/**
 * hostsock_open() - a socket for that destination
 *
 * Non-blocking, bound to --outbound-addr where that is given.
 * Return: descriptor, -errno
 */
int hostsock_open(struct net *net, const union addr *dest, int type);

#endif
