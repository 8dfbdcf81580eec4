/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - the packet filter of the gateway namespace
 */
#ifndef SLIRP_NET_RULES_H
#define SLIRP_NET_RULES_H

#include <stdint.h>

#include "common/err.h"

struct nlbatch;

/**
 * rules_build() - the rules as nftables' messages
 * @link:	the gateway's end of the container's link
 * @port:	of the transparent listener
 */
void rules_build(struct nlbatch *b, const char *link, uint16_t port);

/**
 * rules_load() - load them into the namespace we are in
 * Return: 0, -EOPNOTSUPP when the kernel cannot
 */
int rules_load(const char *link, uint16_t port, struct err *e);

#endif
