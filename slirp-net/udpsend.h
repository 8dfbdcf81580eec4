/* SPDX-License-Identifier: Apache-2.0
 *
 * udpsend - datagrams in as few calls as possible
 */
#ifndef SLIRP_NET_UDPSEND_H
#define SLIRP_NET_UDPSEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "slirp-net/addr.h"

#define UDPSEND_BATCH 32
#define UDPSEND_DATAGRAM_MAX 65536
#define UDPSEND_CONTROL 64

/**
 * struct udp_room - room to receive one batch; only what is touched takes memory
 * @data:	datagrams
 * @iov, @msg:	for recvmmsg() and for sending on
 * @from:	senders
 * @control:	what the kernel says about each
 */
struct udp_room {
	uint8_t data[UDPSEND_BATCH][UDPSEND_DATAGRAM_MAX];
	struct iovec iov[UDPSEND_BATCH];
	struct mmsghdr msg[UDPSEND_BATCH];
	union addr from[UDPSEND_BATCH];
	struct {
		_Alignas(struct cmsghdr) char buf[UDPSEND_CONTROL];
	} control[UDPSEND_BATCH];
};

/**
 * udpsend_run() - how many from the first on can go as one segmented datagram:
 * same size (the last may be smaller), same destination, nothing special; pure
 * Return: at least 1
 */
unsigned int udpsend_run(const struct mmsghdr *msg, unsigned int n);

/**
 * udpsend() - send some, from the first on
 * @msg:	one iov each, which lie one behind the other in memory as @msg do
 * @n:		at least 1
 * @no_gso:	of this socket: set where the kernel does not send segmented
 *
 * What finds no room is lost, as on any wire.
 * Return: how many are done with, -errno of the first
 */
int udpsend(int fd, struct mmsghdr *msg, unsigned int n, bool *no_gso);

#endif
