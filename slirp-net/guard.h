/* SPDX-License-Identifier: Apache-2.0
 *
 * guard - a port of the bridge takes only its own container's addresses
 */
#ifndef SLIRP_NET_GUARD_H
#define SLIRP_NET_GUARD_H

#include <netinet/in.h>
#include <stdint.h>

#include "common/err.h"
#include "common/nlbatch.h"

/**
 * struct guard - what may come in by a link
 * @link:	the link; the chain has its name
 * @mac:	the container's
 * @addr4:	the container's
 * @addr6:	the container's; NULL for no IPv6 at all
 */
struct guard {
	const char *link;
	const uint8_t *mac;
	const struct in_addr *addr4;
	const struct in6_addr *addr6;
};

/**
 * guard_build() - the messages of guard_load(); pure
 */
void guard_build(struct nlbatch *b, const struct guard *g);

/**
 * guard_load() - from now on; the link exists, in the namespace we are in
 * Return: 0, -errno
 */
int guard_load(const struct guard *g, struct err *e);

/**
 * guard_remove() - what guard_load() made; it outlives the link
 */
void guard_remove(const char *link);

#endif
