/* SPDX-License-Identifier: Apache-2.0
 *
 * nlcfg - links, addresses, routes and routing rules
 *
 * Changes are queued, and made together by nlcfg_run(). A handle works in the
 * network namespace it was opened in, also after the process has gone on to
 * another one.
 */
#ifndef SLIRP_NET_NLCFG_H
#define SLIRP_NET_NLCFG_H

#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/nlbatch.h"

/* of lo, in every network namespace */
#define NLCFG_LO 1

/**
 * struct nlcfg - a handle
 * @fd:		netlink socket
 * @batch:	what is queued
 * @what:	for each, what to say when it fails
 */
struct nlcfg {
	int fd;
	struct nlbatch batch;
	const char *what[NLBATCH_MAX];
};

/**
 * nlcfg_open() - a handle for the namespace we are in
 * Return: 0, -errno
 */
int nlcfg_open(struct nlcfg *c, struct err *e);
void nlcfg_close(struct nlcfg *c);
DEFINE_AUTO_CLEAR(struct nlcfg, nlcfg_close);

/**
 * nlcfg_run() - make the queued changes, in order; each is tried, and the
 * first that failed is told
 *
 * The queue is empty afterwards.
 * Return: 0, -errno
 */
int nlcfg_run(struct nlcfg *c, struct err *e);

/**
 * nlcfg_index() - index of a link, now
 * Return: positive index, -errno
 */
int nlcfg_index(const struct nlcfg *c, const char *name, struct err *e);

/**
 * nlcfg_up() - switch a link on, with MTU (0: as it is) and MAC (NULL: as it is)
 */
void nlcfg_up(struct nlcfg *c, int ifindex, unsigned int mtu, const uint8_t *mac);

/**
 * nlcfg_addr() - add an address; an IPv6 one is usable at once (no DAD)
 */
void nlcfg_addr(struct nlcfg *c, int ifindex, int family, const void *addr, unsigned int prefix);

/**
 * nlcfg_default_route() - everything goes to the gateway
 */
void nlcfg_default_route(struct nlcfg *c, int ifindex, int family, const void *gateway);

/**
 * struct nlcfg_veth - a pair of links
 * @ifindex:	of the near end, here; nothing else may have it
 * @name, @mac:	the near end; @mac may be NULL for a random one
 * @peer, @peer_mac: the far end; @peer_mac may be NULL for a random one
 * @peer_netns:	descriptor of its network namespace
 * @mtu:	of both
 */
struct nlcfg_veth {
	int ifindex;
	const char *name;
	const uint8_t *mac;
	const char *peer;
	const uint8_t *peer_mac;
	int peer_netns;
	unsigned int mtu;
};

void nlcfg_veth(struct nlcfg *c, const struct nlcfg_veth *v);

/**
 * nlcfg_bridge() - a bridge that is not to guess who speaks multicast
 */
void nlcfg_bridge(struct nlcfg *c, int ifindex, const char *name, const uint8_t *mac,
		  unsigned int mtu);

/**
 * nlcfg_port() - a link joins a bridge; it learns no addresses, and gets no
 * frames to unknown ones
 * nlcfg_fdb() - the MAC address behind a port
 */
void nlcfg_port(struct nlcfg *c, int ifindex, int bridge);
void nlcfg_fdb(struct nlcfg *c, int port, const uint8_t *mac);

/**
 * nlcfg_neigh() - the MAC address of a neighbour, whatever anybody says
 * nlcfg_no_neigh() - forget it
 */
void nlcfg_neigh(struct nlcfg *c, int ifindex, int family, const void *addr, const uint8_t *mac);
void nlcfg_no_neigh(struct nlcfg *c, int ifindex, int family, const void *addr);

/**
 * nlcfg_delete() - remove a link, and with it its far end
 */
void nlcfg_delete(struct nlcfg *c, const char *name);

/**
 * nlcfg_rule() - packets that came in by @iif (NULL: any) with @mark (0: any)
 * are routed by @table
 */
void nlcfg_rule(struct nlcfg *c, int family, const char *iif, uint32_t mark, uint32_t table);

/**
 * nlcfg_local_route() - in @table, every destination is this host
 */
void nlcfg_local_route(struct nlcfg *c, int family, uint32_t table);

#endif
