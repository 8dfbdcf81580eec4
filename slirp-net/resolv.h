/* SPDX-License-Identifier: Apache-2.0
 *
 * resolv - the host's resolv.conf: read, watched, parsed
 */
#ifndef SLIRP_NET_RESOLV_H
#define SLIRP_NET_RESOLV_H

#include <stddef.h>

#include "slirp-net/addr.h"

#define RESOLV_TEXT_MAX 8192
#define RESOLV_SERVERS_MAX 4
#define RESOLV_LOOK_MS 60000

/**
 * struct resolv - the servers, in order
 * @n:		how many, at least one
 */
struct resolv {
	union addr servers[RESOLV_SERVERS_MAX];
	size_t n;
};

/**
 * resolv_parse() - text to servers; pure but for names of links in scopes
 *
 * Without a usable line it is 127.0.0.1, as resolv.conf(5) says.
 */
void resolv_parse(const char *text, size_t len, struct resolv *ret);

/**
 * struct resolv_watch - notices when the file, or what it links to, changes
 * @fd:		inotify descriptor, -1 where that does not work
 * @text, @len:	as it was read last
 */
struct resolv_watch {
	int fd;
	size_t len;
	char text[RESOLV_TEXT_MAX];
};

/**
 * resolv_watch_open() - read it, and begin to watch
 */
void resolv_watch_open(struct resolv_watch *w);

/**
 * resolv_watch_look() - read it again
 * Return: whether it has changed
 */
bool resolv_watch_look(struct resolv_watch *w);

#endif
