/* SPDX-License-Identifier: Apache-2.0
 *
 * statcache - records of files that are asked for again
 *
 * How it works: reading an attribute takes longer than fstatat(2), which has
 * to be asked in any case. A change of the attribute changes the time of
 * change; so device, inode and that time stand for the record, unless the time
 * is so near that the next change could have the same. By a path that led to a
 * record before, the file is looked at first; by others the attribute is,
 * since most files have none, and then the kernel answers. One for each
 * listener's thread, without locks.
 */
#ifndef UIDMAP_AGENT_STATCACHE_H
#define UIDMAP_AGENT_STATCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/override.h"

#define STATCACHE_FILES 512
#define STATCACHE_HINTS 4096

/**
 * struct statkey - a file as it was from a change to the next
 */
struct statkey {
	uint64_t dev, ino;
	int64_t sec;
	uint32_t nsec;
};

/**
 * struct statcache - what a thread remembers
 * @v:		by hash of the key
 * @hint:	by hash of a path: it led to a record
 */
struct statcache {
	struct {
		struct statkey key;
		bool used;
		struct override ov;
	} v[STATCACHE_FILES];
	bool hint[STATCACHE_HINTS];
};

/**
 * statcache_hint() - where it is noted whether a path leads to a record
 */
bool *statcache_hint(struct statcache *c, const char *path);

/**
 * statcache_get() - Return: false when it is not known
 */
bool statcache_get(const struct statcache *c, const struct statkey *key, struct override *ret);

/**
 * statcache_put() - remember it, if a later change will have another time
 * @now:	seconds since 1970, read after the file was looked at
 */
void statcache_put(struct statcache *c, const struct statkey *key, const struct override *ov,
		   int64_t now);

#endif
