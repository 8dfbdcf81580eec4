/* SPDX-License-Identifier: Apache-2.0
 *
 * bridge - several containers at one gateway: the broker's side
 */
#ifndef SLIRP_NET_BRIDGE_H
#define SLIRP_NET_BRIDGE_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "slirp-net/nlcfg.h"

struct conf;

#define BRIDGE_PORTS_MAX 128
/* of the container that slirp-net was started for */
#define BRIDGE_FIRST 1

/**
 * struct bridge_port - a container as the bridge sees it
 * @id:		never used twice; 0 for nobody
 * @name:	of its interface
 * @mac, @addr4, @addr6: its addresses, and no others
 * @route:	the gateway is its default route
 */
struct bridge_port {
	int id;
	char name[IFNAMSIZ];
	uint8_t mac[6];
	struct in_addr addr4;
	struct in6_addr addr6;
	bool route;
};

enum bridge_event {
	BRIDGE_ADDED,	/* or not: see @err */
	BRIDGE_REMOVED,
	BRIDGE_GONE,	/* the container's namespace has ended */
};

/**
 * struct bridge_ask - from slirp-net; a new port comes with a descriptor of
 * the network namespace
 * @add:	else remove
 * @port:	to remove, the id is enough
 */
struct bridge_ask {
	bool add;
	struct bridge_port port;
};

/**
 * struct bridge_tell - from the broker, as an answer or on its own
 */
struct bridge_tell {
	enum bridge_event event;
	int id;
	struct err err;
};

/**
 * struct bridge - the broker's memory
 * @conf:	what slirp-net was asked for
 * @index:	of the bridge
 * @sock:	to slirp-net
 * @links:	tells of links that come and go
 * @ports:	those there are
 */
struct bridge {
	const struct conf *conf;
	int index, sock, links;
	struct bridge_port ports[BRIDGE_PORTS_MAX];
};

/**
 * bridge_first() - the container that slirp-net was started for
 */
struct bridge_port bridge_first(const struct conf *c);

/**
 * bridge_join() - a link from the bridge into a network namespace
 * @index:	of the bridge, in the namespace we are in
 * @netns:	descriptor of the other
 *
 * Its far end is left down.
 * Return: 0, -EEXIST when the far end's name is taken, -errno
 */
int bridge_join(const struct conf *c, int index, const struct bridge_port *p, int netns,
		struct err *e);

/**
 * bridge_leave() - undo bridge_join(), also when the link is gone already
 */
void bridge_leave(int index, const struct bridge_port *p);

/**
 * bridge_configure() - the container's end: on, with addresses and routes
 * @nl:		a handle for its namespace
 * Return: 0, -errno
 */
int bridge_configure(const struct conf *c, struct nlcfg *nl, const struct bridge_port *p,
		     struct err *e);

/**
 * bridge_new() - begin to serve, in the gateway namespace
 * @sock:	stays the caller's
 * Return: to be freed with free(); NULL when out of memory or descriptors
 */
struct bridge *bridge_new(const struct conf *c, int index, int sock);

/**
 * bridge_serve() - one request of slirp-net
 * Return: 0 (also for one that failed, and was answered so), -errno at the end
 */
int bridge_serve(struct bridge *b);

/**
 * bridge_look() - links came or went: tell of containers that ended
 */
void bridge_look(struct bridge *b);

#endif
