/* SPDX-License-Identifier: Apache-2.0
 *
 * frame - Ethernet frames with a vnet header: checksums and segments; pure
 *
 * The kernel hands over frames whose TCP or UDP checksum is left to the
 * device (NEEDS_CSUM) and which are larger than the MTU (GSO). It takes the
 * same from us. All lengths are checked here: a frame is outside data.
 */
#ifndef SLIRP_NET_FRAME_H
#define SLIRP_NET_FRAME_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"

#define FRAME_ETH 14
/* the largest of all: IPv6 does not count its own header */
#define FRAME_MAX (FRAME_ETH + 40 + 65535)

/**
 * struct frame - what frame_parse() found
 * @eth_type:	host byte order
 * @family:	AF_INET or AF_INET6 when there is an IP header, else 0
 * @proto:	IPPROTO_* of the payload
 * @fragment:	any part of a fragmented datagram
 * @l3:		offset of the IP header
 * @l4:		offset of the payload of IP; 0 when @family is 0
 * @l4_len:	its length, as the IP header says, never behind the frame
 */
struct frame {
	uint16_t eth_type;
	int family;
	uint8_t proto;
	bool fragment;
	size_t l3, l4, l4_len;
};

/**
 * frame_parse() - find the headers
 * Return: 0 (the frame may still not be IP), -EBADMSG when it is cut short
 */
int frame_parse(const uint8_t *data, size_t len, struct frame *ret);

/**
 * frame_src() / frame_dst() - addresses, with the ports of TCP and UDP
 *
 * Only for a parsed frame whose family is not 0. The port is 0 where the
 * payload is too short for one.
 */
union addr frame_src(const uint8_t *data, const struct frame *f);
union addr frame_dst(const uint8_t *data, const struct frame *f);

/**
 * frame_tos() - the byte with DSCP and ECN of a parsed frame whose family is
 * not 0
 */
uint8_t frame_tos(const uint8_t *data, const struct frame *f);

/**
 * frame_is_syn() - a TCP frame that opens a connection
 */
bool frame_is_syn(const uint8_t *data, const struct frame *f);

/**
 * frame_csum() - ones' complement sum of bytes, not folded or inverted
 */
uint64_t frame_csum(const uint8_t *data, size_t len, uint64_t start);

/**
 * frame_csum_fold() - to the 16 bits that go into a header, inverted
 */
uint16_t frame_csum_fold(uint64_t sum);

/**
 * frame_pseudo_sum() - sum of the pseudo header of a parsed frame
 */
uint64_t frame_pseudo_sum(const uint8_t *data, const struct frame *f);

/**
 * frame_udp_csum_fits() - the sum in a parsed UDP frame is right, or not used
 */
bool frame_udp_csum_fits(const uint8_t *data, const struct frame *f);

/**
 * frame_complete_csum() - do what NEEDS_CSUM asks for
 * Return: 0, -EBADMSG when the header points outside the frame
 */
int frame_complete_csum(const struct virtio_net_hdr *h, uint8_t *data, size_t len);

/**
 * frame_raise_mss() - write the largest MSS into the option of a TCP SYN
 *
 * libslirp cuts what it sends to the MSS that the container announced; with
 * a vnet header the kernel can do that later, and faster. The checksum is
 * corrected when it is already complete.
 */
void frame_raise_mss(const struct virtio_net_hdr *h, uint8_t *data, size_t len, uint16_t mss);

/**
 * frame_offload() - prepare a TCP frame for the container's kernel
 * @mtu:	of the link; what is larger is marked to be cut by the kernel
 * @ret:	the header to send in front of it
 */
void frame_offload(uint8_t *data, size_t len, unsigned int mtu, struct virtio_net_hdr *ret);

#endif
