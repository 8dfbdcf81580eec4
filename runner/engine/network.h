/* SPDX-License-Identifier: Apache-2.0
 *
 * network - the network of a container, by its mode
 */
#ifndef RUNNER_ENGINE_NETWORK_H
#define RUNNER_ENGINE_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "runner/engine/files.h"

struct container;
struct engine;
struct err;
struct network;

/**
 * struct netmode - how one mode works
 * @name:	as --network takes it
 * @host_net:	the container stays in the host's network namespace
 * @can_publish: ports may be published
 * @names:	for the files in /etc
 * @rung:	what network_wait() finds at best, NULL for @name
 * @start:	begin what needs no namespace yet. May be NULL
 * @join:	take n->netns_fd, or make one where that is -1; what takes long
 *		goes on in the background. May be NULL
 * @wait:	return when the network is usable and every port is bound. May be NULL
 */
struct netmode {
	const char *name;
	bool host_net;
	bool can_publish;
	struct net_names names;
	const char *rung;
	int (*start)(struct network *n, struct container *c, struct err *e);
	int (*join)(struct network *n, struct container *c, struct err *e);
	int (*wait)(struct network *n, struct container *c, struct err *e);
};

/**
 * struct network - one container's network while a monitor runs it
 * @mode:	never NULL after network_choose()
 * @netns_fd:	the namespace, -1 when the runtime makes one or the host's is used
 * @helper:	slirp-net's process, 0 when there is none
 * @netns_sock:	where it waits for the namespace, and answers how it reaches it
 * @ready_fd:	it says here that everything answers
 * @exit_fd:	closing it makes the helper leave
 * @words_fd:	its stderr
 * @no_root:	no id exists yet: what is executed would lose our capabilities
 * @rung:	what came out (ladder.c); until network_wait() the best there is
 */
struct network {
	const struct netmode *mode;
	int netns_fd;
	pid_t helper;
	int netns_sock;
	int ready_fd;
	int exit_fd;
	int words_fd;
	bool no_root;
	const char *rung;
};

/**
 * network_init() - nothing to release yet
 */
void network_init(struct network *n);

/**
 * netmode_find() - by name or alias, NULL when there is none
 */
const struct netmode *netmode_find(const char *name);

/**
 * netns_new() - a network namespace with our sysctls set
 * Return: descriptor, -errno
 */
int netns_new(const struct engine *eng, struct err *e);

/**
 * netns_bare() - one with nothing done to it
 * Return: descriptor, -errno
 */
int netns_bare(const struct engine *eng, struct err *e);

/**
 * network_wants_netns() - will the container take a namespace that somebody else makes?
 */
bool network_wants_netns(const struct container *c);

/**
 * network_wants_bare() - its first process takes it, and does the rest
 */
bool network_wants_bare(const struct container *c);

/**
 * network_choose() - find the mode; nothing is made yet
 * Return: 0, -errno
 */
int network_choose(struct network *n, const struct container *c, struct err *e);

/**
 * network_start() - begin to make a container's network
 * Return: 0, -errno
 */
int network_start(struct network *n, struct container *c, struct err *e);

/**
 * network_join() - it has a namespace from here on, if it wants one
 * @netns_fd_take:	netns_new()'s, -1 when there is none: then it makes its own
 * Return: 0, -errno
 */
int network_join(struct network *n, struct container *c, int netns_fd_take, struct err *e);
int network_wait(struct network *n, struct container *c, struct err *e);

/**
 * network_release() - the helper leaves, ports are free when this returns
 */
void network_release(struct network *n);

/**
 * network_words() - a line that the helper printed since; not blocking
 * Return: length, 0 when there is none
 */
int network_words(struct network *n, char *buf, size_t size);

extern const struct netmode netmode_private;

#endif
