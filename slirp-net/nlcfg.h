/* SPDX-License-Identifier: Apache-2.0
 *
 * nlcfg - links, addresses and routes, through libnl
 *
 * A handle works in the network namespace it was opened in, also after the
 * process has gone on to another one.
 */
#ifndef SLIRP_NET_NLCFG_H
#define SLIRP_NET_NLCFG_H

#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"

struct nlcfg;

/**
 * nlcfg_open() - a handle for the namespace we are in
 * Return: 0, -errno; the handle is the caller's
 */
int nlcfg_open(struct nlcfg **ret, struct err *e);
void nlcfg_close(struct nlcfg *c);
DEFINE_AUTO(struct nlcfg, nlcfg_close);

/**
 * nlcfg_index() - index of a link
 * Return: positive index, -errno
 */
int nlcfg_index(struct nlcfg *c, const char *name, struct err *e);

/**
 * nlcfg_up() - switch a link on, with MTU (0: as it is) and MAC (NULL: as it is)
 */
int nlcfg_up(struct nlcfg *c, int ifindex, unsigned int mtu, const uint8_t mac[6],
	      struct err *e);

/**
 * nlcfg_addr() - add an address; an IPv6 one is usable at once (no DAD)
 */
int nlcfg_addr(struct nlcfg *c, int ifindex, int family, const void *addr, unsigned int prefix,
		struct err *e);

/**
 * nlcfg_default_route() - everything goes to the gateway
 */
int nlcfg_default_route(struct nlcfg *c, int ifindex, int family, const void *gateway,
			 struct err *e);

/**
 * nlcfg_veth() - make a pair of links, the far one in another namespace
 * @name, @mac:	the near end, here
 * @peer, @peer_mac: the far end; @peer_mac may be NULL for a random one
 * @peer_netns:	descriptor of its network namespace
 * @mtu:	of both
 */
int nlcfg_veth(struct nlcfg *c, const char *name, const uint8_t mac[6], const char *peer,
	       const uint8_t *peer_mac, int peer_netns, unsigned int mtu, struct err *e);

/**
 * nlcfg_delete() - remove a link, and with it its far end
 * Return: 0, -errno
 */
int nlcfg_delete(struct nlcfg *c, const char *name);

/**
 * nlcfg_rule() - packets that came in by @iif (NULL: any) with @mark (0: any)
 * are routed by @table
 */
int nlcfg_rule(struct nlcfg *c, int family, const char *iif, uint32_t mark, uint32_t table,
	       struct err *e);

/**
 * nlcfg_local_route() - in @table, every destination is this host
 */
int nlcfg_local_route(struct nlcfg *c, int family, int lo, uint32_t table, struct err *e);

#endif
