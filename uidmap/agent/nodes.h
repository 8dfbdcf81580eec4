/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes - owners of objects that can carry no attribute
 *
 * Symbolic links, pipes, sockets, terminals, and whatever lies on a file
 * system without user attributes. The key is device, inode and the time of
 * birth, so that a number used again is another object; where there is no
 * time of birth, the device and inode alone.
 */
#ifndef UIDMAP_AGENT_NODES_H
#define UIDMAP_AGENT_NODES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/override.h"

#define NODES_MAX 262144
#define NODES_ALIAS (UINT64_C(1) << 63) /* in a number: it is an alias (copyup.h) */

struct node {
	uint64_t dev, ino, born;
	struct override ov;
	bool used;
};

/**
 * struct nodes - the table, open addressing
 * @n:		used slots; those emptied again stay used, with owner 0:0
 * @keep_fd:	where changes are written down (keep.h), its own; -1 for nowhere
 * @keep_dev:	those of this device
 * @image_known: an earlier run has written down the owners of the image
 * @aliases:	used slots that are aliases
 */
struct nodes {
	pthread_mutex_t lock;
	_Atomic(size_t) n;
	size_t cap;
	struct node *v;
	int keep_fd;
	uint64_t keep_dev;
	bool image_known;
	_Atomic(size_t) aliases;
};

static inline bool nodes_any(const struct nodes *t)
{
	return atomic_load_explicit(&t->n, memory_order_acquire) != 0;
}

static inline bool nodes_aliased(const struct nodes *t)
{
	return atomic_load_explicit(&t->aliases, memory_order_acquire) != 0;
}

void nodes_init(struct nodes *t);
void nodes_clear(struct nodes *t);

/**
 * nodes_get() - Return: 0, -ENOENT
 */
int nodes_get(struct nodes *t, const struct statx *st, struct override *ret);

/**
 * nodes_put() - Return: 0, -ENOSPC when the table is full, -ENOMEM
 */
int nodes_put(struct nodes *t, const struct statx *st, const struct override *ov);

/**
 * nodes_is_kept() - has an earlier run written down whose it is, if anybody's?
 */
bool nodes_is_kept(const struct nodes *t, const struct statx *st);

/** nodes_add() - the same for an entry that is whole; it is not written down */
int nodes_add(struct nodes *t, const struct node *n);

#endif
