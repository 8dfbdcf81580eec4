/* SPDX-License-Identifier: Apache-2.0
 *
 * dlist - the names in a directory that several layers have
 *
 * An entry keeps its place for as long as the list lives, also when those
 * before it are gone: so who is in the middle of a listing misses and repeats
 * nothing. The places of names that were removed are not used again; what the
 * list holds of such names is dropped when it is more than half.
 */
#ifndef FUSE_OVERLAY_DLIST_H
#define FUSE_OVERLAY_DLIST_H

#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/ovl.h"

/**
 * struct dlist - merged listing of a directory
 * @t:		names, by place
 * @kept:	places of the first @n_kept of them, which were kept when others
 *		were dropped
 * @first:	place of the next one; from there on they follow each other
 * @round:	counts refreshes; entries of older rounds are gone
 * @gen:	dir.gen when refreshed
 */
struct dlist {
	struct ltable t;
	uint64_t *kept;
	uint32_t n_kept;
	uint64_t first;
	uint32_t round;
	uint64_t gen;
};

void dlist_free(struct dlist *l);

/**
 * dlist_refresh() - let a directory have a list, and one that is up to date
 * Return: 0, -errno
 */
int dlist_refresh(struct ovl *o, struct dir *d);

/**
 * dlist_place() - the place of t.ents[i]
 */
static inline uint64_t dlist_place(const struct dlist *l, uint32_t i)
{
	return i < l->n_kept ? l->kept[i] : l->first + (i - l->n_kept);
}

/**
 * dlist_at() - Return: index of the first entry at a place or behind it, t.n without one
 */
uint32_t dlist_at(const struct dlist *l, uint64_t place);

/**
 * dlist_is_empty() - is there no entry but whiteouts
 */
bool dlist_is_empty(const struct dlist *l);

#endif
