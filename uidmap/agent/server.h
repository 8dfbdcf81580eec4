/* SPDX-License-Identifier: Apache-2.0
 *
 * server - connections of runtimes, listeners, and when to leave
 */
#ifndef UIDMAP_AGENT_SERVER_H
#define UIDMAP_AGENT_SERVER_H

#include "common/str.h"
#include "uidmap/agent/agent.h"

/**
 * struct server - the main thread's own
 * @socket:	where runtimes connect
 * @socket_dir:	folder of the socket's path
 * @exit_fd:	leave when it is at its end; -1: with the last listener
 * @full:	mode where a connection names none
 * @owners:	texts of the --root-owners files, until the container is joined
 * @kept:	owners that an earlier agent left, until then
 * @v, @n:	listeners
 * @served:	there has been one
 */
struct server {
	struct agent agent;
	int socket;
	int socket_dir;
	int exit_fd;
	bool full;
	struct strv owners;
	struct nodes kept;
	struct listener *v[LISTENERS_MAX];
	size_t n;
	bool served;
};

/**
 * server_init() - signals
 * Return: 0, -errno with the reason
 */
int server_init(struct server *s, struct err *e);

/**
 * server_run() - until it is time to leave
 * Return: 0, -errno
 */
int server_run(struct server *s);

#endif
