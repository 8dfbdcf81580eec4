/* SPDX-License-Identifier: Apache-2.0
 *
 * mapper - the one main of newuidmap and newgidmap
 *
 * The order matters and is all here: shut out the caller's surroundings, keep
 * one capability (dormant) and drop the rest, and only then look at anything
 * that the caller chose. Pin the target, know the caller, decide, and hand the
 * kernel one write. Nothing is printed before the outcome is known.
 *
 * newuidmap writes both maps when it is asked to and may: one program that is
 * executed instead of two. It keeps a capability for each, gives the second up
 * when only one map is asked for, and has only one of them effective at any
 * time. Each map is judged as if it were alone, both before either is written.
 */
#include "uidmap/mapper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/**
 * struct wish - one map that is asked for
 * @kind:	uids or gids
 * @map:	the map
 * @deny_setgroups: the policy's condition
 */
struct wish {
	const struct idkind *kind;
	struct idmap map;
	bool deny_setgroups;
};

static int decide(const struct caller *caller, struct wish *w, struct err *e)
{
	struct idset AUTO(idset_clear) grants = { 0 };
	int r = caller_grants(caller, w->kind, NULL, &grants, e);

	if (r < 0)
		return r;
	r = policy_map_check(w->kind, &caller->id, &w->map, &grants, &w->deny_setgroups, e);
	if (r != -EPERM)
		return r;
	/* before it is refused: a grant may stand under another name of the user */
	idset_clear(&grants);
	r = caller_grants(caller, w->kind, &w->map, &grants, e);
	if (r < 0)
		return r;
	return policy_map_check(w->kind, &caller->id, &w->map, &grants, &w->deny_setgroups, e);
}

/* Not to leave a namespace with one map only: each write has its capability. */
static int check_caps(const struct wish *w, size_t n, const char *name, struct err *e)
{
	for (size_t i = 0; n > 1 && i < n; i++)
		if (!caps_have(w[i].kind->cap))
			return err_msg(e, -EPERM,
				       "write both maps of %s without the file capability %s", name,
				       w[i].kind->cap_name);
	return 0;
}

static int write_maps(struct target *t, const struct policy_target *facts, const struct wish *w,
		      size_t n, struct err *e)
{
	int r = check_caps(w, n, t->name, e);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = mapwrite(t, facts, w[i].kind, &w[i].map, w[i].deny_setgroups, e);
		if (r >= 0 && caps_forgo(w[i].kind->cap) < 0)
			r = err_msg(e, -EPERM, "give %s up", w[i].kind->cap_name);
	}
	return r;
}

static int usage(const struct idkind *kind, const struct idkind *second, struct err *e)
{
	return err_msg(e, -EINVAL, "usage: %s PID|fd:N %s lower%s count [%s lower%s count]...%s",
		       kind->prog, kind->noun, kind->noun, kind->noun, kind->noun,
		       second ? " [" MAPPER_GIDS " gid lowergid count...]" : "");
}

/* Return: how many maps the words ask for, -EINVAL. */
static int parse(struct wish w[2], int argc, char **argv, struct err *e)
{
	int n = argc;

	for (int i = 2; w[1].kind && i < argc; i++)
		if (strcmp(argv[i], MAPPER_GIDS) == 0)
			n = n == argc ? i : n;
	if (n < 5 || (n - 2) % 3 || (n < argc && (argc - n < 4 || (argc - n - 1) % 3)))
		return usage(w[0].kind, w[1].kind, e);
	if (idmap_parse(argv + 2, n - 2, &w[0].map, e) < 0 ||
	    (n < argc && idmap_parse(argv + n + 1, argc - n - 1, &w[1].map, e) < 0))
		return -EINVAL;
	return n < argc ? 2 : 1;
}

/* Return: 0, or the exit status. */
static int run(struct wish w[2], int argc, char **argv, struct err *e)
{
	uint64_t keep = CAPS_BIT(w[0].kind->cap) | (w[1].kind ? CAPS_BIT(w[1].kind->cap) : 0);
	struct target AUTO(target_close) target = { .fd = -1 };
	struct policy_target facts;
	struct caller caller;
	int n, r;

	if (process_tidy(e) < 0 || caps_confine(keep, e) < 0)
		return MAPPER_REFUSED;
	n = parse(w, argc, argv, e);
	if (n < 0)
		return MAPPER_USAGE;
	if (n == 1 && w[1].kind && caps_forgo(w[1].kind->cap) < 0)
		return MAPPER_REFUSED;
	r = target_open(&target, argv[1], e);
	if (r < 0)
		return r == -EINVAL ? MAPPER_USAGE : MAPPER_REFUSED;
	if (caller_identify(&caller, e) < 0 || target_look(&target, &facts, e) < 0)
		return MAPPER_REFUSED;
	for (int i = 0; i < n; i++)
		if (policy_target_check(w[i].kind, &caller.id, &facts, e) < 0 ||
		    decide(&caller, &w[i], e) < 0)
			return MAPPER_REFUSED;
	return write_maps(&target, &facts, w, (size_t)n, e) < 0 ? MAPPER_REFUSED : 0;
}

int mapper_main(const struct idkind *kind, const struct idkind *second, int argc, char **argv)
{
	static struct wish wishes[2]; /* a map is large */
	struct err e = { 0 };
	int status;

	wishes[0].kind = kind;
	wishes[1].kind = second;
	status = run(wishes, argc, argv, &e);
	if (status)
		(void)fprintf(stderr, "%s: %s\n", kind->prog, e.msg);
	else /* who reads the end of it needs not wait until our memory is gone */
		(void)close(STDERR_FILENO);
	return status;
}
