/* SPDX-License-Identifier: Apache-2.0
 *
 * fwd - published ports
 */
#ifndef SLIRP_NET_FWD_H
#define SLIRP_NET_FWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/portspec.h"
#include "slirp-net/addr.h"

/* sockets, not specifications: a range counts each of its ports */
#define FWD_MAX 16384

struct net;

/**
 * struct fwd - one port of one address of the host
 * @id:		number in the API
 * @proto:	transport
 * @host:	where the host listens; the port is the real one, also when any
 *		was asked for
 * @guest:	where it leads
 * @back:	what the back end keeps
 * @next:	in order of ids
 */
struct fwd {
	int id;
	enum port_proto proto;
	union addr host, guest;
	void *back;
	struct fwd *next;
};

/**
 * struct fwd_ops - a way to publish
 * @add:	bind now; fills in a port that was 0; Return: 0, -errno
 * @remove:	stop listening, and drop what runs over it
 * @any_family:	the host's address may be of another family than the container's
 */
struct fwd_ops {
	int (*add)(struct net *net, struct fwd *f);
	int (*remove)(struct net *net, struct fwd *f);
	bool any_family;
};

/**
 * struct fwd_table - all of them
 * @ops:	the way
 * @list:	ports, oldest first
 * @n:		how many
 * @next_id:	never used before
 */
struct fwd_table {
	const struct fwd_ops *ops;
	struct fwd *list;
	size_t n;
	int next_id;
};

extern const struct fwd_ops fwd_stack_ops;

void fwd_init(struct fwd_table *t, const struct fwd_ops *ops);
void fwd_clear(struct net *net);

/**
 * fwd_add() - publish one port
 * @ret:	borrowed, may be NULL
 * Return: 0, -errno of bind(2) or listen(2), -ENOSPC when the table is full
 */
int fwd_add(struct net *net, enum port_proto proto, const union addr *host,
	    const union addr *guest, const struct fwd **ret);

/**
 * fwd_remove() - by id
 * Return: 0, -ENOENT
 */
int fwd_remove(struct net *net, int id);

/**
 * fwd_forget() - every port that leads to this address
 * @guest:	the port does not matter
 */
void fwd_forget(struct net *net, const union addr *guest);

/**
 * fwd_publish() - every port of a specification, or none
 * Return: 0, -errno with the port named in @e
 */
int fwd_publish(struct net *net, const struct portspec *p, struct err *e);

/**
 * fwd_has_guest() - is this port of the container published
 */
bool fwd_has_guest(const struct net *net, enum port_proto proto, const union addr *guest);

#endif
