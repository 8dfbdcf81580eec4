/* SPDX-License-Identifier: Apache-2.0
 *
 * idstate - the kernel's rules for credentials, as a pure module
 */
#include "uidmap/agent/idstate.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define CAPS_VALID (BIT(CAP_LAST_CAP + 1) - 1)

/* those that follow the file system user id */
#define CAPS_FS                                                                             \
	(BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_LINUX_IMMUTABLE))

void idstate_init(struct idstate *s, uint32_t uid, uint32_t gid, uint64_t bounding)
{
	*s = (struct idstate){
		.uid = { uid, uid, uid, uid },
		.gid = { gid, gid, gid, gid },
		.cap.b = bounding,
	};
	if (uid == 0)
		s->cap.p = s->cap.e = bounding;
}

bool idstate_equal(const struct idstate *a, const struct idstate *b)
{
	return memcmp(&a->uid, &b->uid, sizeof(a->uid)) == 0 &&
	       memcmp(&a->gid, &b->gid, sizeof(a->gid)) == 0 &&
	       memcmp(&a->cap, &b->cap, sizeof(a->cap)) == 0 && a->securebits == b->securebits &&
	       a->n_groups == b->n_groups &&
	       (a->n_groups == 0 ||
		memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)) == 0);
}

bool idstate_capable(const struct idstate *s, int cap)
{
	return s->cap.e & BIT(cap);
}

static bool issecure(const struct idstate *s, int bit)
{
	return s->securebits & (1U << bit);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool idstate_in_group(const struct idstate *s, uint32_t gid)
{
	if (s->gid.fs == gid)
		return true;
	return s->n_groups &&
	       bsearch(&gid, s->groups, s->n_groups, sizeof(*s->groups), by_value) != NULL;
}

/* --- what user ids do to capabilities ------------------------------------------ */

static bool any_root(const struct ids *u)
{
	return u->r == 0 || u->e == 0 || u->s == 0;
}

static void fix_caps(struct idstate *s, const struct ids *old)
{
	if (issecure(s, SECURE_NO_SETUID_FIXUP))
		return;
	if (any_root(old) && !any_root(&s->uid)) {
		if (!issecure(s, SECURE_KEEP_CAPS))
			s->cap.p = s->cap.e = 0;
		s->cap.a = 0;
	}
	if (old->e == 0 && s->uid.e != 0)
		s->cap.e = 0;
	if (old->e != 0 && s->uid.e == 0)
		s->cap.e = s->cap.p;
}

static void fix_fs_caps(struct idstate *s, uint32_t old)
{
	if (issecure(s, SECURE_NO_SETUID_FIXUP))
		return;
	if (old == 0 && s->uid.fs != 0)
		s->cap.e &= ~CAPS_FS;
	if (old != 0 && s->uid.fs == 0)
		s->cap.e |= CAPS_FS & s->cap.p;
}

/* --- setters: the rules are the same for users and groups ------------------------ */

/* The one id of setuid(2): all of them for the privileged, else among one's own. */
static int set_one(struct ids *i, bool cap, uint32_t id)
{
	if (id == ID_NONE)
		return -EINVAL;
	if (cap)
		i->r = i->s = id;
	else if (id != i->r && id != i->s)
		return -EPERM;
	i->e = i->fs = id;
	return 0;
}

static int set_re(struct ids *i, bool cap, uint32_t r, uint32_t e)
{
	const struct ids old = *i;

	if (r != ID_NONE && !cap && r != old.r && r != old.e)
		return -EPERM;
	if (e != ID_NONE && !cap && e != old.r && e != old.e && e != old.s)
		return -EPERM;
	if (r != ID_NONE)
		i->r = r;
	if (e != ID_NONE)
		i->e = e;
	if (r != ID_NONE || (e != ID_NONE && e != old.r))
		i->s = i->e;
	i->fs = i->e;
	return 0;
}

static bool is_own(const struct ids *i, uint32_t id)
{
	return id == ID_NONE || id == i->r || id == i->e || id == i->s;
}

static int set_res(struct ids *i, bool cap, uint32_t r, uint32_t e, uint32_t s)
{
	bool same_e = e == ID_NONE || (e == i->e && e == i->fs);

	/* what changes nothing leaves the file system id alone, too */
	if ((r == ID_NONE || r == i->r) && same_e && (s == ID_NONE || s == i->s))
		return 0;
	if (!cap && !(is_own(i, r) && is_own(i, e) && is_own(i, s)))
		return -EPERM;
	if (r != ID_NONE)
		i->r = r;
	if (e != ID_NONE)
		i->e = e;
	if (s != ID_NONE)
		i->s = s;
	i->fs = i->e;
	return 0;
}

int idstate_setuid(struct idstate *s, uint32_t uid)
{
	const struct ids old = s->uid;
	int r = set_one(&s->uid, idstate_capable(s, CAP_SETUID), uid);

	if (r == 0)
		fix_caps(s, &old);
	return r;
}

int idstate_setreuid(struct idstate *s, uint32_t ruid, uint32_t euid)
{
	const struct ids old = s->uid;
	int r = set_re(&s->uid, idstate_capable(s, CAP_SETUID), ruid, euid);

	if (r == 0)
		fix_caps(s, &old);
	return r;
}

int idstate_setresuid(struct idstate *s, uint32_t ruid, uint32_t euid, uint32_t suid)
{
	const struct ids old = s->uid;
	int r = set_res(&s->uid, idstate_capable(s, CAP_SETUID), ruid, euid, suid);

	if (r == 0)
		fix_caps(s, &old);
	return r;
}

int idstate_setgid(struct idstate *s, uint32_t gid)
{
	return set_one(&s->gid, idstate_capable(s, CAP_SETGID), gid);
}

int idstate_setregid(struct idstate *s, uint32_t rgid, uint32_t egid)
{
	return set_re(&s->gid, idstate_capable(s, CAP_SETGID), rgid, egid);
}

int idstate_setresgid(struct idstate *s, uint32_t rgid, uint32_t egid, uint32_t sgid)
{
	return set_res(&s->gid, idstate_capable(s, CAP_SETGID), rgid, egid, sgid);
}

uint32_t idstate_setfsuid(struct idstate *s, uint32_t uid)
{
	uint32_t old = s->uid.fs;

	if (uid == ID_NONE || uid == old)
		return old;
	if (is_own(&s->uid, uid) || idstate_capable(s, CAP_SETUID)) {
		s->uid.fs = uid;
		fix_fs_caps(s, old);
	}
	return old;
}

uint32_t idstate_setfsgid(struct idstate *s, uint32_t gid)
{
	uint32_t old = s->gid.fs;

	if (gid != ID_NONE && (is_own(&s->gid, gid) || idstate_capable(s, CAP_SETGID)))
		s->gid.fs = gid;
	return old;
}

int idstate_setgroups(struct idstate *s, uint32_t *groups, uint32_t n)
{
	if (!idstate_capable(s, CAP_SETGID))
		return -EPERM;
	if (n > IDSTATE_GROUPS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		if (groups[i] == ID_NONE)
			return -EINVAL;
	if (n)
		qsort(groups, n, sizeof(*groups), by_value);
	s->groups = groups;
	s->n_groups = n;
	return 0;
}

/* --- capabilities ------------------------------------------------------------------ */

int idstate_capset(struct idstate *s, uint64_t permitted, uint64_t effective, uint64_t inheritable)
{
	permitted &= CAPS_VALID;
	effective &= CAPS_VALID;
	inheritable &= CAPS_VALID;
	if (!idstate_capable(s, CAP_SETPCAP) && (inheritable & ~(s->cap.i | s->cap.p)))
		return -EPERM;
	if (inheritable & ~(s->cap.i | s->cap.b))
		return -EPERM;
	if ((permitted & ~s->cap.p) || (effective & ~permitted))
		return -EPERM;
	s->cap.p = permitted;
	s->cap.e = effective;
	s->cap.i = inheritable;
	s->cap.a &= permitted & inheritable;
	return 0;
}

static int set_keepcaps(struct idstate *s, uint64_t on)
{
	if (on > 1)
		return -EINVAL;
	if (issecure(s, SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	s->securebits &= ~(1U << SECURE_KEEP_CAPS);
	s->securebits |= (uint32_t)on << SECURE_KEEP_CAPS;
	return 0;
}

static int set_securebits(struct idstate *s, uint64_t bits)
{
	if ((((s->securebits & SECURE_ALL_LOCKS) >> 1) & (s->securebits ^ bits)) ||
	    (s->securebits & SECURE_ALL_LOCKS & ~bits) ||
	    (bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
	    !idstate_capable(s, CAP_SETPCAP))
		return -EPERM;
	s->securebits = (uint32_t)bits;
	return 0;
}

static int bounding(struct idstate *s, bool drop, uint64_t cap)
{
	if (drop && !idstate_capable(s, CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (!drop)
		return s->cap.b & BIT(cap) ? 1 : 0;
	s->cap.b &= ~BIT(cap);
	return 0;
}

static int ambient(struct idstate *s, const uint64_t arg[4])
{
	uint64_t bit;

	if (arg[0] == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (arg[1] | arg[2] | arg[3])
			return -EINVAL;
		s->cap.a = 0;
		return 0;
	}
	if (arg[1] > CAP_LAST_CAP || arg[2] || arg[3])
		return -EINVAL;
	bit = BIT(arg[1]);
	switch (arg[0]) {
	case PR_CAP_AMBIENT_IS_SET:
		return s->cap.a & bit ? 1 : 0;
	case PR_CAP_AMBIENT_LOWER:
		s->cap.a &= ~bit;
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(s->cap.p & s->cap.i & bit) || issecure(s, SECURE_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		s->cap.a |= bit;
		return 0;
	default:
		return -EINVAL;
	}
}

int idstate_prctl(struct idstate *s, int option, const uint64_t arg[4])
{
	switch (option) {
	case PR_GET_KEEPCAPS:
		return issecure(s, SECURE_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(s, arg[0]);
	case PR_GET_SECUREBITS:
		return (int)s->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(s, arg[0]);
	case PR_CAPBSET_READ:
		return bounding(s, /*drop=*/false, arg[0]);
	case PR_CAPBSET_DROP:
		return bounding(s, /*drop=*/true, arg[0]);
	case PR_CAP_AMBIENT:
		return ambient(s, arg);
	default:
		return -EINVAL;
	}
}

void idstate_exec(struct idstate *s, const struct idfile *file)
{
	bool effective = false, set_id;

	if (file->setuid)
		s->uid.e = file->uid;
	if (file->setgid)
		s->gid.e = file->gid;
	s->cap.p = 0;
	if (!issecure(s, SECURE_NOROOT) && (s->uid.e == 0 || s->uid.r == 0)) {
		s->cap.p = s->cap.b | s->cap.i;
		effective = s->uid.e == 0;
	}
	set_id = s->uid.e != s->uid.r || s->gid.e != s->gid.r;
	s->uid.s = s->uid.fs = s->uid.e;
	s->gid.s = s->gid.fs = s->gid.e;
	if (set_id)
		s->cap.a = 0;
	s->cap.p |= s->cap.a;
	s->cap.e = effective ? s->cap.p : s->cap.a;
	s->securebits &= ~(1U << SECURE_KEEP_CAPS);
}
