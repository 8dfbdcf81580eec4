/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse_process - the process object of config.json
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/spec_parse.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct parse_word rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },	      { "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },	      { "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },     { "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK }, { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },	      { "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },     { "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },   { "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK },
};

static const struct parse_word policies[] = {
	{ "SCHED_OTHER", SCHED_OTHER }, { "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", 4 },		{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
};

static const struct parse_word sched_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

static const struct parse_word io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

static int parse_gids(const struct jctx *c, const json_t *o, struct spec_user *u)
{
	const json_t *v = json_object_get(o, "additionalGids");

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v) || json_array_size(v) > SPEC_MAX_GIDS)
		return json_type_error(c, "additionalGids", "not an array of at most 65536 groups");

	gid_t *gids = spec_alloc(c->s, json_array_size(v) + 1, sizeof(*gids));
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *g = json_array_get(v, i);

		if (!json_is_integer(g) || json_integer_value(g) < 0 ||
		    json_integer_value(g) >= UINT32_MAX)
			return json_type_error(c, "additionalGids", "not a group number");
		gids[i] = (gid_t)json_integer_value(g);
	}
	u->gids = gids;
	u->n_gids = json_array_size(v);
	return 0;
}

/* Some engines fill them for every platform. */
static int of_windows(const struct jctx *c, const json_t *o, const char *key)
{
	const char *text = NULL;
	int r = json_get_str(c, o, key, &text);

	if (r == 0 && text && *text)
		spec_strv_add(c->s, &c->s->warnings,
			      spec_printf(c->s, "%s.%s: is for Windows: ignored", c->where, key));
	return r;
}

static int parse_user(const struct jctx *c, const json_t *o, struct spec_user *u)
{
	uint64_t uid = 0, gid = 0, mask = 0;

	int r = of_windows(c, o, "username");
	if (r == 0)
		r = json_get_u64(c, o, "uid", UINT32_MAX - 1, &uid, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "gid", UINT32_MAX - 1, &gid, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "umask", 0777, &mask, &u->has_umask);
	if (r < 0)
		return r;
	u->uid = (uid_t)uid;
	u->gid = (gid_t)gid;
	u->umask = (mode_t)mask;
	return parse_gids(c, o, u);
}

static int parse_cap_set(const struct jctx *c, const json_t *o, const char *key, uint64_t *ret)
{
	struct spec_strv l = { 0 };
	uint64_t mask = 0;

	int r = json_get_strv(c, o, key, &l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		int cap = spec_cap_parse(l.v[i]);

		/* the OCI wants a warning, not a failure: newer names exist */
		if (cap < 0)
			spec_strv_add(c->s, &c->s->warnings,
				      spec_printf(c->s, "%s.%s: unknown capability '%s' ignored",
						  c->where, key, l.v[i]));
		else
			mask |= UINT64_C(1) << cap;
	}
	*ret = mask;
	return 0;
}

static int parse_caps(const struct jctx *c, const json_t *o, struct spec_caps *caps)
{
	caps->set = true;
	int r = parse_cap_set(c, o, "bounding", &caps->bounding);
	if (r == 0)
		r = parse_cap_set(c, o, "effective", &caps->effective);
	if (r == 0)
		r = parse_cap_set(c, o, "inheritable", &caps->inheritable);
	if (r == 0)
		r = parse_cap_set(c, o, "permitted", &caps->permitted);
	if (r == 0)
		r = parse_cap_set(c, o, "ambient", &caps->ambient);
	return r;
}

static int parse_rlimit(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_rlimit *l = elem;
	const char *type = NULL;
	uint64_t resource, soft = 0, hard = 0;
	bool has[2] = { false, false };

	int r = json_get_str(c, o, "type", &type);
	if (r == 0)
		r = json_get_u64(c, o, "soft", UINT64_MAX, &soft, &has[0]);
	if (r == 0)
		r = json_get_u64(c, o, "hard", UINT64_MAX, &hard, &has[1]);
	if (r < 0)
		return r;
	if (!type || !has[0] || !has[1])
		return err_msg(c->e, -EINVAL, "%s: needs type, soft and hard", c->where);
	r = parse_word(c, "type", type, rlimits, N(rlimits), &resource);
	if (r < 0)
		return r;
	*l = (struct spec_rlimit){ (int)resource, { soft, hard } };
	return 0;
}

static int check_rlimits(const struct jctx *c, const struct spec_process *p)
{
	for (size_t i = 0; i < p->n_rlimits; i++)
		for (size_t k = 0; k < i; k++)
			if (p->rlimits[i].resource == p->rlimits[k].resource)
				return err_msg(c->e, -EINVAL, "%s.rlimits[%zu]: its type comes twice",
					       c->where, i);
	return 0;
}

static int parse_scheduler(const struct jctx *c, const json_t *o, struct spec_sched *s)
{
	const char *policy = NULL;
	struct spec_strv flags = { 0 };
	uint64_t value = 0;
	int64_t nice = 0, prio = 0;

	int r = json_get_str(c, o, "policy", &policy);
	if (r == 0)
		r = json_get_strv(c, o, "flags", &flags);
	if (r == 0)
		r = json_get_i64(c, o, "nice", -20, 19, &nice, NULL);
	if (r == 0)
		r = json_get_i64(c, o, "priority", 0, 99, &prio, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "runtime", INT64_MAX, &s->runtime, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "deadline", INT64_MAX, &s->deadline, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "period", INT64_MAX, &s->period, NULL);
	if (r == 0)
		r = parse_word(c, "policy", policy ? policy : "", policies, N(policies), &value);
	if (r < 0)
		return r;
	s->set = true;
	s->policy = (int)value;
	s->nice = (int32_t)nice;
	s->priority = (int32_t)prio;
	for (size_t i = 0; i < flags.n; i++) {
		r = parse_word(c, "flags", flags.v[i], sched_flags, N(sched_flags), &value);
		if (r < 0)
			return r;
		s->flags |= value;
	}
	return 0;
}

static int parse_ioprio(const struct jctx *c, const json_t *o, struct spec_ioprio *p)
{
	const char *class = NULL;
	int64_t prio = 0;
	uint64_t value;

	int r = json_get_str(c, o, "class", &class);
	if (r == 0)
		r = json_get_i64(c, o, "priority", 0, 7, &prio, NULL);
	if (r == 0)
		r = parse_word(c, "class", class ? class : "", io_classes, N(io_classes), &value);
	if (r < 0)
		return r;
	*p = (struct spec_ioprio){ true, (int)value, (int)prio };
	return 0;
}

static int parse_size(const struct jctx *c, const json_t *o, struct spec_process *p)
{
	uint64_t rows = 0, cols = 0;
	int r = json_get_u64(c, o, "height", UINT16_MAX, &rows, NULL);

	if (r == 0)
		r = json_get_u64(c, o, "width", UINT16_MAX, &cols, NULL);
	p->rows = (uint16_t)rows;
	p->cols = (uint16_t)cols;
	return r;
}

static int parse_affinity(const struct jctx *c, const json_t *o, struct spec_process *p)
{
	const char *initial = NULL, *final = NULL;
	int r = json_get_str(c, o, "initial", &initial);

	if (r == 0)
		r = json_get_str(c, o, "final", &final);
	if (r == 0)
		r = parse_bits(c, "initial", initial, SPEC_MAX_CPUS, &p->cpus_initial);
	if (r == 0)
		r = parse_bits(c, "final", final, SPEC_MAX_CPUS, &p->cpus_final);
	p->has_affinity = true;
	return r;
}

static int parse_scalars(const struct jctx *c, const json_t *o, struct spec_process *p)
{
	int64_t oom = 0;

	int r = json_get_bool(c, o, "terminal", &p->terminal);
	if (r == 0)
		r = json_get_bool(c, o, "noNewPrivileges", &p->no_new_privs);
	if (r == 0)
		r = of_windows(c, o, "commandLine");
	if (r == 0)
		r = json_get_str(c, o, "cwd", &p->cwd);
	if (r == 0)
		r = json_get_strv(c, o, "args", &p->args);
	if (r == 0)
		r = json_get_strv(c, o, "env", &p->env);
	if (r == 0)
		r = json_get_str(c, o, "apparmorProfile", &p->apparmor);
	if (r == 0)
		r = json_get_str(c, o, "selinuxLabel", &p->selinux);
	if (r == 0)
		r = json_get_i64(c, o, "oomScoreAdj", -1000, 1000, &oom, &p->has_oom_score_adj);
	p->oom_score_adj = (int)oom;
	return r;
}

static int parse_user_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_user(c, o, &((struct spec_process *)p)->user);
}

static int parse_caps_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_caps(c, o, &((struct spec_process *)p)->caps);
}

static int parse_scheduler_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_scheduler(c, o, &((struct spec_process *)p)->sched);
}

static int parse_ioprio_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_ioprio(c, o, &((struct spec_process *)p)->ioprio);
}

static int parse_size_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_size(c, o, p);
}

static int parse_affinity_at(const struct jctx *c, const json_t *o, void *p)
{
	return parse_affinity(c, o, p);
}

int parse_process(const struct jctx *c, const json_t *o, struct spec_process *ret)
{
	static const struct {
		const char *key;
		int (*fn)(const struct jctx *c, const json_t *o, void *p);
	} parts[] = {
		{ "user", parse_user_at },	       { "capabilities", parse_caps_at },
		{ "scheduler", parse_scheduler_at },   { "ioPriority", parse_ioprio_at },
		{ "consoleSize", parse_size_at },      { "execCPUAffinity", parse_affinity_at },
	};

	int r = parse_scalars(c, o, ret);
	for (size_t i = 0; r == 0 && i < N(parts); i++) {
		struct jctx at = json_at(c, parts[i].key);
		const json_t *sub;

		r = json_sub(c, o, parts[i].key, &sub);
		if (r == 0 && sub)
			r = parts[i].fn(&at, sub, ret);
	}
	if (r == 0)
		r = json_each(c, o, "rlimits", sizeof(struct spec_rlimit), &ret->rlimits,
			      &ret->n_rlimits, parse_rlimit);
	return r < 0 ? r : check_rlimits(c, ret);
}
