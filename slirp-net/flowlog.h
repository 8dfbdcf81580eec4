/* SPDX-License-Identifier: Apache-2.0
 *
 * flowlog - one JSON line for each thing the container's network did
 */
#ifndef SLIRP_NET_FLOWLOG_H
#define SLIRP_NET_FLOWLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "slirp-net/addr.h"

struct net;

/**
 * struct flow - what a line tells
 * @event:	"open", "close", "deny", "refuse"
 * @proto:	"tcp", "udp", "icmp", "dns"
 * @outbound:	from the container
 * @guest:	in the container
 * @peer:	what the container sees there
 * @name:	name asked for, for dns; else NULL
 * @from_guest, @to_guest: bytes, for "close"
 * @since_ms:	when it was opened, for "close"; else 0
 */
struct flow {
	const char *event, *proto;
	bool outbound;
	const union addr *guest, *peer;
	const char *name;
	uint64_t from_guest, to_guest;
	int64_t since_ms;
};

/**
 * flowlog_open() - append to a file, mode 0600 when it is made
 * Return: descriptor, -errno
 */
int flowlog_open(const char *path, struct err *e);

/**
 * flowlog_write() - nothing when there is no log
 */
void flowlog_write(struct net *net, const struct flow *f);

#endif
