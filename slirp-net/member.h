/* SPDX-License-Identifier: Apache-2.0
 *
 * member - the containers at one gateway: slirp-net's side
 */
#ifndef SLIRP_NET_MEMBER_H
#define SLIRP_NET_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"
#include "slirp-net/addr.h"
#include "slirp-net/bridge.h"
#include "slirp-net/loop.h"

#define MEMBERS_MAX BRIDGE_PORTS_MAX
#define MEMBER_NAMES_MAX 16
#define MEMBER_NAME_MAX 253
/* addresses in one answer of the resolver */
#define MEMBER_ADDRS_MAX 16

struct conf;
struct net;

enum member_state {
	MEMBER_JOINING,	/* the broker makes its link; has its addresses already */
	MEMBER_ON,
	MEMBER_LEAVING,	/* the broker takes its link away */
};

/**
 * struct member - a container
 * @port:	its link and addresses
 * @state:	how far it is
 * @names:	what the resolver calls it, lower case; the first stands in the
 *		flow log
 * @next:	oldest first
 */
struct member {
	struct bridge_port port;
	enum member_state state;
	struct strv names;
	struct member *next;
};

/**
 * struct members - all of them; none without --shared
 * @list:	oldest first
 * @n:		how many
 * @next_id:	never used before
 * @refused:	how many found the table full
 * @ev:		socket to the broker
 */
struct members {
	struct member *list;
	size_t n;
	int next_id;
	uint64_t refused;
	struct ev ev;
};

/**
 * struct member_wish - what is asked for
 * @interface:	name of the interface, NULL for that of the first container
 * @has_addr, @addr4: or the next free one
 * @has_mac, @mac: or a random one
 * @names:	taken from here
 * @route:	the gateway is its default route
 */
struct member_wish {
	const char *interface;
	bool has_addr, has_mac, route;
	struct in_addr addr4;
	uint8_t mac[6];
	struct strv names;
};

/**
 * members_start() - with the first container, where --shared was given
 * Return: 0, -errno
 */
int members_start(struct net *net);
void members_clear(struct members *ms);

/**
 * member_add() - a place in the table, with addresses; the link is yet to come
 * Return: 0, -ENOSPC, -EINVAL, -EADDRINUSE, -ENOMEM, with the reason in @e
 */
int member_add(struct members *ms, const struct conf *c, struct member_wish *wish,
	       struct member **ret, struct err *e);

/**
 * member_remove() - out of the table
 */
void member_remove(struct members *ms, struct member *m);

/**
 * member_attach() - member_add(), and ask the broker for the link
 * @netns:	stays the caller's
 * @ret_id:	api_finish() is called with this when it is done or has failed
 */
int member_attach(struct net *net, struct member_wish *wish, int netns, int *ret_id,
		  struct err *e);

/**
 * member_detach() - ask the broker to take the link away
 * Return: 0 (api_finish() will be called), -ENOENT, -EALREADY, -errno
 */
int member_detach(struct net *net, int id);

/**
 * member_find() - by id; NULL
 */
struct member *member_find(const struct members *ms, int id);

/**
 * member_label() - the first name of the container with this address; NULL
 */
const char *member_label(const struct members *ms, const union addr *guest);

/**
 * member_resolve() - addresses of a name
 * @name:	lower case, without the last dot
 * @ret:	of MEMBER_ADDRS_MAX; the port is 0
 * @ret_n:	how many, of both families
 * Return: whether anybody has that name
 */
bool member_resolve(const struct members *ms, const struct conf *c, const char *name,
		    union addr *ret, size_t *ret_n);

/**
 * member_name_ok() - may that be a name; pure
 */
bool member_name_ok(const char *name);

/**
 * member_random_mac() - one that no vendor has
 * Return: 0, -errno
 */
int member_random_mac(uint8_t ret[6]);

#endif
