/* SPDX-License-Identifier: Apache-2.0
 *
 * idset - a set of ids kept as spans: what somebody has been granted
 */
#ifndef UIDMAP_IDSET_H
#define UIDMAP_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

/*
 * The kernel's (uid_t)-1 means "no id": the last id that can be mapped is one
 * below it, so every exclusive end is at most this.
 */
#define ID_END_MAX UINT64_C(4294967295)

/* More spans than this for one caller is a broken file, not a grant. */
#define IDSET_MAX 65536

/**
 * struct idspan - consecutive ids
 * @start:	first id
 * @count:	how many; never 0 within a set
 */
struct idspan {
	uint32_t start;
	uint32_t count;
};

/**
 * struct idset - spans, in order and disjoint after idset_normalise()
 * @v:		the spans
 * @n:		how many
 * @cap:	how many fit before growing
 */
struct idset {
	struct idspan *v;
	size_t n;
	size_t cap;
};

/**
 * idset_add() - add ids, whatever is there already
 * @s:		set
 * @start:	first id
 * @count:	how many; what lies beyond ID_END_MAX is cut off
 *
 * Return: 0, -ENOMEM, or -E2BIG with more than IDSET_MAX spans.
 */
int idset_add(struct idset *s, uint64_t start, uint64_t count);

/**
 * idset_normalise() - sort, and join spans that overlap or touch
 * @s:		set
 */
void idset_normalise(struct idset *s);

/**
 * idset_has() - are all these ids in the set?
 * @s:		normalised set
 * @start:	first id
 * @count:	how many; with 0 the answer is no
 */
bool idset_has(const struct idset *s, uint32_t start, uint32_t count);

/**
 * idset_size() - number of ids in a normalised set
 * @s:		set
 */
uint64_t idset_size(const struct idset *s);

/**
 * idset_clear() - free what the set holds and make it empty
 * @s:		set
 */
void idset_clear(struct idset *s);

DEFINE_AUTO_CLEAR(struct idset, idset_clear);

#endif
