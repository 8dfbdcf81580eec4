/* SPDX-License-Identifier: Apache-2.0
 *
 * files - /etc/hosts, /etc/hostname and /etc/resolv.conf of a container
 */
#ifndef RUNNER_ENGINE_FILES_H
#define RUNNER_ENGINE_FILES_H

#include <stddef.h>

#include "common/str.h"

struct container;
struct err;

/**
 * struct net_names - what the network mode knows about names
 * @address:	the container's own address, or NULL
 * @gateway:	what "host-gateway" in --add-host means, or NULL
 * @dns:	its name server, or NULL to use the host's
 */
struct net_names {
	const char *address;
	const char *gateway;
	const char *dns;
};

/**
 * files_write() - write the three files into the container's runtime folder:
 * they are made anew at every start, and cost a disk nothing there
 * Return: 0, -errno
 */
int files_write(const struct container *c, const struct net_names *net, struct err *e);

/**
 * files_hosts() - text of /etc/hosts; pure
 * Return: 0, -EINVAL for an --add-host that is none, -ENOMEM
 */
int files_hosts(const struct container *c, const struct net_names *net, struct strbuf *ret,
		struct err *e);

/**
 * files_resolv() - text of /etc/resolv.conf; pure
 * @host:	the host's own file
 * Return: 0, -ENOMEM
 */
int files_resolv(const struct container *c, const struct net_names *net, const char *host,
		 struct strbuf *ret);

/**
 * files_hostname() - the name in force: the one asked for, or the short id
 */
const char *files_hostname(const struct container *c, char buf[65]);

#endif
