/* SPDX-License-Identifier: Apache-2.0
 *
 * idshift - owners shown in the mount against owners on disk
 *
 * A mapping is a list of ranges "disk:shown:count". Without ranges ids pass
 * unchanged; an id outside all ranges is the overflow id. A squash shows one
 * owner for everything and leaves owners on disk alone.
 */
#ifndef FUSE_OVERLAY_IDSHIFT_H
#define FUSE_OVERLAY_IDSHIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define IDSHIFT_RANGES_MAX 340	/* what the kernel accepts in a uid_map */
#define IDSHIFT_OVERFLOW 65534U

/**
 * struct idrange - one range
 * @disk:	first id on disk
 * @shown:	first id in the mount
 * @count:	how many
 */
struct idrange {
	uint32_t disk;
	uint32_t shown;
	uint32_t count;
};

/**
 * struct idmap - one kind of id (users or groups)
 * @ranges:	heap array, NULL without mapping
 * @n:		how many
 * @squash:	the one id shown for everything, -1 for none
 */
struct idmap {
	struct idrange *ranges;
	size_t n;
	int64_t squash;
};

/**
 * idmap_parse() - "a:b:n[:a:b:n…]"; empty pieces are skipped, as engines
 * write a leading colon
 * Return: 0; -EINVAL with the reason in @e; -ENOMEM
 */
int idmap_parse(struct idmap *m, const char *s, struct err *e);
void idmap_clear(struct idmap *m);

/**
 * idmap_is_plain() - are ids the same on both sides
 */
bool idmap_is_plain(const struct idmap *m);

/**
 * idmap_to_shown() - the id that the mount shows for one on disk
 */
uint32_t idmap_to_shown(const struct idmap *m, uint32_t disk);

/**
 * idmap_to_disk() - the id to write for one given in the mount
 */
uint32_t idmap_to_disk(const struct idmap *m, uint32_t shown);

#endif
