/* SPDX-License-Identifier: Apache-2.0
 *
 * udpframe - datagrams to the container, as frames
 */
#ifndef SLIRP_NET_UDPFRAME_H
#define SLIRP_NET_UDPFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "slirp-net/addr.h"

struct link;

/**
 * struct udpframe_path - whose datagrams they are
 * @macs:	destination and source, as on the wire
 * @tos:	byte with DSCP and ECN
 * @from, @to:	same family
 */
struct udpframe_path {
	uint8_t macs[12];
	uint8_t tos;
	union addr from, to;
};

/**
 * udpframe_build() - a whole frame, with checksum; may exceed the MTU; pure
 * @out:	62 bytes more than @len
 * Return: its length
 */
size_t udpframe_build(const struct udpframe_path *p, const void *payload, size_t len, uint8_t *out);

/**
 * udpframe_send() - to the container, in fragments where it must be
 */
void udpframe_send(struct link *l, const struct udpframe_path *p, const void *payload, size_t len);

/**
 * udpframe_send_run() - datagrams of one path and size to the container, as
 * one frame that its kernel cuts
 * @payload:	them one after another, in any parts
 * @n:		how many parts
 * @size:	of each datagram; the last may be smaller
 *
 * Return: false when that cannot be, and nothing was sent
 */
bool udpframe_send_run(struct link *l, const struct udpframe_path *p, const struct iovec *payload,
		       unsigned int n, size_t size);

/**
 * udpframe_fit() - an IP frame with its checksums, in fragments where it must be
 */
void udpframe_fit(struct link *l, const uint8_t *whole, size_t size);

#endif
