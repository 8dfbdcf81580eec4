/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - the packet filter of the gateway namespace, by libnftables
 */
#ifndef SLIRP_NET_RULES_H
#define SLIRP_NET_RULES_H

#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/**
 * rules_start() - begin to load the rules into the namespace we are in
 * @link:	the gateway's end of the container's link
 * @port:	of the transparent listener
 *
 * A child does it, so that what libnftables allocates is gone afterwards and
 * the caller can go on meanwhile.
 * Return: 0, -errno
 */
int rules_start(const char *link, uint16_t port, pid_t *ret, struct err *e);

/**
 * rules_wait() - until they are loaded
 * Return: 0, -EOPNOTSUPP when the kernel or the library cannot
 */
int rules_wait(pid_t pid, struct err *e);

#endif
