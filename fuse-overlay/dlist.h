/* SPDX-License-Identifier: Apache-2.0
 *
 * dlist - the names in a directory that several layers have
 *
 * Entries keep their place for as long as the list lives: a refresh drops and
 * appends but never moves, so that who is in the middle of a listing misses
 * and repeats nothing.
 */
#ifndef FUSE_OVERLAY_DLIST_H
#define FUSE_OVERLAY_DLIST_H

#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/ovl.h"

/**
 * struct dlist - merged listing of a directory
 * @t:		names; an entry's place is its offset and never changes
 * @round:	counts refreshes; entries of older rounds are gone
 * @gen:	dir.gen when refreshed
 */
struct dlist {
	struct ltable t;
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
 * dlist_is_empty() - is there no entry but whiteouts
 */
bool dlist_is_empty(const struct dlist *l);

#endif
