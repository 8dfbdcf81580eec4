/* SPDX-License-Identifier: Apache-2.0
 *
 * ids - answers to setuid(2), getuid(2), setgroups(2) and their kin
 *
 * A process has one identity: threads share it, as POSIX has it. The C
 * library, which lets each thread issue the call, sees what it expects, since
 * the second thread asks for what there is already and is always allowed to.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* --- getters ------------------------------------------------------------------- */

static int64_t get_uid(struct job *j)
{
	return who_is(j)->id.uid.r;
}

static int64_t get_euid(struct job *j)
{
	return who_is(j)->id.uid.e;
}

static int64_t get_gid(struct job *j)
{
	return who_is(j)->id.gid.r;
}

static int64_t get_egid(struct job *j)
{
	return who_is(j)->id.gid.e;
}

static int64_t get_three(struct job *j, const struct ids *i)
{
	const uint32_t v[3] = { i->r, i->e, i->s };

	for (int k = 0; k < 3; k++) {
		int r = tracee_write(j, j->arg[k], &v[k], sizeof(v[k]));

		if (r < 0)
			return r;
	}
	return 0;
}

static int64_t get_resuid(struct job *j)
{
	return get_three(j, &who_is(j)->id.uid);
}

static int64_t get_resgid(struct job *j)
{
	return get_three(j, &who_is(j)->id.gid);
}

static int64_t get_groups(struct job *j)
{
	const struct idstate *s = &who_is(j)->id;
	int size = (int)j->arg[0], r;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return s->n_groups;
	if ((uint32_t)size < s->n_groups)
		return -EINVAL;
	if (s->n_groups == 0)
		return 0;
	r = tracee_write(j, j->arg[1], s->groups, s->n_groups * sizeof(*s->groups));
	return r < 0 ? r : (int64_t)s->n_groups;
}

/* --- setters ------------------------------------------------------------------- */

static int64_t settle(struct job *j, const struct record *before, const struct idstate *now,
		      int64_t answer)
{
	int r;

	if (answer < 0 || idstate_equal(&before->id, now))
		return answer;
	r = who_become(j, now, before->fresh, NULL);
	return r < 0 ? r : answer;
}

#define A(n) ((uint32_t)j->arg[n])
/* NAME: a handler that applies idstate_NAME(&now, …) to the caller's record */
#define SETTER(name, ...)                                                      \
	static int64_t do_##name(struct job *j)                                \
	{                                                                      \
		const struct record *before = who_is(j);                       \
		struct idstate now = before->id;                               \
		int64_t answer = idstate_##name(&now, __VA_ARGS__);            \
									       \
		return settle(j, before, &now, answer);                        \
	}                                                                      \
	struct setter_semicolon_##name

SETTER(setuid, A(0));
SETTER(setgid, A(0));
SETTER(setreuid, A(0), A(1));
SETTER(setregid, A(0), A(1));
SETTER(setresuid, A(0), A(1), A(2));
SETTER(setresgid, A(0), A(1), A(2));
SETTER(setfsuid, A(0));
SETTER(setfsgid, A(0));

static int64_t set_groups(struct job *j)
{
	const struct record *before = who_is(j);
	struct idstate now = before->id;
	auto_free uint32_t *groups = NULL;
	uint32_t n = A(0);
	int r;

	/* the kernel looks at the right before the list */
	r = idstate_setgroups(&now, NULL, 0);
	if (r < 0)
		return r;
	if (n > IDSTATE_GROUPS_MAX)
		return -EINVAL;
	groups = calloc((size_t)n + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	if (n && tracee_read(j, j->arg[1], groups, n * sizeof(*groups)) < 0)
		return -EFAULT;
	r = idstate_setgroups(&now, groups, n);
	return settle(j, before, &now, r);
}

static const struct handler rows[] = {
	{ SYS_setuid, "setuid", do_setuid },
	{ SYS_setgid, "setgid", do_setgid },
	{ SYS_setreuid, "setreuid", do_setreuid },
	{ SYS_setregid, "setregid", do_setregid },
	{ SYS_setresuid, "setresuid", do_setresuid },
	{ SYS_setresgid, "setresgid", do_setresgid },
	{ SYS_setfsuid, "setfsuid", do_setfsuid },
	{ SYS_setfsgid, "setfsgid", do_setfsgid },
	{ SYS_setgroups, "setgroups", set_groups },
	{ SYS_getuid, "getuid", get_uid },
	{ SYS_geteuid, "geteuid", get_euid },
	{ SYS_getgid, "getgid", get_gid },
	{ SYS_getegid, "getegid", get_egid },
	{ SYS_getresuid, "getresuid", get_resuid },
	{ SYS_getresgid, "getresgid", get_resgid },
	{ SYS_getgroups, "getgroups", get_groups },
};

const struct handlers ids_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
