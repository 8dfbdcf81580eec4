/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_print - the plan for a person, and for a program
 */
#include "uidmap/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

static void print_map(const char *what, const struct idmap *map, FILE *out)
{
	for (size_t i = 0; i < map->n; i++)
		(void)fprintf(out, "%-12s%10" PRIu32 " %10" PRIu32 " %10" PRIu32 "\n",
			      i ? "" : what, map->r[i].inside, map->r[i].outside, map->r[i].count);
}

void plan_print(const struct plan *p, FILE *out)
{
	static const char *const modes[] = {
		[PLAN_NONE] = "no user namespace",
		[PLAN_SINGLE] = "the own id alone",
		[PLAN_RANGE] = "the own id and the granted ones",
		[PLAN_ROOT] = "root here: every id",
	};

	_Static_assert(sizeof(modes) / sizeof(*modes) == PLAN_MODE_MAX_, "words for each");
	(void)fprintf(out, "%-12s%s (uid %" PRIu32 ", gid %" PRIu32 ")\n", "caller",
		      p->caller.name[0] ? p->caller.name : "without a name", p->caller.id.uid,
		      p->caller.id.gid);
	(void)fprintf(out, "%-12s%s: %s\n", "mode", plan_mode_name(p->mode), modes[p->mode]);
	if (p->mode == PLAN_RANGE)
		(void)fprintf(out, "%-12s%s\n%-12s%s\n", "newuidmap", p->helper.uid, "newgidmap",
			      p->helper.gid);
	print_map("uid map", &p->uid_map, out);
	print_map("gid map", &p->gid_map, out);
	if (p->mode != PLAN_NONE)
		(void)fprintf(out, "%-12s%s\n", "setgroups", p->setgroups ? "allow" : "deny");
	for (size_t i = 0; i < p->n_missing; i++) {
		const struct plan_missing *m = &p->missing[i];

		(void)fprintf(out, "%-12s%s: %s\n", "missing", plan_lack_name(m->what), m->why);
		if (m->line[0])
			(void)fprintf(out, "%-12s# %s\n", "", m->line);
	}
}

static json_t *json_map(const struct idmap *map)
{
	json_t *list = json_array();

	for (size_t i = 0; i < map->n; i++)
		(void)json_array_append_new(list, json_pack("{s:I,s:I,s:I}", "inside",
							    (json_int_t)map->r[i].inside, "outside",
							    (json_int_t)map->r[i].outside, "count",
							    (json_int_t)map->r[i].count));
	return list;
}

static json_t *json_grants(const struct idset *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->n; i++)
		(void)json_array_append_new(list, json_pack("{s:I,s:I}", "start",
							    (json_int_t)set->v[i].start, "count",
							    (json_int_t)set->v[i].count));
	return list;
}

/* Bytes that are no UTF-8, as paths may have, make no JSON string: null. */
static json_t *json_text(const char *s)
{
	json_t *text = s[0] ? json_string(s) : NULL;

	return text ? text : json_null();
}

static json_t *json_missing(const struct plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_missing; i++)
		(void)json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "what",
							    plan_lack_name(p->missing[i].what),
							    "why", json_text(p->missing[i].why),
							    "line", json_text(p->missing[i].line)));
	return list;
}

int plan_print_json(const struct plan *p, FILE *out)
{
	/* clang-format off */
	json_t *doc = json_pack("{s:i,s:I,s:I,s:o,s:s,s:o,s:o,s:b,s:o,s:o,s:s,s:o,s:o,s:o}",
				"version", 1,
				"uid", (json_int_t)p->caller.id.uid,
				"gid", (json_int_t)p->caller.id.gid,
				"name", json_text(p->caller.name),
				"mode", plan_mode_name(p->mode),
				"newuidmap", json_text(p->helper.uid),
				"newgidmap", json_text(p->helper.gid),
				"together", p->helper.together,
				"uid_map", json_map(&p->uid_map),
				"gid_map", json_map(&p->gid_map),
				"setgroups", p->setgroups ? "allow" : "deny",
				"uid_grants", json_grants(&p->uid_grants),
				"gid_grants", json_grants(&p->gid_grants),
				"missing", json_missing(p));
	/* clang-format on */
	int r;

	if (!doc)
		return -ENOMEM;
	r = json_dumpf(doc, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(doc);
	if (r < 0 || fputc('\n', out) == EOF || fflush(out) == EOF)
		return -EIO;
	return 0;
}
