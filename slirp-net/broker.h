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
 * @userns_fd:	the container's user namespace, -1 when it is ours
 * @pid:	its process
 * @fds:	by gateway_fd; GATEWAY_LINK alone may be a tap device
 * @splice:	there is a gateway with all of them
 */
struct broker {
	struct ev ev;
	int pool_fd, userns_fd;
	pid_t pid;
	int fds[GATEWAY_FD_MAX_];
	bool splice;
};

/**
 * broker_start() - fork it, and wait until the container's link is set up
 *
 * Called while the process has one thread and holds nothing but net->conf.
 * Return: 0, -errno with the broker's own explanation in @e
 */
int broker_start(struct broker *b, struct net *net, struct err *e);

/**
 * broker_watch() - wait for the host's resolv.conf, follow its changes, and
 * leave when the broker is gone
 */
int broker_watch(struct broker *b, struct net *net);
void broker_clear(struct broker *b);

#endif
