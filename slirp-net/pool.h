/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - sockets of the gateway namespace, made by the broker
 *
 * slirp-net is in the host's namespace and cannot open a socket in another.
 * The broker can; it hands them over by the dozen.
 */
#ifndef SLIRP_NET_POOL_H
#define SLIRP_NET_POOL_H

#define POOL_BATCH 32

enum pool_kind {
	POOL_TCP4,
	POOL_TCP6,
	POOL_UDP4,
	POOL_UDP6,
	POOL_KIND_MAX_,
};

/**
 * struct pool - sockets nobody uses yet
 * @sock:	to the broker; stays the caller's
 * @fds:	by kind
 * @n:		how many of each
 */
struct pool {
	int sock;
	int fds[POOL_KIND_MAX_][POOL_BATCH];
	int n[POOL_KIND_MAX_];
};

void pool_init(struct pool *p, int sock);
void pool_clear(struct pool *p);

/**
 * pool_get() - a fresh transparent, non-blocking socket; may be bound to any
 * address
 * Return: descriptor, the caller's; -errno
 */
int pool_get(struct pool *p, enum pool_kind kind);

/**
 * pool_serve() - the broker's side: answer one request
 * Return: 0, -ECONNRESET when the other side has gone, -errno
 */
int pool_serve(int sock);

#endif
