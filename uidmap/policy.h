/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - may this caller give this map to this target? Pure: facts in, answer out
 */
#ifndef UIDMAP_POLICY_H
#define UIDMAP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct idkind;
struct idmap;
struct idset;

/**
 * struct policy_caller - who asks
 * @uid:	real user id
 * @gid:	real group id
 * @known:	the user has a passwd entry
 * @primary_gid: group of that entry
 * @aux_groups:	the admin lets any of a user's groups use the user's grants
 *		(GRANT_AUX_GROUP_SUBIDS in login.defs)
 */
struct policy_caller {
	uint32_t uid;
	uint32_t gid;
	bool known;
	uint32_t primary_gid;
	bool aux_groups;
};

/**
 * struct policy_target - whose map it is
 * @name:	as the caller named it, for messages
 * @uid:	effective user id, as the owner of its /proc directory says
 * @gid:	effective group id, likewise
 * @ns_known:	the next three could be found out
 * @ns_same:	it is in the caller's own user namespace
 * @ns_child:	its user namespace is a child of the caller's
 * @ns_owner:	user id that made its user namespace
 */
struct policy_target {
	const char *name;
	uint32_t uid;
	uint32_t gid;
	bool ns_known;
	bool ns_same;
	bool ns_child;
	uint32_t ns_owner;
};

/**
 * policy_target_check() - is the target the caller's own?
 * @kind:	uid or gid
 * @caller:	who asks
 * @target:	whose map it is
 * @e:		why not
 *
 * Return: 0, or -EPERM.
 */
int policy_target_check(const struct idkind *kind, const struct policy_caller *caller,
			const struct policy_target *target, struct err *e);

/**
 * policy_map_check() - may the caller map these ids?
 * @kind:	uid or gid
 * @caller:	who asks
 * @map:	what is asked for; checked here for shape too
 * @grants:	normalised set of what is granted to the caller
 * @ret_deny_setgroups: setgroups(2) has to be denied before the map is written:
 *		nothing of what an admin granted is in the map, so the map must
 *		not be a way to drop groups (CVE-2018-7169). Set for gids only.
 * @e:		which range is refused
 *
 * Return: 0; -EPERM for ids not granted; what idmap_check() returns.
 */
int policy_map_check(const struct idkind *kind, const struct policy_caller *caller,
		     const struct idmap *map, const struct idset *grants, bool *ret_deny_setgroups,
		     struct err *e);

#endif
