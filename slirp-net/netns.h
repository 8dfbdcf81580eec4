/* SPDX-License-Identifier: Apache-2.0
 *
 * netns - find and join the namespaces of the container
 */
#ifndef SLIRP_NET_NETNS_H
#define SLIRP_NET_NETNS_H

#include "common/err.h"

struct conf;

/**
 * struct netns - descriptors of the namespaces to join
 * @user:	user namespace that owns @net; -1 when it is our own
 * @net:	network namespace of the container
 */
struct netns {
	int user, net;
};

/**
 * netns_open() - by pid, path or socket, as the command line says; a socket is
 * waited for
 *
 * Without --userns-path the owner of the network namespace is asked for from
 * the kernel, so that a path alone is enough for an unprivileged caller.
 * Return: 0, -errno
 */
int netns_open(struct netns *ns, const struct conf *conf, struct err *e);
void netns_clear(struct netns *ns);

/**
 * netns_enter_user() / netns_enter_net() - join; the process is ours alone
 * Return: 0, -errno
 */
int netns_enter_user(const struct netns *ns, struct err *e);
int netns_enter_net(const struct netns *ns, struct err *e);

#endif
