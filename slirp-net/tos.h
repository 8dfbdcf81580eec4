/* SPDX-License-Identifier: Apache-2.0
 *
 * tos - the byte with DSCP and ECN, of either family's sockets
 */
#ifndef SLIRP_NET_TOS_H
#define SLIRP_NET_TOS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* ECN of TCP is the kernel's */
#define TOS_DSCP 0xfc
#define TOS_CONTROL CMSG_SPACE(sizeof(int))

/**
 * tos_set() - what is sent from now on
 */
void tos_set(int fd, int family, uint8_t tos);

/**
 * tos_watch() - let datagrams, or a listener's connections, come with theirs
 */
void tos_watch(int fd, int family);

/**
 * tos_of_message() - what the kernel said with a received datagram, else 0
 */
uint8_t tos_of_message(struct msghdr *m);

/**
 * tos_of_opener() - of the SYN of a connection that a watched listener accepted
 */
uint8_t tos_of_opener(int fd, int family);

/**
 * tos_put() - one datagram's, as ancillary data at @to
 * @to:		TOS_CONTROL bytes, zeroed
 */
void tos_put(struct cmsghdr *to, int family, uint8_t tos);

#endif
