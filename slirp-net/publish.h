/* SPDX-License-Identifier: Apache-2.0
 *
 * publish - published ports whose server sees the client's own address
 */
#ifndef SLIRP_NET_PUBLISH_H
#define SLIRP_NET_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"
#include "slirp-net/flowlog.h"
#include "slirp-net/frame.h"
#include "slirp-net/fwd.h"
#include "slirp-net/loop.h"

#define PUBLISH_DIAL_MS 20000
#define PUBLISH_DIALS_MAX 8192
#define PUBLISH_UDP_FLOWS_MAX 8192
#define PUBLISH_UDP_BUCKETS 2048
#define PUBLISH_UDP_IDLE_MS 60000
#define PUBLISH_UDP_STREAM_MS 180000

struct net;
struct dial;
struct udp_flow;

/**
 * struct publishes - what runs over published ports
 * @dials:	TCP connections that are not through to the container yet
 * @n_dials:	how many
 * @flows:	UDP conversations by client and port
 * @shown:	the same by the addresses the container sees
 * @oldest, @newest: UDP conversations by last use
 * @n_flows:	how many
 * @refused:	how many TCP clients found the table full
 * @udp_dropped:	how many UDP conversations made room for others
 */
struct publishes {
	struct dial *dials;
	size_t n_dials;
	struct udp_flow *flows[PUBLISH_UDP_BUCKETS];
	struct udp_flow *shown[PUBLISH_UDP_BUCKETS];
	struct udp_flow *oldest, *newest;
	size_t n_flows;
	uint64_t refused, udp_dropped;
};

/* The way to publish where there is a gateway namespace. */
extern const struct fwd_ops publish_ops;

/**
 * publish_as() - bind a transparent socket to the address the container shall
 * see as its peer
 *
 * That is the client's own. Where the container could not answer that one
 * (loopback, its own network, another family), it is the gateway's.
 * @fd:		from the pool, of the family of @guest
 * @shown:	what it was bound to
 * Return: 0, -errno
 */
int publish_as(struct net *net, int fd, const union addr *client, const union addr *guest,
	       union addr *shown);

/**
 * publish_udp_add() / publish_udp_remove() - the UDP half of publish_ops
 */
int publish_udp_add(struct net *net, struct fwd *f);
int publish_udp_remove(struct net *net, struct fwd *f);

/**
 * publish_udp_has() - is this frame an answer that the gateway's kernel hands
 * to a socket of ours
 */
bool publish_udp_has(struct net *net, const uint8_t *data, const struct frame *f);

/**
 * publish_udp_next() - what the next UDP conversation did, newest use first
 * @at:	NULL for the first
 * Return: for the next call; NULL behind the last
 */
const struct udp_flow *publish_udp_next(const struct publishes *ps, const struct udp_flow *at,
					struct flow *ret);

void publish_expire(struct net *net);
void publish_udp_expire(struct net *net);
void publish_clear(struct net *net);

#endif
