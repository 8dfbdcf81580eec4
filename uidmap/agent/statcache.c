/* SPDX-License-Identifier: Apache-2.0
 *
 * statcache - records of files that are asked for again
 */
#include "uidmap/agent/statcache.h"

#include <stddef.h>

enum { SETTLED_SECONDS = 2 }; /* coarser than any file system's clock that has user attributes */

bool *statcache_hint(struct statcache *c, const char *path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return &c->hint[(h >> 20) % STATCACHE_HINTS];
}

static size_t slot(const struct statkey *k)
{
	return (size_t)(((k->ino ^ k->dev << 7) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % STATCACHE_FILES;
}

bool statcache_get(const struct statcache *c, const struct statkey *key, struct override *ret)
{
	size_t i = slot(key);
	const struct statkey *k = &c->v[i].key;

	if (!c->v[i].used || k->ino != key->ino || k->dev != key->dev || k->sec != key->sec ||
	    k->nsec != key->nsec)
		return false;
	*ret = c->v[i].ov;
	return true;
}

void statcache_put(struct statcache *c, const struct statkey *key, const struct override *ov,
		   int64_t now)
{
	size_t i = slot(key);

	if (key->sec > now - SETTLED_SECONDS)
		return;
	c->v[i].key = *key;
	c->v[i].ov = *ov;
	c->v[i].used = true;
}
