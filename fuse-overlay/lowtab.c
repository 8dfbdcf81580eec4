/* SPDX-License-Identifier: Apache-2.0
 *
 * lowtab - the names that two or more lower layers make together
 */
#include "fuse-overlay/lowtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuse-overlay/scan.h"
#include "fuse-overlay/whiteout.h"

#define NAMES_MAX (UINT32_MAX / 2)

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261U;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619U;
	return h;
}

void lowtab_free(struct ltable *t)
{
	if (t)
		lowtab_clear(t);
	free(t);
}

void lowtab_clear(struct ltable *t)
{
	free(t->ents);
	free(t->slots);
	free(t->names);
	*t = (struct ltable){ 0 };
}

void lowtab_shift(struct ltable *t)
{
	for (uint32_t i = 0; t && i < t->n; i++)
		t->ents[i].src++;
}

static struct lowent *find(const struct ltable *t, const char *name, uint32_t hash)
{
	if (!t->slots)
		return NULL;
	for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
		struct lowent *e = &t->ents[t->slots[i] - 1];

		if (e->hash == hash && !strcmp(t->names + e->name, name))
			return e;
	}
	return NULL;
}

struct lowent *lowtab_find(const struct ltable *t, const char *name)
{
	return find(t, name, hash_name(name));
}

static int grow_slots(struct ltable *t)
{
	uint32_t size = t->slots ? (t->mask + 1) * 2 : 64;
	uint32_t *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->mask = size - 1;
	for (uint32_t n = 0; n < t->n; n++) {
		uint32_t i = t->ents[n].hash & t->mask;

		while (slots[i])
			i = (i + 1) & t->mask;
		slots[i] = n + 1;
	}
	return 0;
}

static int grow_ents(struct ltable *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 32;
	struct lowent *ents = realloc(t->ents, cap * sizeof(*ents));

	if (!ents)
		return -ENOMEM;
	t->ents = ents;
	t->cap = cap;
	return 0;
}

static int grow_names(struct ltable *t, uint32_t len)
{
	uint32_t cap = t->names_cap ? t->names_cap : 1024;

	while (cap - t->names_len < len) {
		if (cap > NAMES_MAX)
			return -ENOMEM;
		cap *= 2;
	}
	if (cap == t->names_cap)
		return 0;
	char *names = realloc(t->names, cap);
	if (!names)
		return -ENOMEM;
	t->names = names;
	t->names_cap = cap;
	return 0;
}

int lowtab_put(struct ltable *t, const char *name, struct lowent e)
{
	uint32_t len = (uint32_t)strlen(name) + 1;

	if (t->n == t->cap && grow_ents(t) < 0)
		return -ENOMEM;
	if ((!t->slots || t->n * 2 >= t->mask) && grow_slots(t) < 0)
		return -ENOMEM;
	if (grow_names(t, len) < 0)
		return -ENOMEM;
	e.name = t->names_len;
	e.hash = hash_name(name);
	memcpy(t->names + t->names_len, name, len);
	t->names_len += len;
	t->ents[t->n++] = e;

	uint32_t i = e.hash & t->mask;
	while (t->slots[i])
		i = (i + 1) & t->mask;
	t->slots[i] = t->n;
	return 0;
}

/**
 * struct scan - one source being added
 */
struct scan {
	const struct ovl *o;
	struct ltable *t;
	const struct dsrc *from;
	uint16_t src;
};

static int add_entry(void *arg, const struct rawent *r)
{
	struct scan *s = arg;
	struct rawent says = *r;
	int k = whiteout_resolve(s->o, s->from, &says);

	if (k <= 0)
		return k;
	struct lowent e = { .ino = r->ino, .src = s->src, .type = says.type };
	struct lowent *old = lowtab_find(s->t, says.name);
	if (!old)
		return lowtab_put(s->t, says.name, e);
	/* a name beside its own .wh. file is there: it came later */
	if (old->src == s->src && old->type == DT_WHT && e.type != DT_WHT) {
		old->type = e.type;
		old->ino = e.ino;
	}
	return 0;
}

int lowtab_get(struct ovl *o, struct dir *d, struct ltable **ret)
{
	if (!d->low) {
		struct ltable *t = calloc(1, sizeof(*t));
		int r = t ? 0 : -ENOMEM;

		for (uint16_t i = d->has_upper; i < d->n && !r; i++) {
			struct scan s = { .o = o, .t = t, .from = &d->src[i], .src = i };

			r = scan_folder(s.from->fd, add_entry, &s);
		}
		if (r < 0) {
			lowtab_free(t);
			return r;
		}
		d->low = t;
	}
	*ret = d->low;
	return 0;
}
