/* SPDX-License-Identifier: Apache-2.0
 *
 * mapwrite - give a map to the kernel, once
 */
#ifndef UIDMAP_MAPWRITE_H
#define UIDMAP_MAPWRITE_H

#include <stdbool.h>

struct err;
struct idkind;
struct idmap;
struct policy_target;
struct target;

/**
 * mapwrite() - write the target's map
 * @t:		pinned target, looked at
 * @seen:	what the policy agreed to
 * @kind:	uids or gids
 * @map:	map that the policy allows
 * @deny_setgroups: settle first that setgroups(2) stays denied in there
 * @e:		what the kernel, or we, refused
 *
 * Makes the kept capability effective. Nothing is written unless the map file
 * is still empty and the target is as it was seen.
 *
 * Return: 0 or -errno.
 */
int mapwrite(struct target *t, const struct policy_target *seen, const struct idkind *kind,
	     const struct idmap *map, bool deny_setgroups, struct err *e);

#endif
