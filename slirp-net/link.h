/* SPDX-License-Identifier: Apache-2.0
 *
 * link - frames from and to the container
 */
#ifndef SLIRP_NET_LINK_H
#define SLIRP_NET_LINK_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "slirp-net/frame.h"
#include "slirp-net/loop.h"

#define LINK_BATCH 32

struct net;

/**
 * struct link - one tap device or packet socket
 * @ev:		its descriptor
 * @net:	whose frames they are
 * @mtu:	of the container's interface
 * @is_socket:	a packet socket, which takes and gives many frames a call
 * @can_segment: datagrams may be sent segmented
 * @rx_frames, @tx_frames, @tx_drops: counters
 * @hdr, @iov, @msg: of the frames being read
 * @buf:	room for LINK_BATCH frames of the largest size
 * @ident:	of the last datagram that went in fragments
 * @whole, @fragment: where those are put together
 */
struct link {
	struct ev ev;
	struct net *net;
	unsigned int mtu;
	bool is_socket, can_segment;
	uint64_t rx_frames, tx_frames, tx_drops;
	struct virtio_net_hdr hdr[LINK_BATCH];
	struct iovec iov[LINK_BATCH][2];
	struct mmsghdr msg[LINK_BATCH];
	uint8_t *buf;
	uint16_t ident;
	uint8_t whole[FRAME_MAX], fragment[FRAME_MAX];
};

/**
 * link_start() - read frames from fd from now on
 * @fd:		non-blocking; stays the caller's
 * Return: 0, -errno
 */
int link_start(struct link *l, struct net *net, int fd, unsigned int mtu);
void link_clear(struct link *l);

/**
 * link_send_parts() - a segmented frame, in parts
 * @head:	its headers
 * @body:	at most LINK_BATCH
 * Return: false when it was not sent and may be tried in single datagrams;
 * @can_segment says whether it is any use to come back
 */
bool link_send_parts(struct link *l, const struct virtio_net_hdr *h, const void *head, size_t len,
		     const struct iovec *body, unsigned int n);

/**
 * link_send() - a frame to the container; lost when there is no room, as on
 * any wire
 */
void link_send(struct link *l, const struct virtio_net_hdr *h, const void *frame, size_t len);

#endif
