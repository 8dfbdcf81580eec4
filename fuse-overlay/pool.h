/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - threads that serve
 */
#ifndef FUSE_OVERLAY_POOL_H
#define FUSE_OVERLAY_POOL_H

#include "fuse-overlay/ovl.h"

#define POOL_HELPERS_MAX 7

/**
 * struct pool - threads that serve one mount
 * @o:		the mount
 * @ready:	called once, after the first request was served
 * @arg:	for it
 * @lock:	covers what follows
 * @wake:	a parked helper is wanted
 * @active:	threads that serve, not those that wait for a disk
 * @wanted:	how many should
 * @parked:	helpers that wait for @wake
 * @called:	of these, how many were called
 * @n, @max:	helpers there are, and may be
 * @helpers:	they
 */
struct pool {
	struct ovl *o;
	void (*ready)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned int active;
	unsigned int wanted;
	unsigned int parked;
	unsigned int called;
	unsigned int n;
	unsigned int max;
	pthread_t helpers[POOL_HELPERS_MAX];
};

/**
 * pool_serve() - serve until the mount is gone or a signal says so
 * @threaded:	more threads may be started
 *
 * Serves in the calling thread. All others have ended when it returns.
 */
void pool_serve(struct pool *p, bool threaded);

/**
 * pool_wait_begin() / pool_wait_end() - around a call that may wait for a disk
 *
 * Somebody else serves meanwhile. Not under the lock of struct ovl.
 */
void pool_wait_begin(struct ovl *o);
void pool_wait_end(struct ovl *o);

#endif
