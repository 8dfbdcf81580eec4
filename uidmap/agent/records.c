/* SPDX-License-Identifier: Apache-2.0
 *
 * records - every distinct credential there was, each kept once
 */
#include "uidmap/agent/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (RECORDS_MAX * 2)

int records_init(struct records *r)
{
	*r = (struct records){ .lock = PTHREAD_MUTEX_INITIALIZER };
	r->v = calloc(RECORDS_MAX, sizeof(*r->v));
	r->slot = calloc(SLOTS, sizeof(*r->slot));
	if (r->v && r->slot)
		return 0;
	records_clear(r);
	return -ENOMEM;
}

void records_clear(struct records *r)
{
	for (uint32_t i = 0; r->v && i < r->n; i++) {
		free((void *)(uintptr_t)r->v[i]->id.groups);
		free(r->v[i]);
	}
	free(r->v);
	free(r->slot);
	r->v = NULL;
	r->slot = NULL;
	r->n = 0;
}

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint32_t hash(const struct idstate *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = mix(h, &s->uid, sizeof(s->uid));
	h = mix(h, &s->gid, sizeof(s->gid));
	h = mix(h, &s->cap, sizeof(s->cap));
	h = mix(h, s->groups, s->n_groups * sizeof(*s->groups));
	return (uint32_t)(h >> 20) % SLOTS;
}

/* Takes over @groups also on failure. */
static int append(struct records *r, const struct idstate *id, bool fresh, uint32_t *groups,
		  uint32_t slot)
{
	struct record *rec = calloc(1, sizeof(*rec));
	uint32_t n = r->n;

	if (!rec) {
		free(groups);
		return -ENOMEM;
	}
	rec->id = *id;
	rec->id.groups = groups;
	rec->fresh = fresh;
	r->v[n] = rec;
	r->slot[slot] = n + 1;
	r->n_groups += id->n_groups;
	atomic_store_explicit(&r->n, n + 1, memory_order_release);
	return (int)n;
}

static int add_locked(struct records *r, const struct idstate *id, bool fresh)
{
	uint32_t at = hash(id), *groups = NULL;

	for (; r->slot[at]; at = (at + 1) % SLOTS) {
		const struct record *rec = r->v[r->slot[at] - 1];

		if (rec->fresh == fresh && idstate_equal(&rec->id, id))
			return (int)r->slot[at] - 1;
	}
	if (r->n == RECORDS_MAX || id->n_groups > RECORDS_GROUPS_MAX - r->n_groups)
		return -ENOMEM;
	if (id->n_groups) {
		groups = calloc(id->n_groups, sizeof(*groups));
		if (!groups)
			return -ENOMEM;
		memcpy(groups, id->groups, id->n_groups * sizeof(*groups));
	}
	return append(r, id, fresh, groups, at);
}

int records_add(struct records *r, const struct idstate *id, bool fresh)
{
	int number;

	(void)pthread_mutex_lock(&r->lock);
	number = add_locked(r, id, fresh);
	(void)pthread_mutex_unlock(&r->lock);
	return number;
}

const struct record *records_get(const struct records *r, uint32_t number)
{
	if (number >= atomic_load_explicit(&r->n, memory_order_acquire))
		return NULL;
	return r->v[number];
}
