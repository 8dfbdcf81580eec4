/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes - owners of objects that can carry no attribute
 */
#include "uidmap/agent/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "uidmap/agent/keep.h"

enum { FIRST_CAP = 256 };

void nodes_init(struct nodes *t)
{
	*t = (struct nodes){ .lock = PTHREAD_MUTEX_INITIALIZER, .keep_fd = -1 };
}

void nodes_clear(struct nodes *t)
{
	free(t->v);
	t->v = NULL;
	t->cap = 0;
	t->n = 0;
	if (t->keep_fd >= 0)
		(void)close(take_fd(&t->keep_fd));
}

static struct node key_of(const struct statx *st)
{
	struct node k = { .dev = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
			  .ino = st->stx_ino, .used = true };

	if (st->stx_mask & STATX_BTIME)
		k.born = (uint64_t)st->stx_btime.tv_sec * 1000000000u + st->stx_btime.tv_nsec;
	return k;
}

/* The slot of the key, or the free one where it would be; there is always one. */
static struct node *find(const struct nodes *t, const struct node *k)
{
	uint64_t h = (k->ino ^ k->dev << 7 ^ k->born) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 32) & (t->cap - 1);

	while (t->v[i].used &&
	       (t->v[i].ino != k->ino || t->v[i].dev != k->dev || t->v[i].born != k->born))
		i = (i + 1) & (t->cap - 1);
	return &t->v[i];
}

bool nodes_is_kept(const struct nodes *t, const struct statx *st)
{
	const struct node n = key_of(st);

	return t->image_known && keep_can(t, &n);
}

static int grow(struct nodes *t)
{
	struct nodes bigger = { .cap = t->cap ? t->cap * 2 : FIRST_CAP };

	bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->v[i].used)
			*find(&bigger, &t->v[i]) = t->v[i];
	free(t->v);
	t->v = bigger.v;
	t->cap = bigger.cap;
	return 0;
}

int nodes_get(struct nodes *t, const struct statx *st, struct override *ret)
{
	const struct node key = key_of(st), *n;
	int r = -ENOENT;

	if (!nodes_any(t))
		return -ENOENT;
	(void)pthread_mutex_lock(&t->lock);
	n = find(t, &key);
	if (n->used) {
		*ret = n->ov;
		r = 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

static int put_locked(struct nodes *t, const struct node *put)
{
	struct node *n;

	if (t->n * 2 >= t->cap) {
		int r = t->n >= NODES_MAX ? -ENOSPC : grow(t);

		if (r < 0)
			return r;
	}
	n = find(t, put);
	if (!n->used)
		t->n++;
	if (!n->used && (put->ino & NODES_ALIAS))
		t->aliases++;
	*n = *put;
	return 0;
}

int nodes_add(struct nodes *t, const struct node *n)
{
	int r;

	(void)pthread_mutex_lock(&t->lock);
	r = put_locked(t, n);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int nodes_put(struct nodes *t, const struct statx *st, const struct override *ov)
{
	struct node n = key_of(st);
	int r;

	n.ov = *ov;
	(void)pthread_mutex_lock(&t->lock);
	r = put_locked(t, &n);
	if (r == 0)
		keep_write(t, &n);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}
