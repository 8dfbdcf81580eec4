/* SPDX-License-Identifier: Apache-2.0
 *
 * broker - the process that stays in the container's namespaces
 */
#ifndef SLIRP_NET_BROKER_H
#define SLIRP_NET_BROKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "slirp-net/gateway.h"
#include "slirp-net/loop.h"

struct net;

/**
 * struct broker - the broker as slirp-net sees it
 * @ev:		our end of the socket
 * @pool_fd:	where it is asked for sockets
 * @bridge_fd:	where it is asked for ports of the bridge; -1 without --shared
 * @userns_fd:	the container's user namespace, -1 when it is ours
 * @pid:	its process
 * @fds:	by gateway_fd; GATEWAY_LINK alone may be a tap device
 * @splice:	there is a gateway with all of them
 * @ready:	it serves
 */
struct broker {
	struct ev ev;
	int pool_fd, bridge_fd, userns_fd;
	pid_t pid;
	int fds[GATEWAY_FD_MAX_];
	bool splice, ready;
};

/**
 * broker_start() - fork it; it sets the container's link up meanwhile
 *
 * Called while the process has one thread and holds nothing but net->conf.
 * Return: 0, -errno
 */
int broker_start(struct broker *b, struct net *net, struct err *e);

/**
 * broker_wait() - until the container's link is set up
 * Return: 0, -errno with the broker's own explanation in @e
 */
int broker_wait(struct broker *b, struct err *e);

/**
 * broker_keep() - let the broker hold a descriptor until it ends
 *
 * The kernel's work at the end of a namespace or a packet socket is done by
 * the last who held it; that shall be the broker, for whose end nobody waits.
 */
void broker_keep(struct broker *b, int fd);

/**
 * broker_watch() - wait for the host's resolv.conf, follow its changes, and
 * leave when the broker is gone
 */
int broker_watch(struct broker *b, struct net *net);

/**
 * broker_clear() - let the broker go
 *
 * Returns when the control socket's file is removed. The broker ends later:
 * taking the container's link away is slow work for the kernel. A broker that
 * never was ready is waited for.
 */
void broker_clear(struct broker *b);

#endif
