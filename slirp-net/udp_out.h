/* SPDX-License-Identifier: Apache-2.0
 *
 * udp_out - datagrams that the container sends
 */
#ifndef SLIRP_NET_UDP_OUT_H
#define SLIRP_NET_UDP_OUT_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "slirp-net/addr.h"
#include "slirp-net/flowlog.h"
#include "slirp-net/frame.h"
#include "slirp-net/link.h"

#define UDP_OUT_MAX 8192
#define UDP_OUT_BUCKETS 4096
#define UDP_OUT_IDLE_MS 60000
#define UDP_OUT_STREAM_MS 180000

struct net;
struct udp_out;

/**
 * struct udp_outs - conversations, and datagrams of this turn
 * @buckets:	by the container's address and port
 * @oldest, @newest: by last use
 * @n:		how many
 * @refused:	how many were dropped for lack of room
 * @out:	whose datagrams wait to be sent together
 * @n_out:	how many wait
 * @msg, @iov, @to: those, still lying in the link's buffers
 */
struct udp_outs {
	struct udp_out *buckets[UDP_OUT_BUCKETS];
	struct udp_out *oldest, *newest;
	size_t n;
	uint64_t refused;
	struct udp_out *out;
	unsigned int n_out;
	struct mmsghdr msg[LINK_BATCH];
	struct iovec iov[LINK_BATCH];
	union addr to[LINK_BATCH];
};

/**
 * udp_out_frame() - a UDP frame from the container, not a fragment
 *
 * It is sent by udp_out_flush(); until then @data must stay.
 * Return: false when libslirp shall have it (DHCP)
 */
bool udp_out_frame(struct net *net, const struct virtio_net_hdr *h, const uint8_t *data, size_t len,
		   const struct frame *f);
void udp_out_flush(struct net *net);
/**
 * udp_out_forget() - ports that a container sent from until it ended
 * @guest:	the port does not matter
 */
void udp_out_forget(struct net *net, const union addr *guest);

void udp_out_expire(struct net *net);
void udp_out_clear(struct net *net);

/**
 * udp_out_next() - what the next port of the container did, newest use first
 * @at:	NULL for the first
 * Return: for the next call; NULL behind the last
 */
const struct udp_out *udp_out_next(const struct udp_outs *t, const struct udp_out *at,
				   struct flow *ret);

#endif
