/* SPDX-License-Identifier: Apache-2.0
 *
 * dns - the resolver inside, by the host's resolvers as they are now
 */
#ifndef SLIRP_NET_DNS_H
#define SLIRP_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"
#include "slirp-net/dnsmsg.h"
#include "slirp-net/frame.h"
#include "slirp-net/resolv.h"

#define DNS_QUERIES_MAX 1024
/* a name may be another container's in a moment */
#define DNS_MEMBER_TTL 5
#define DNS_TRY_MS 2000
#define DNS_TRIES 4

struct net;
struct dns_query;

/**
 * struct dns - the resolver
 * @servers:	the host's
 * @good:	index of the one that answered last
 * @oldest, @newest: queries that wait for an answer
 * @n:		how many
 * @asked, @answered, @refused, @failed: counters
 * @dropped:	how many made room for others
 * @buf:	room for one answer
 */
struct dns {
	struct resolv servers;
	size_t good;
	struct dns_query *oldest, *newest;
	size_t n;
	uint64_t asked, answered, refused, failed, dropped;
	uint8_t buf[65536];
};

/**
 * dns_set() - the host's resolv.conf, at the start and whenever it changes
 */
void dns_set(struct net *net, const char *text, size_t len);
void dns_clear(struct net *net);

/**
 * dns_is_for_us() - is this address our resolver's
 */
bool dns_is_for_us(const struct net *net, const union addr *to);

/**
 * dns_frame() - a query in a UDP frame
 */
void dns_frame(struct net *net, const uint8_t *data, const struct frame *f);

/**
 * dns_expire() - ask the next server, or give up
 */
void dns_expire(struct net *net);

/**
 * dns_server() - where DNS over TCP goes now
 */
const union addr *dns_server(const struct net *net);

/**
 * struct dns_tap - looks into a DNS connection over TCP, in one direction
 * @need:	bytes of the message that is coming; 0 before its length is known
 * @have:	bytes of it in @buf
 * @buf:	the length, then the message
 */
struct dns_tap {
	size_t need, have;
	uint8_t buf[2 + 65535];
};

/**
 * dns_tap_feed() - bytes that are about to be passed on
 * @query:	from the container
 * Return: false when they must not be: a name that may not be asked for, or
 * no DNS
 */
bool dns_tap_feed(struct net *net, struct dns_tap *t, const uint8_t *data, size_t len, bool query);

#endif
