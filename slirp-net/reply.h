/* SPDX-License-Identifier: Apache-2.0
 *
 * reply - answers in somebody else's name: RST and ICMP errors
 */
#ifndef SLIRP_NET_REPLY_H
#define SLIRP_NET_REPLY_H

#include <stddef.h>
#include <stdint.h>

struct link;

/* Ethernet, IPv6, ICMPv6, and as much of the packet as fits */
#define REPLY_MAX 256

/**
 * reply_build_rst() - the RST|ACK that answers a SYN; pure
 * @syn:	the frame, Ethernet header included
 * @out:	REPLY_MAX bytes
 * Return: length, -EBADMSG when @syn is no TCP
 */
int reply_build_rst(const uint8_t *syn, size_t len, uint8_t *out);

/**
 * reply_build_unreach() - the ICMP error that tells of an errno; pure
 * @error:	ENETUNREACH, EHOSTUNREACH, EACCES or EPERM, ECONNREFUSED
 *		(port unreachable)
 * Return: length, -EBADMSG
 */
int reply_build_unreach(const uint8_t *frame, size_t len, int error, uint8_t *out);

/**
 * reply_tcp_error() - tell the sender of a SYN what became of it
 *
 * Silence for anything that a network answers with silence.
 */
void reply_tcp_error(struct link *l, const uint8_t *frame, size_t len, int error);

#endif
