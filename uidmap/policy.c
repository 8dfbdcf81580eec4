/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - may this caller give this map to this target? Pure: facts in, answer out
 */
#include "uidmap/policy.h"

#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "uidmap/idmap.h"
#include "uidmap/idset.h"
#include "uidmap/kind.h"

static bool group_may_use_grants(const struct policy_caller *c)
{
	return !c->known || c->aux_groups || c->gid == c->primary_gid;
}

int policy_target_check(const struct idkind *kind, const struct policy_caller *caller,
			const struct policy_target *target, struct err *e)
{
	if (target->uid != caller->uid || target->gid != caller->gid)
		return err_msg(e, -EPERM,
			       "%s %s is owned by a different user: uid:%" PRIu32 " gid:%" PRIu32
			       ", caller uid:%" PRIu32 " gid:%" PRIu32,
			       kind->target_words, target->name, target->uid, target->gid,
			       caller->uid, caller->gid);
	if (!group_may_use_grants(caller))
		return err_msg(e, -EPERM,
			       "%s %s is owned by a different user: group gid:%" PRIu32
			       " is not the caller's primary group gid:%" PRIu32,
			       kind->target_words, target->name, caller->gid, caller->primary_gid);
	if (!target->ns_known)
		return 0; /* the kernel still asks all of what follows */
	if (target->ns_same)
		return err_msg(e, -EPERM, "%s %s is in the caller's own user namespace",
			       kind->target_words, target->name);
	if (target->ns_owner != caller->uid)
		return err_msg(e, -EPERM, "%s %s: its user namespace is owned by uid %" PRIu32,
			       kind->target_words, target->name, target->ns_owner);
	if (!target->ns_child)
		return err_msg(e, -EPERM,
			       "%s %s: its user namespace is not a child of the caller's",
			       kind->target_words, target->name);
	return 0;
}

int policy_map_check(const struct idkind *kind, const struct policy_caller *caller,
		     const struct idmap *map, const struct idset *grants, bool *ret_deny_setgroups,
		     struct err *e)
{
	uint32_t own = kind->gids ? caller->gid : caller->uid;
	bool granted = false;
	int r = idmap_check(map, kind->noun, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *l = &map->r[i];

		/*
		 * Whoever owns a namespace with the real root in it can give
		 * files capabilities: the kernel asks for CAP_SETFCAP, which
		 * we keep for nobody but root.
		 */
		if (!kind->gids && l->outside == 0 && caller->uid != 0)
			return err_msg(e, -EPERM,
				       "uid range [%" PRIu32 "-%" PRIu64 ") -> [0-%" PRIu32
				       ") not allowed: only root maps uid 0",
				       l->inside, (uint64_t)l->inside + l->count, l->count);
		if (idset_has(grants, l->outside, l->count)) {
			granted = true;
			continue;
		}
		if (l->count == 1 && l->outside == own)
			continue;
		return err_msg(e, -EPERM,
			       "%s range [%" PRIu32 "-%" PRIu64 ") -> [%" PRIu32 "-%" PRIu64
			       ") not allowed",
			       kind->noun, l->inside, (uint64_t)l->inside + l->count, l->outside,
			       (uint64_t)l->outside + l->count);
	}
	*ret_deny_setgroups = kind->gids && !granted;
	return 0;
}
