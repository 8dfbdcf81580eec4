/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - what user namespace this caller can have, and what is missing
 */
#include "uidmap/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/str.h"
#include "uidmap/advice.h"
#include "uidmap/caps.h"
#include "uidmap/kind.h"
#include "uidmap/mapping.h"
#include "uidmap/policy.h"

/* The kernel's longest map is 340 lines of three numbers. */
#define KERNEL_MAP_MAX (IDMAP_MAX * 40)

const char *plan_mode_name(enum plan_mode mode)
{
	static const char *const names[] = { "none", "single", "range", "root" };

	_Static_assert(sizeof(names) / sizeof(*names) == PLAN_MODE_MAX_, "a name for each");
	return names[mode];
}

const char *plan_lack_name(enum plan_lack what)
{
	static const char *const names[] = { "subuid", "subgid", "newuidmap", "newgidmap",
					     "userns" };

	_Static_assert(sizeof(names) / sizeof(*names) == PLAN_LACK_MAX_, "a name for each");
	return names[what];
}

void plan_clear(struct plan *p)
{
	idset_clear(&p->uid_grants);
	idset_clear(&p->gid_grants);
}

static struct plan_missing *lack(struct plan *p, enum plan_lack what, const char *why)
{
	struct plan_missing *m;

	for (size_t i = 0; i < p->n_missing; i++)
		if (p->missing[i].what == what)
			return &p->missing[i];
	m = &p->missing[p->n_missing++];
	*m = (struct plan_missing){ .what = what };
	(void)snprintf(m->why, sizeof(m->why), "%s", why);
	return m;
}

/* Without a user namespace nothing else that is missing matters: it comes first. */
static void lack_userns(struct plan *p, const char *why, int failure)
{
	struct plan_missing m = { .what = PLAN_LACK_USERNS };

	(void)snprintf(m.why, sizeof(m.why), "%s", why);
	advise_userns(failure, m.line);
	memmove(&p->missing[1], &p->missing[0], p->n_missing * sizeof(p->missing[0]));
	p->missing[0] = m;
	p->n_missing++;
	p->mode = PLAN_NONE;
	p->uid_map.n = 0;
	p->gid_map.n = 0;
	p->setgroups = false;
}

/* Root of this user namespace: whatever it has itself, it can give. */
static bool is_root(void)
{
	return geteuid() == 0 && caps_have(CAP_SETUID) && caps_have(CAP_SETGID) &&
	       caps_have(CAP_SETFCAP);
}

static int own_ids(const char *file, struct idmap *ret_map, struct idset *ret_set, struct err *e)
{
	auto_free char *text = NULL;
	int r = io_read_file_at(AT_FDCWD, file, KERNEL_MAP_MAX, &text, NULL);

	if (r >= 0)
		r = maps_parse_own(text, ret_map);
	for (size_t i = 0; r >= 0 && i < ret_map->n; i++)
		r = idset_add(ret_set, ret_map->r[i].inside, ret_map->r[i].count);
	if (r < 0)
		return err_set(e, r, "read %s", file);
	idset_normalise(ret_set);
	return 0;
}

static bool setgroups_denied_here(void)
{
	auto_free char *text = NULL;

	return io_read_file_at(AT_FDCWD, "/proc/self/setgroups", 16, &text, NULL) >= 0 &&
	       str_starts(text, "deny");
}

static int plan_root(const struct plan_wish *wish, struct plan *p, struct err *e)
{
	int r, failure;

	if ((r = own_ids("/proc/self/uid_map", &p->uid_map, &p->uid_grants, e)) < 0 ||
	    (r = own_ids("/proc/self/gid_map", &p->gid_map, &p->gid_grants, e)) < 0)
		return r;
	p->mode = PLAN_ROOT;
	p->setgroups = !setgroups_denied_here();
	if (wish->uid_map.n)
		p->uid_map = wish->uid_map;
	if (wish->gid_map.n)
		p->gid_map = wish->gid_map;
	r = mapping_try(p, &failure, e);
	if (r < 0 && failure) {
		lack_userns(p, e->msg, failure);
		return 0;
	}
	return r;
}

/* Lay out the map of a rung; a chosen map is the same on each. */
static void set_maps(const struct plan_wish *wish, struct plan *p, enum plan_mode mode)
{
	static const struct idset nothing;
	bool range = mode == PLAN_RANGE;

	p->mode = mode;
	p->setgroups = range;
	maps_build(wish->style, p->caller.id.uid, range ? &p->uid_grants : &nothing, &p->uid_map);
	maps_build(wish->style, p->caller.id.gid, range ? &p->gid_grants : &nothing, &p->gid_map);
	if (wish->uid_map.n)
		p->uid_map = wish->uid_map;
	if (wish->gid_map.n)
		p->gid_map = wish->gid_map;
}

static void note_grants(struct plan *p)
{
	if (!p->uid_grants.n)
		advise_grant(&p->caller, &kind_uid,
			     lack(p, PLAN_LACK_SUBUID, "no user ids are granted")->line);
	if (!p->gid_grants.n)
		advise_grant(&p->caller, &kind_gid,
			     lack(p, PLAN_LACK_SUBGID, "no group ids are granted")->line);
}

/* Judge one program of a pair; the first pair that fails is the one to mend. */
static bool usable(struct plan *p, const char *path, const struct idkind *kind, enum plan_lack what)
{
	struct err why = { 0 };
	int r = helper_check(path, kind, &why);
	size_t before = p->n_missing;
	struct plan_missing *m;

	if (r >= 0)
		return true;
	m = lack(p, what, why.msg);
	if (p->n_missing > before && r == -EACCES)
		advise_setcap(path, kind, m->line);
	return false;
}

/* Return: 1 when the granted ids can be had, 0 when not, -errno. */
static int try_range(const struct plan_wish *wish, struct plan *p)
{
	unsigned int at = 0;
	struct helper h;
	bool any = false;

	while (helper_candidate(&at, &h)) {
		struct err why = { 0 };
		bool uid_ok = usable(p, h.uid, &kind_uid, PLAN_LACK_NEWUIDMAP);
		bool gid_ok = usable(p, h.gid, &kind_gid, PLAN_LACK_NEWGIDMAP);
		int failure = 0;

		any = true;
		if (!uid_ok || !gid_ok)
			continue;
		set_maps(wish, p, PLAN_RANGE);
		p->helper = h;
		/* shadow's have every capability, and refuse the words */
		p->helper.together = helper_check(h.uid, &kind_gid, NULL) >= 0;
		if (p->helper.together && mapping_try(p, &failure, NULL) >= 0)
			return 1;
		p->helper.together = false;
		if (mapping_try(p, &failure, &why) >= 0)
			return 1;
		if (failure)
			break;
		(void)lack(p, PLAN_LACK_NEWUIDMAP, why.msg);
	}
	p->helper = (struct helper){ 0 };
	if (!any) {
		advise_install(lack(p, PLAN_LACK_NEWUIDMAP, "not found")->line);
		advise_install(lack(p, PLAN_LACK_NEWGIDMAP, "not found")->line);
	}
	return 0;
}

static int plan_user(const struct plan_wish *wish, struct plan *p, struct err *e)
{
	struct err why = { 0 };
	int failure = 0;

	note_grants(p);
	if (p->uid_grants.n && p->gid_grants.n && try_range(wish, p)) {
		p->n_missing = 0;
		return 0;
	}
	set_maps(wish, p, PLAN_SINGLE);
	if (mapping_try(p, &failure, &why) >= 0)
		return 0;
	if (!failure) {
		*e = why;
		return why.code;
	}
	lack_userns(p, why.msg, failure);
	return 0;
}

/* A map that was chosen is refused here with the words of the policy. */
static int check_wish(const struct plan_wish *wish, const struct plan *p, struct err *e)
{
	bool deny;
	int r;

	if (wish->uid_map.n) {
		r = policy_map_check(&kind_uid, &p->caller.id, &wish->uid_map, &p->uid_grants,
				     &deny, e);
		if (r < 0)
			return r;
	}
	if (wish->gid_map.n)
		return policy_map_check(&kind_gid, &p->caller.id, &wish->gid_map, &p->gid_grants,
					&deny, e);
	return 0;
}

int plan_make(const struct plan_wish *wish, struct plan *ret, struct err *e)
{
	int r = caller_identify(&ret->caller, e);

	ret->style = wish->style;
	if (r < 0)
		return r;
	if (is_root())
		return plan_root(wish, ret, e);
	if ((r = caller_grants(&ret->caller, &kind_uid, NULL, &ret->uid_grants, e)) < 0 ||
	    (r = caller_grants(&ret->caller, &kind_gid, NULL, &ret->gid_grants, e)) < 0 ||
	    (r = check_wish(wish, ret, e)) < 0)
		return r;
	return plan_user(wish, ret, e);
}
