/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - what user namespace this caller can have, and what is missing
 */
#ifndef UIDMAP_PLAN_H
#define UIDMAP_PLAN_H

#include <stddef.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "uidmap/caller.h"
#include "uidmap/helper.h"
#include "uidmap/idmap.h"
#include "uidmap/idset.h"
#include "uidmap/maps.h"

/**
 * enum plan_mode - the rungs, worst first
 * @PLAN_NONE:	no user namespace can be made
 * @PLAN_SINGLE: the own id alone, written by anyone
 * @PLAN_RANGE:	granted ids too, written by the helper
 * @PLAN_ROOT:	the caller is root here: every id it has, written by itself
 */
enum plan_mode {
	PLAN_NONE,
	PLAN_SINGLE,
	PLAN_RANGE,
	PLAN_ROOT,
	PLAN_MODE_MAX_,
};

/**
 * enum plan_lack - what may be missing
 * @PLAN_LACK_SUBUID: no user ids are granted
 * @PLAN_LACK_SUBGID: no group ids are granted
 * @PLAN_LACK_NEWUIDMAP: nothing can write the uid map
 * @PLAN_LACK_NEWGIDMAP: nothing can write the gid map
 * @PLAN_LACK_USERNS: user namespaces are refused
 */
enum plan_lack {
	PLAN_LACK_SUBUID,
	PLAN_LACK_SUBGID,
	PLAN_LACK_NEWUIDMAP,
	PLAN_LACK_NEWGIDMAP,
	PLAN_LACK_USERNS,
	PLAN_LACK_MAX_,
};

/**
 * struct plan_missing - one thing that keeps the caller from the best rung
 * @what:	the thing
 * @why:	one line for the user
 * @line:	command for an admin; "" where no command lifts it
 */
struct plan_missing {
	enum plan_lack what;
	char why[ERR_MSG_MAX];
	char line[ERR_MSG_MAX];
};

/**
 * struct plan - the answer
 * @caller:	for whom
 * @mode:	the best rung
 * @helper:	who writes the maps with PLAN_RANGE, else empty
 * @uid_grants:	user ids granted
 * @gid_grants:	group ids granted
 * @style:	where the own id goes
 * @uid_map:	the uid map to write
 * @gid_map:	the gid map to write
 * @setgroups:	setgroups(2) works inside
 * @missing:	what an admin could add; with PLAN_NONE user namespaces come first
 * @n_missing:	how many
 */
struct plan {
	struct caller caller;
	enum plan_mode mode;
	struct helper helper;
	struct idset uid_grants;
	struct idset gid_grants;
	enum maps_style style;
	struct idmap uid_map;
	struct idmap gid_map;
	bool setgroups;
	struct plan_missing missing[PLAN_LACK_MAX_];
	size_t n_missing;
};

/**
 * struct plan_wish - what the caller would like
 * @style:	how to lay out the map
 * @uid_map:	a map of the caller's own choice; no lines: by style
 * @gid_map:	likewise
 */
struct plan_wish {
	enum maps_style style;
	struct idmap uid_map;
	struct idmap gid_map;
};

/**
 * plan_make() - find the best rung by trying
 * @wish:	what is wanted
 * @ret:	zeroed plan; plan_clear() frees it, also on failure
 * @e:		what could not be read; or why a map of the caller's own choice
 *		is refused
 *
 * Makes a user namespace in a child that is thrown away, because only trying
 * tells whether it works. With a chosen map there is no second-best rung.
 *
 * Return: 0 or -errno.
 */
int plan_make(const struct plan_wish *wish, struct plan *ret, struct err *e);

/**
 * plan_clear() - free what a plan holds
 * @p:		plan
 */
void plan_clear(struct plan *p);

DEFINE_AUTO_CLEAR(struct plan, plan_clear);

/**
 * plan_mode_name() - the word for a rung
 * @mode:	rung
 */
const char *plan_mode_name(enum plan_mode mode);

/**
 * plan_lack_name() - the word for a missing thing
 * @what:	thing
 */
const char *plan_lack_name(enum plan_lack what);

/**
 * plan_print() - write the plan for a person
 * @p:		plan
 * @out:	where to
 */
void plan_print(const struct plan *p, FILE *out);

/**
 * plan_print_json() - write the plan as one line of JSON; see uidmap(1)
 * @p:		plan
 * @out:	where to
 *
 * Return: 0 or -errno.
 */
int plan_print_json(const struct plan *p, FILE *out);

#endif
