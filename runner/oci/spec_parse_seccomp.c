/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse_seccomp - seccomp profiles, the OCI's and Docker's
 *
 * How it works: Docker's format is the OCI's plus conditions ("includes" and
 * "excludes" by capability, architecture and kernel) and "archMap". Conditions
 * are decided here, so that what remains is the OCI's.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/spec_parse.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct parse_word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
};

static const struct parse_word operators[] = {
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ }, { "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT }, { "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT }, { "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
};

static const struct parse_word flags[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1U << 5 },
};

/* SCMP_ARCH_X and the name libseccomp resolves, "x" */
static int parse_arch(const struct jctx *c, const char *name, uint32_t *ret)
{
	char lower[32];
	const char *rest = str_after(name, "SCMP_ARCH_");

	if (!rest || str_format(lower, sizeof(lower), "%s", rest) < 0)
		return err_msg(c->e, -EINVAL, "%s.architectures: unknown '%s'", c->where, name);
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	*ret = seccomp_arch_resolve_name(lower);
	if (*ret)
		return 0;
	/* not of this library, as loongarch64: its programs cannot run here either */
	return -ENOENT;
}

static int add_arch_names(const struct jctx *c, const struct spec_strv *names, uint32_t *out,
			  size_t *n)
{
	for (size_t i = 0; i < names->n; i++) {
		uint32_t arch;
		int r = parse_arch(c, names->v[i], &arch);

		if (r == -ENOENT)
			spec_strv_add(c->s, &c->s->warnings,
				      spec_printf(c->s, "%s: architecture %s ignored", c->where,
						  names->v[i]));
		else if (r < 0)
			return r;
		else
			out[(*n)++] = arch;
	}
	return 0;
}

static int parse_arg(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_seccomp_arg *a = elem;
	const char *op = NULL;
	uint64_t index = 0, value;
	bool has = false;

	int r = json_get_u64(c, o, "index", 5, &index, &has);
	if (r == 0)
		r = json_get_u64(c, o, "value", UINT64_MAX, &a->value, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "valueTwo", UINT64_MAX, &a->value_two, NULL);
	if (r == 0)
		r = json_get_str(c, o, "op", &op);
	if (r == 0)
		r = parse_word(c, "op", op ? op : "", operators, N(operators), &value);
	if (r < 0)
		return r;
	a->index = (unsigned int)index;
	a->op = (int)value;
	return 0;
}

/* "4.8" against the running kernel */
static bool kernel_is(const char *min)
{
	struct utsname u;
	unsigned int a = 0, b = 0, x = 0, y = 0;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &a, &b) != 2 ||
	    sscanf(min, "%u.%u", &x, &y) != 2)
		return false;
	return a > x || (a == x && b >= y);
}

static const char *own_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__riscv)
	return "riscv64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__powerpc64__)
	return "ppc64le";
#else
	return "";
#endif
}

/*
 * Docker's condition: do all (includes) or any (excludes) of its parts hold?
 * *ret stays as it is when there is no condition.
 */
static int condition(const struct jctx *c, const json_t *o, const char *key, bool all, bool *ret)
{
	struct jctx at = json_at(c, key);
	struct spec_strv caps = { 0 }, archs = { 0 };
	const char *kernel = NULL;
	const json_t *sub;
	bool every = true, any = false;

	int r = json_sub(c, o, key, &sub);
	if (r < 0 || !sub)
		return r;
	r = json_get_strv(&at, sub, "caps", &caps);
	if (r == 0)
		r = json_get_strv(&at, sub, "arches", &archs);
	if (r == 0)
		r = json_get_str(&at, sub, "minKernel", &kernel);
	if (r < 0)
		return r;
	for (size_t i = 0; i < caps.n; i++) {
		int cap = spec_cap_parse(caps.v[i]);
		bool has = cap >= 0 && c->s->process.caps.bounding & UINT64_C(1) << cap;

		every &= has;
		any |= has;
	}
	if (archs.n) {
		bool has = false;

		for (size_t i = 0; i < archs.n; i++)
			has |= strcmp(archs.v[i], own_arch()) == 0;
		every &= has;
		any |= has;
	}
	if (kernel) {
		every &= kernel_is(kernel);
		any |= kernel_is(kernel);
	}
	if (all || caps.n || archs.n || kernel)
		*ret = all ? every : any;
	return 0;
}

static int parse_errno(const struct jctx *c, const json_t *o, const char *key, bool *has,
		       unsigned int *ret)
{
	uint64_t n = 0;
	int r = json_get_u64(c, o, key, 4095, &n, has);

	*ret = (unsigned int)n;
	return r;
}

static int parse_rule(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_seccomp_rule *rule = elem;
	const char *name = NULL, *action = NULL;
	bool wanted = true, unwanted = false;
	uint64_t value;

	int r = json_get_strv(c, o, "names", &rule->names);
	if (r == 0)
		r = json_get_str(c, o, "name", &name);
	if (r == 0)
		r = json_get_str(c, o, "action", &action);
	if (r == 0)
		r = parse_word(c, "action", action ? action : "", actions, N(actions), &value);
	if (r == 0)
		r = parse_errno(c, o, "errnoRet", &rule->has_errno, &rule->errno_ret);
	if (r == 0)
		r = json_each(c, o, "args", sizeof(struct spec_seccomp_arg), &rule->args,
			      &rule->n_args, parse_arg);
	if (r == 0)
		r = condition(c, o, "includes", true, &wanted);
	if (r == 0)
		r = condition(c, o, "excludes", false, &unwanted);
	if (r < 0)
		return r;
	if (name)
		spec_strv_add(c->s, &rule->names, name);
	rule->action = (uint32_t)value;
	if (rule->n_args > 6)
		return err_msg(c->e, -EINVAL, "%s.args: more than 6", c->where);
	if (!wanted || unwanted)
		rule->names.n = 0;
	else if (rule->names.n == 0)
		return err_msg(c->e, -EINVAL, "%s.names: empty", c->where);
	return 0;
}

static int parse_flags(const struct jctx *c, const json_t *o, struct spec_seccomp *s)
{
	struct spec_strv words = { 0 };
	int r = json_get_strv(c, o, "flags", &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		uint64_t value;

		r = parse_word(c, "flags", words.v[i], flags, N(flags), &value);
		if (r == 0)
			s->flags |= (unsigned int)value;
	}
	return r;
}

struct arch_map {
	const char *arch;
	struct spec_strv subs;
};

static int parse_arch_map(const struct jctx *c, const json_t *o, void *elem)
{
	struct arch_map *m = elem;
	int r = json_get_str(c, o, "architecture", &m->arch);

	return r < 0 ? r : json_get_strv(c, o, "subArchitectures", &m->subs);
}

static int parse_archs(const struct jctx *c, const json_t *o, struct spec_seccomp *s)
{
	struct spec_strv names = { 0 };
	struct arch_map *map = NULL;
	size_t n_map = 0, total;

	int r = json_get_strv(c, o, "architectures", &names);
	if (r == 0)
		r = json_each(c, o, "archMap", sizeof(*map), &map, &n_map, parse_arch_map);
	if (r < 0)
		return r;

	total = names.n;
	for (size_t i = 0; i < n_map; i++)
		total += 1 + map[i].subs.n;
	uint32_t *out = spec_alloc(c->s, total + 1, sizeof(*out));
	r = add_arch_names(c, &names, out, &s->n_archs);
	for (size_t i = 0; r == 0 && i < n_map; i++) {
		uint32_t arch;

		/* only the row of the machine's own architecture counts */
		if (!map[i].arch || parse_arch(c, map[i].arch, &arch) < 0 ||
		    arch != seccomp_arch_native())
			continue;
		out[s->n_archs++] = arch;
		r = add_arch_names(c, &map[i].subs, out, &s->n_archs);
	}
	s->archs = out;
	return r;
}

static int check_notify(const struct jctx *c, const struct spec_seccomp *s)
{
	bool notify = s->action == SCMP_ACT_NOTIFY;

	if (notify)
		return err_msg(c->e, -EINVAL, "%s.defaultAction: SCMP_ACT_NOTIFY cannot be it",
			       c->where);
	for (size_t i = 0; i < s->n_rules; i++) {
		notify |= s->rules[i].action == SCMP_ACT_NOTIFY;
		for (size_t k = 0; s->rules[i].action == SCMP_ACT_NOTIFY && k < s->rules[i].names.n; k++)
			if (strcmp(s->rules[i].names.v[k], "write") == 0)
				return err_msg(c->e, -EINVAL,
					       "%s: SCMP_ACT_NOTIFY cannot be used for write", c->where);
	}
	if (notify && !s->listener_path)
		return err_msg(c->e, -EINVAL, "%s: SCMP_ACT_NOTIFY without listenerPath", c->where);
	return 0;
}

int parse_seccomp(const struct jctx *c, const json_t *o, struct spec_seccomp *ret)
{
	struct spec_seccomp s = { .set = true };
	const char *action = NULL;
	uint64_t value;

	int r = json_get_str(c, o, "defaultAction", &action);
	if (r == 0)
		r = parse_word(c, "defaultAction", action ? action : "", actions, N(actions), &value);
	if (r < 0)
		return r;
	s.action = (uint32_t)value;
	r = parse_errno(c, o, "defaultErrnoRet", &s.has_errno, &s.errno_ret);
	if (r == 0)
		r = parse_archs(c, o, &s);
	if (r == 0)
		r = parse_flags(c, o, &s);
	if (r == 0)
		r = json_get_str(c, o, "listenerPath", &s.listener_path);
	if (r == 0)
		r = json_get_str(c, o, "listenerMetadata", &s.listener_metadata);
	if (r == 0)
		r = json_each(c, o, "syscalls", sizeof(struct spec_seccomp_rule), &s.rules, &s.n_rules,
			      parse_rule);
	if (r == 0)
		r = check_notify(c, &s);
	if (r == 0)
		*ret = s;
	return r;
}

int spec_seccomp_parse_docker(struct spec *s, const char *json, size_t len, struct err *e)
{
	struct jctx c = { s, "seccomp", e };
	json_t *o;

	int r = json_read(json, len, &o, e);
	if (r < 0)
		return r;
	r = parse_seccomp(&c, o, &s->seccomp);
	json_decref(o);
	return r;
}
