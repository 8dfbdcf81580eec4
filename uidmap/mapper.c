/* SPDX-License-Identifier: Apache-2.0
 *
 * mapper - the one main of newuidmap and newgidmap
 *
 * The order matters and is all here: shut out the caller's surroundings, keep
 * one capability (dormant) and drop the rest, and only then look at anything
 * that the caller chose. Pin the target, know the caller, decide, and hand the
 * kernel one write. Nothing is printed before the outcome is known.
 */
#include "uidmap/mapper.h"

#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "uidmap/caller.h"
#include "uidmap/caps.h"
#include "uidmap/idmap.h"
#include "uidmap/kind.h"
#include "uidmap/mapwrite.h"
#include "uidmap/target.h"

enum {
	MAPPER_REFUSED = 1,
	MAPPER_USAGE = 2,
};

static int decide(const struct idkind *kind, const struct caller *caller, const struct idmap *map,
		  bool *ret_deny_setgroups, struct err *e)
{
	struct idset AUTO(idset_clear) grants = { 0 };
	int r = caller_grants(caller, kind, NULL, &grants, e);

	if (r < 0)
		return r;
	r = policy_map_check(kind, &caller->id, map, &grants, ret_deny_setgroups, e);
	if (r != -EPERM)
		return r;
	/* before it is refused: a grant may stand under another name of the user */
	idset_clear(&grants);
	r = caller_grants(caller, kind, map, &grants, e);
	if (r < 0)
		return r;
	return policy_map_check(kind, &caller->id, map, &grants, ret_deny_setgroups, e);
}

/* Return: 0, or the exit status. */
static int run(const struct idkind *kind, int argc, char **argv, struct err *e)
{
	struct target AUTO(target_close) target = { .fd = -1 };
	struct policy_target facts;
	struct caller caller;
	bool deny_setgroups;
	struct idmap map;
	int r;

	if (process_tidy(e) < 0 || caps_confine(kind->cap, e) < 0)
		return MAPPER_REFUSED;
	if (argc < 5 || (argc - 2) % 3) {
		(void)err_msg(e, -EINVAL,
			      "usage: %s PID|fd:N %s lower%s count [%s lower%s count]...",
			      kind->prog, kind->noun, kind->noun, kind->noun, kind->noun);
		return MAPPER_USAGE;
	}
	r = target_open(&target, argv[1], e);
	if (r < 0)
		return r == -EINVAL ? MAPPER_USAGE : MAPPER_REFUSED;
	if (caller_identify(&caller, e) < 0 || target_look(&target, &facts, e) < 0 ||
	    policy_target_check(kind, &caller.id, &facts, e) < 0)
		return MAPPER_REFUSED;
	if (idmap_parse(argv + 2, argc - 2, &map, e) < 0)
		return MAPPER_USAGE;
	if (decide(kind, &caller, &map, &deny_setgroups, e) < 0 ||
	    mapwrite(&target, &facts, kind, &map, deny_setgroups, e) < 0)
		return MAPPER_REFUSED;
	return 0;
}

int mapper_main(const struct idkind *kind, int argc, char **argv)
{
	struct err e = { 0 };
	int status = run(kind, argc, argv, &e);

	if (status)
		(void)fprintf(stderr, "%s: %s\n", kind->prog, e.msg);
	return status;
}
