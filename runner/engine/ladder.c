/* SPDX-License-Identifier: Apache-2.0
 *
 * ladder - the rungs of each axis, and what a user refuses to go below
 */
#include "runner/engine/ladder.h"

#include <errno.h>
#include <stddef.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"

#define RUNGS_MAX 5

/**
 * struct axis - one ladder
 * @rungs:	what people type, best first
 * @records:	what the record says, in the same order; NULL: the same words
 * @offset:	member of struct container_state
 */
static const struct axis {
	const char *name;
	const char *rungs[RUNGS_MAX];
	const char *records[RUNGS_MAX];
	size_t offset;
} axes[] = {
	{ "ids", { "host", "range", "recorded", "one" }, { NULL }, offsetof(struct container_state, rung_ids) },
	{ "rootfs",
	  { "overlay", "fuse-overlay", "copy" },
	  { "native overlay" },
	  offsetof(struct container_state, rung_rootfs) },
	{ "network",
	  { "host", "splice", "tap", "packet", "none" },
	  { NULL },
	  offsetof(struct container_state, rung_network) },
	{ "cgroups", { "cgroup2", "systemd", "none" }, { NULL }, offsetof(struct container_state, rung_cgroups) },
};

#define N_AXES (sizeof(axes) / sizeof(axes[0]))

/* Return: which rung, from 0; RUNGS_MAX for a word that is none, as if it were
 * the lowest */
static size_t place(const struct axis *a, const char *word, bool recorded)
{
	for (size_t i = 0; i < RUNGS_MAX && a->rungs[i]; i++)
		if (str_eq(word, recorded && a->records[i] ? a->records[i] : a->rungs[i]))
			return i;
	return RUNGS_MAX;
}

static const struct axis *find_axis(const char *require, const char **ret_rung)
{
	for (size_t i = 0; i < N_AXES; i++) {
		const char *rest = str_after(require, axes[i].name);

		if (rest && *rest == '=') {
			*ret_rung = rest + 1;
			return &axes[i];
		}
	}
	return NULL;
}

int ladder_check(const char *require, struct err *e)
{
	const char *rung;
	const struct axis *a = find_axis(require, &rung);

	if (a && place(a, rung, /* recorded */ false) < RUNGS_MAX)
		return 0;
	return err_msg(e, -EINVAL,
		       "--require %s: not ids=host|range|recorded|one, "
		       "rootfs=overlay|fuse-overlay|copy, network=host|splice|tap|packet|none or "
		       "cgroups=cgroup2|systemd|none",
		       require);
}

int ladder_require(const struct strv *require, const struct container_state *st, struct err *e)
{
	for (size_t i = 0; i < require->n; i++) {
		const char *rung;
		const struct axis *a = find_axis(require->v[i], &rung);
		const char *got = a ? *(char *const *)((const char *)st + a->offset) : NULL;

		if (!a)
			return ladder_check(require->v[i], e);
		if (place(a, got ? got : "", /* recorded */ true) > place(a, rung, /* recorded */ false))
			return err_msg(e, -ENOTSUP, "--require %s: this host gives %s", require->v[i],
				       got && *got ? got : "less");
	}
	return 0;
}

bool ladder_requires(const struct strv *require, const char *axis)
{
	for (size_t i = 0; i < require->n; i++) {
		const char *rung;
		const struct axis *a = find_axis(require->v[i], &rung);
		size_t at = a ? place(a, rung, /* recorded */ false) : RUNGS_MAX;

		if (a && str_eq(a->name, axis) && at + 1 < RUNGS_MAX && a->rungs[at + 1])
			return true;
	}
	return false;
}
