/* SPDX-License-Identifier: Apache-2.0
 *
 * idset - a set of ids kept as spans: what somebody has been granted
 */
#include "uidmap/idset.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t span_end(const struct idspan *s)
{
	return (uint64_t)s->start + s->count;
}

int idset_add(struct idset *s, uint64_t start, uint64_t count)
{
	if (count == 0 || start >= ID_END_MAX)
		return 0;
	if (count > ID_END_MAX - start)
		count = ID_END_MAX - start;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct idspan *v;

		if (s->n >= IDSET_MAX)
			return -E2BIG;
		v = reallocarray(s->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = (struct idspan){ (uint32_t)start, (uint32_t)count };
	return 0;
}

static int span_cmp(const void *a, const void *b)
{
	const struct idspan *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void idset_normalise(struct idset *s)
{
	size_t out = 0;

	if (s->n < 2)
		return;
	qsort(s->v, s->n, sizeof(*s->v), span_cmp);
	for (size_t i = 1; i < s->n; i++) {
		struct idspan *last = &s->v[out];

		if (s->v[i].start > span_end(last)) {
			s->v[++out] = s->v[i];
			continue;
		}
		if (span_end(&s->v[i]) > span_end(last))
			last->count = (uint32_t)(span_end(&s->v[i]) - last->start);
	}
	s->n = out + 1;
}

bool idset_has(const struct idset *s, uint32_t start, uint32_t count)
{
	if (count == 0)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		if (start < s->v[i].start)
			return false;
		if (start < span_end(&s->v[i]))
			return (uint64_t)start + count <= span_end(&s->v[i]);
	}
	return false;
}

uint64_t idset_size(const struct idset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].count;
	return n;
}

void idset_clear(struct idset *s)
{
	free(s->v);
	*s = (struct idset){ 0 };
}
