/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway - a network namespace between the container and slirp-net
 */
#ifndef SLIRP_NET_GATEWAY_H
#define SLIRP_NET_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct conf;
struct nlcfg;

/* of the container's link, or the bridge; a kernel may come with devices of
 * its own */
#define GATEWAY_INDEX 100

enum gateway_fd {
	GATEWAY_LINK,	/* packet socket: frames from and to the container */
	GATEWAY_LO,	/* packet socket: admitted SYNs go back in here */
	GATEWAY_LISTEN4,	/* transparent listeners that get them */
	GATEWAY_LISTEN6,
	GATEWAY_FD_MAX_,
};

/**
 * struct gateway_begun - a gateway that has no container yet
 * @netns:	its namespace, -1 when there is none
 * @fds:	what is there of gateway_open()'s descriptors
 */
struct gateway_begun {
	int netns;
	int fds[GATEWAY_FD_MAX_];
};

#define GATEWAY_BEGUN_NONE ((struct gateway_begun){ .netns = -1, .fds = { -1, -1, -1, -1 } })

/**
 * gateway_begin() - make all that needs no container, with splice
 *
 * Afterwards the process may be in another network namespace. What fails is told
 * by gateway_open(), which tries it again.
 */
void gateway_begin(const struct conf *conf, struct gateway_begun *ret);
void gateway_abandon(struct gateway_begun *b);

/**
 * gateway_open() - make the namespace, and the link into the container's
 * @netns:	the container's network namespace
 * @begun:	gateway_begin()'s, used up; with @splice only; or NULL
 * @splice:	TCP goes through sockets here; without it all frames are handed
 *		over and nothing but the link is made
 * @ret_fds:	GATEWAY_FD_MAX_ of them, the caller's; -1 where there is none
 *
 * Afterwards the process is in the gateway namespace, and the far end of the
 * link exists in the container's, still down.
 * Return: 0, -EOPNOTSUPP when the kernel lacks something, -errno
 */
int gateway_open(const struct conf *conf, int netns, bool splice, struct gateway_begun *begun,
		 int *ret_fds, struct err *e);

/**
 * gateway_fast_tcp() - no pacing in the network namespace we are in
 */
void gateway_fast_tcp(void);

/**
 * gateway_close() - remove the link, in the namespace we are in; at once, so
 * that its name is free when slirp-net has gone
 */
void gateway_close(const struct conf *conf);

/**
 * gateway_frame() - a frame of libslirp, made fit for a link whose near end is
 * the gateway's: it has the gateway's MAC address
 *
 * Return: false when the gateway's kernel says this itself
 */
bool gateway_frame(uint8_t *data, size_t len);

#endif
