/* SPDX-License-Identifier: Apache-2.0
 *
 * lowtab - the names that two or more lower layers make together
 *
 * Built once for a directory and never changed, as lower layers are not. It
 * saves asking every layer for every name.
 */
#ifndef FUSE_OVERLAY_LOWTAB_H
#define FUSE_OVERLAY_LOWTAB_H

#include "fuse-overlay/ovl.h"

/**
 * struct lowent - one name
 * @ino:	inode number in its layer
 * @hash:	of the name
 * @name:	offset of the name
 * @round:	for listings: when it was last seen
 * @src:	index of the source that it is in
 * @type:	DT_*; DT_WHT: deleted in that layer
 */
struct lowent {
	uint64_t ino;
	uint32_t hash;
	uint32_t name;
	uint32_t round;
	uint16_t src;
	uint8_t type;
};

/**
 * struct ltable - names of a directory's lower sources
 * @ents, @n, @cap: in the order found
 * @slots:	indexes into ents plus 1, open addressing
 * @mask:	slots less 1
 * @names:	their text, with NULs
 * @names_len, @names_cap: of it
 */
struct ltable {
	struct lowent *ents;
	uint32_t n;
	uint32_t cap;
	uint32_t *slots;
	uint32_t mask;
	char *names;
	uint32_t names_len;
	uint32_t names_cap;
};

/**
 * lowtab_get() - the table of a directory with several lower sources
 * Return: 0, -ENOMEM, -errno
 */
int lowtab_get(struct ovl *o, struct dir *d, struct ltable **ret);

/**
 * lowtab_find() - Return: borrowed entry, NULL when no layer has the name
 */
struct lowent *lowtab_find(const struct ltable *t, const char *name);

/**
 * lowtab_put() - add a name that the table does not have
 * @e:		all but its name and hash
 * Return: 0, -ENOMEM
 */
int lowtab_put(struct ltable *t, const char *name, struct lowent e);

/**
 * lowtab_clear() - release what a table holds, not the table
 */
void lowtab_clear(struct ltable *t);

/**
 * lowtab_shift() - an upper source came before the lower ones
 */
void lowtab_shift(struct ltable *t);

static inline const char *lowtab_name(const struct ltable *t, const struct lowent *e)
{
	return t->names + e->name;
}

void lowtab_free(struct ltable *t);

#endif
