/* SPDX-License-Identifier: Apache-2.0
 *
 * specgen - configuration to specification; defaults are spec_default()'s
 */
#include "runner/engine/specgen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/num.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/files.h"
#include "runner/engine/mountspec.h"
#include "runner/engine/network.h"
#include "runner/engine/recorded.h"
#include "runner/engine/rootfs.h"
#include "runner/engine/user.h"
#include "runner/oci/spec.h"

#define PROFILE_MAX (4 << 20)

/* ------------------------------------------------------------- security -- */

static const char *security_value(const struct strv *opts, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = opts->n; i-- > 0;) {
		const char *o = opts->v[i];

		if (strncmp(o, key, len) == 0 && (o[len] == '=' || o[len] == ':'))
			return o + len + 1;
	}
	return NULL;
}

static bool no_new_privs(const struct strv *opts)
{
	const char *v = security_value(opts, "no-new-privileges");

	if (v)
		return str_eq(v, "true");
	return strv_has(opts, "no-new-privileges");
}

int specgen_security_check(const struct strv *opts, struct err *e)
{
	for (size_t i = 0; i < opts->n; i++) {
		const char *o = opts->v[i];
		const char *v;

		if (str_eq(o, "no-new-privileges") || str_starts(o, "seccomp="))
			continue;
		v = security_value(&(struct strv){ .v = &opts->v[i], .n = 1 }, "no-new-privileges");
		if (v && (str_eq(v, "true") || str_eq(v, "false")))
			continue;
		if (str_eq(o, "label=disable") || str_eq(o, "label:disable") ||
		    str_eq(o, "apparmor=unconfined"))
			continue;
		if (str_eq(o, "systempaths=unconfined") || str_eq(o, "unmask=ALL"))
			continue;
		return err_msg(e, -EINVAL,
			       "--security-opt %s: only seccomp=PROFILE|unconfined, no-new-privileges, "
			       "label=disable, apparmor=unconfined and systempaths=unconfined are known",
			       o);
	}
	return 0;
}

static bool has_all(const struct strv *l)
{
	return strv_has(l, "ALL") || strv_has(l, "all");
}

int specgen_caps(const struct container *c, uint64_t *ret, struct err *e)
{
	const struct container_config *cfg = &c->config;
	uint64_t mask = cfg->privileged ? spec_caps_all() : spec_caps_default();

	if (has_all(&cfg->cap_drop))
		mask = 0;
	if (has_all(&cfg->cap_add))
		mask = spec_caps_all();
	for (int drop = 0; drop < 2; drop++) {
		const struct strv *l = drop ? &cfg->cap_drop : &cfg->cap_add;

		for (size_t i = 0; i < l->n; i++) {
			int cap;

			if (str_eq(l->v[i], "ALL") || str_eq(l->v[i], "all"))
				continue;
			cap = spec_cap_parse(l->v[i]);
			if (cap < 0)
				return err_msg(e, -EINVAL, "--cap-%s %s: not a capability",
					       drop ? "drop" : "add", l->v[i]);
			mask = drop ? mask & ~(1ULL << cap) : mask | 1ULL << cap;
		}
	}
	*ret = mask;
	return 0;
}

/* ---------------------------------------------------------------- limits -- */

static const struct {
	const char *name;
	int resource;
} ulimits[] = {
	{ "as", RLIMIT_AS },	       { "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },	       { "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },     { "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK }, { "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },       { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },     { "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },   { "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING }, { "stack", RLIMIT_STACK },
};

static int limit_value(const char *s, uint64_t *ret)
{
	if (str_eq(s, "-1") || str_eq(s, "unlimited")) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return num_u64(s, ret);
}

int specgen_ulimit(const char *text, int *ret_resource, uint64_t *ret_soft, uint64_t *ret_hard,
		   struct err *e)
{
	auto_free char *buf = xstrdup(text);
	char *value = strchr(buf, '=');
	char *hard;

	if (!value)
		return err_msg(e, -EINVAL, "--ulimit %s: not NAME=SOFT[:HARD]", text);
	*value++ = '\0';
	hard = strchr(value, ':');
	if (hard)
		*hard++ = '\0';
	for (size_t i = 0; i < sizeof(ulimits) / sizeof(ulimits[0]); i++) {
		uint64_t s, h;

		if (!str_eq(buf, ulimits[i].name))
			continue;
		if (limit_value(value, &s) < 0 || limit_value(hard ? hard : value, &h) < 0)
			return err_msg(e, -EINVAL, "--ulimit %s: not NAME=SOFT[:HARD]", text);
		if (s > h)
			return err_msg(e, -EINVAL, "--ulimit %s: the soft limit is above the hard one",
				       text);
		*ret_resource = ulimits[i].resource;
		*ret_soft = s;
		*ret_hard = h;
		return 0;
	}
	return err_msg(e, -EINVAL, "--ulimit %s: '%s' is not a limit", text, buf);
}

static int add_ulimits(struct spec *s, const struct container *c, struct err *e)
{
	for (size_t i = 0; i < c->config.ulimit.n; i++) {
		struct rlimit now;
		uint64_t soft, hard;
		int resource, r = specgen_ulimit(c->config.ulimit.v[i], &resource, &soft, &hard, e);

		if (r < 0)
			return r;
		if (resource == RLIMIT_RTTIME && c->recorded)
			return err_msg(e, -ENOTSUP, "--ulimit %s: recorded ids need that limit "
				       "(--recorded-ids off)", c->config.ulimit.v[i]);
		/* In a user namespace nobody may raise a hard limit. */
		if (c->eng->mode != ENGINE_ROOT && getrlimit((__rlimit_resource_t)resource, &now) == 0 &&
		    hard > now.rlim_max)
			return err_msg(e, -EPERM,
				       "--ulimit %s: the hard limit of this login is %llu and only root "
				       "may raise it",
				       c->config.ulimit.v[i], (unsigned long long)now.rlim_max);
		spec_rlimit_add(s, resource, soft, hard);
	}
	return 0;
}

/* --------------------------------------------------------------- process -- */

static int set_process(struct spec_process *p, const struct container *c, const struct user *user,
		    bool privileged, struct err *e)
{
	bool keep = strv_has(&c->config.group_add, "keep-groups");
	uint64_t mask;
	int r = specgen_caps(c, &mask, e);

	if (r < 0)
		return r;
	if (privileged)
		mask = spec_caps_all();
	spec_caps_assign(p, mask);
	/* Recorded ids are the supervisor's to show; to the kernel it is us. */
	if (c->recorded == RECORDED_OFF) {
		if (user->uid != 0)
			p->caps.effective = p->caps.permitted = 0;
		p->user.uid = user->uid;
		p->user.gid = user->gid;
	}
	/* With one mapped id the kernel has setgroups(2) switched off. */
	p->user.keep_groups = keep || c->eng->ids == ENGINE_IDS_ONE;
	p->user.gids = user->gids;
	p->user.n_gids = p->user.keep_groups ? 0 : user->n_gids;
	p->no_new_privs = no_new_privs(&c->config.security_opt);
	return 0;
}

static void add_env(struct spec *s, const char *name, const char *value)
{
	const char *var = spec_printf(s, "%s=%s", name, value);
	size_t len = strlen(name) + 1;

	for (size_t i = 0; i < s->process.env.n; i++)
		if (strncmp(s->process.env.v[i], var, len) == 0)
			return;
	spec_strv_add(s, &s->process.env, var);
}

static void base_env(struct spec *s, const struct container *c, const struct user *user,
		     const struct strv *more, bool tty)
{
	char buf[65];

	s->process.env = (struct spec_strv){ 0 };
	for (size_t i = more ? more->n : 0; i-- > 0;)
		spec_strv_add(s, &s->process.env, more->v[i]);
	for (size_t i = 0; i < c->config.env.n; i++) {
		const char *v = c->config.env.v[i];
		size_t len = strcspn(v, "=");

		add_env(s, spec_printf(s, "%.*s", (int)len, v), v[len] ? v + len + 1 : "");
	}
	add_env(s, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (tty)
		add_env(s, "TERM", "xterm");
	add_env(s, "HOSTNAME", files_hostname(c, buf));
	add_env(s, "HOME", user->home);
	add_env(s, "container", "runner");
}

static void rung_env(struct spec *s, const struct container *c, const struct network *net,
		     const struct rootfs *root)
{
	if (!c->config.rungs)
		return;
	add_env(s, "RUNNER_IDS", c->recorded ? "recorded" : engine_ids_name(c->eng));
	add_env(s, "RUNNER_ROOTFS", root->rung);
	/* which path slirp-net takes is not known yet */
	add_env(s, "RUNNER_NETWORK", net->helper > 0 ? "slirp-net" : net->rung);
	add_env(s, "RUNNER_CGROUPS", c->state.rung_cgroups ? c->state.rung_cgroups : "none");
}

/* ---------------------------------------------------------------- mounts -- */

static bool is_host(const char *mode)
{
	return mode && str_eq(mode, "host");
}

static bool is_mounted_over(const struct container *c, const char *dst)
{
	for (size_t i = 0; i < c->config.mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };

		if (mountspec_parse(c->config.mounts.v[i], NULL, &m, NULL) == 0 && str_eq(m.dst, dst))
			return true;
	}
	return false;
}

static void add_files(struct spec *s, const struct container *c)
{
	static const struct {
		const char *dst, *src;
	} files[] = {
		{ "/etc/hosts", "hosts" },
		{ "/etc/hostname", "hostname" },
		{ "/etc/resolv.conf", "resolv.conf" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (is_mounted_over(c, files[i].dst) || (i == 0 && c->config.no_hosts))
			continue;
		(void)spec_mount_add(s, files[i].dst, "bind",
				     spec_printf(s, "%s/containers/%s/%s", c->eng->runroot, c->id,
						 files[i].src),
				     c->config.read_only ? "bind,rprivate,ro" : "bind,rprivate");
	}
}

static const char *volume_path(struct spec *s, const struct container *c, const char *name)
{
	return spec_printf(s, "%s/volumes/%s/_data", c->eng->root, name);
}

static int add_mount(struct spec *s, const struct container *c, const char *text, struct err *e)
{
	AUTO(mountspec_clear) struct mountspec m = { 0 };
	AUTO(strbuf_clear) struct strbuf opts = { 0 };
	const char *src = NULL;
	int r = mountspec_parse(text, NULL, &m, e);

	if (r < 0)
		return r;
	r = strbuf_adds(&opts, m.type == MOUNT_TMPFS ? "nosuid,nodev" : "rbind,rprivate");
	if (r == 0)
		r = strbuf_adds(&opts, m.ro ? ",ro" : ",rw");
	for (size_t i = 0; r == 0 && i < m.opts.n; i++)
		r = strbuf_addf(&opts, ",%s", m.opts.v[i]);
	if (r < 0)
		return err_set(e, r, "mount");
	if (m.type == MOUNT_BIND)
		src = spec_strdup(s, m.src);
	else if (m.type == MOUNT_VOLUME)
		src = volume_path(s, c, m.src);
	else
		src = "tmpfs";
	(void)spec_mount_add(s, spec_strdup(s, m.dst), m.type == MOUNT_TMPFS ? "tmpfs" : "bind", src,
			     spec_strdup(s, opts.s));
	return 0;
}

static void add_devices(struct spec *s, const struct container *c)
{
	for (size_t i = 0; i < c->config.devices.n; i++) {
		const char *text = c->config.devices.v[i];
		const char *dst = strchr(text, ':');
		const char *src = spec_printf(s, "%.*s", (int)strcspn(text, ":"), text);

		if (dst && dst[1] == '/')
			dst = spec_printf(s, "%.*s", (int)strcspn(dst + 1, ":"), dst + 1);
		else
			dst = src;
		(void)spec_mount_add(s, dst, "bind", src, "bind,rprivate,nosuid,noexec");
	}
}

/* The host's message queues can only be shown where the host shows them. */
static void drop_host_mqueue(struct spec *s)
{
	struct spec_mount *m = (struct spec_mount *)(size_t)s->mounts;
	size_t n = 0;

	if (access("/dev/mqueue", F_OK) == 0)
		return;
	for (size_t i = 0; i < s->n_mounts; i++)
		if (!str_eq(m[i].dst, "/dev/mqueue"))
			m[n++] = m[i];
	s->n_mounts = n;
}

static void set_shm_size(struct spec *s, int64_t size)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		struct spec_mount *m = (struct spec_mount *)(size_t)&s->mounts[i];
		struct spec_strv opts = { 0 };

		if (!str_eq(m->dst, "/dev/shm"))
			continue;
		for (size_t k = 0; k < m->opts.n; k++)
			if (!str_starts(m->opts.v[k], "size="))
				spec_strv_add(s, &opts, m->opts.v[k]);
		spec_strv_add(s, &opts, spec_printf(s, "size=%lld", (long long)size));
		m->opts = opts;
	}
}

/* ------------------------------------------------------------------ rest -- */

static void add_sysctl(struct spec *s, const char *key, const char *value)
{
	struct spec_kv *kv = spec_alloc(s, s->n_sysctl + 1, sizeof(*kv));

	for (size_t i = 0; i < s->n_sysctl; i++)
		kv[i] = s->sysctl[i];
	kv[s->n_sysctl++] = (struct spec_kv){ key, value };
	s->sysctl = kv;
}

static void add_sysctls(struct spec *s, const struct container *c, const struct network *net)
{
	char gids[32];

	/* A network of ours has them already. */
	if (!net->mode->host_net && net->netns_fd < 0) {
		engine_ping_range(c->eng, gids, sizeof(gids));
		if (s->ns[SPEC_NS_USER].set)
			(void)str_format(gids, sizeof(gids), "%u %u", s->gidmap.v[0].container,
					 s->gidmap.v[0].container);
		add_sysctl(s, "net.ipv4.ip_unprivileged_port_start", "0");
		add_sysctl(s, "net.ipv4.ping_group_range", spec_strdup(s, gids));
	}
	for (size_t i = 0; i < c->config.sysctl.n; i++) {
		const char *pair = c->config.sysctl.v[i];
		size_t len = strcspn(pair, "=");

		add_sysctl(s, spec_printf(s, "%.*s", (int)len, pair), pair + len + 1);
	}
}

static void set_limit(struct spec_opt_i64 *to, int64_t v)
{
	if (v)
		*to = (struct spec_opt_i64){ .set = true, .v = v };
}

static void set_limits(struct spec_resources *r, const struct container_config *cfg)
{
	set_limit(&r->mem_limit, cfg->memory);
	set_limit(&r->mem_reservation, cfg->memory_reservation);
	set_limit(&r->mem_swap, cfg->memory_swap);
	set_limit(&r->cpu_shares, cfg->cpu_shares);
	set_limit(&r->cpu_quota, cfg->cpu_quota);
	set_limit(&r->cpu_period, cfg->cpu_period);
	set_limit(&r->pids_limit, cfg->pids_limit);
	r->cpus = cfg->cpuset_cpus && *cfg->cpuset_cpus ? cfg->cpuset_cpus : NULL;
	r->mems = cfg->cpuset_mems && *cfg->cpuset_mems ? cfg->cpuset_mems : NULL;
}

static int set_seccomp(struct spec *s, const struct container *c, bool privileged, struct err *e)
{
	const char *path = security_value(&c->config.security_opt, "seccomp");
	auto_free char *text = NULL;
	size_t len;
	int r;

	if (privileged || (path && str_eq(path, "unconfined"))) {
		s->seccomp = (struct spec_seccomp){ 0 };
		return 0;
	}
	if (!path || !*path || str_eq(path, "default") || str_eq(path, "builtin")) {
		spec_seccomp_default(s);
		return 0;
	}
	r = io_read_file_at(AT_FDCWD, path, PROFILE_MAX, &text, &len);
	if (r < 0)
		return err_set(e, r, "--security-opt seccomp=%s", path);
	r = spec_seccomp_parse_docker(s, text, len, e);
	return r < 0 ? err_wrap(e, "--security-opt seccomp=%s", path) : 0;
}

bool specgen_has_listener(const struct container *c)
{
	const char *path = security_value(&c->config.security_opt, "seccomp");
	struct spec s;
	bool has;

	if (!path)
		return false;
	spec_init(&s);
	has = set_seccomp(&s, c, c->config.privileged, NULL) == 0 && s.seccomp.listener_path;
	spec_clear(&s);
	return has;
}

static unsigned int default_flags(const struct container *c, const struct network *net)
{
	const struct container_config *cfg = &c->config;

	return (net->mode->host_net ? SPEC_DEFAULT_HOST_NET : 0u) |
	       (is_host(cfg->pid_mode) ? SPEC_DEFAULT_HOST_PID : 0u) |
	       (is_host(cfg->ipc_mode) ? SPEC_DEFAULT_HOST_IPC : 0u) |
	       (is_host(cfg->uts_mode) ? SPEC_DEFAULT_HOST_UTS : 0u) |
	       (cfg->privileged ? SPEC_DEFAULT_PRIVILEGED : 0u) | SPEC_DEFAULT_NO_SECCOMP;
}

/* One id exists, and the program wants to be another user: a user namespace
 * inside ours shows that one id as the wanted one. Files of the image then
 * belong to that user, too. */
static void show_id_as(struct spec *s, const struct user *user)
{
	struct spec_idmap *map = spec_alloc(s, 2, sizeof(*map));

	map[0] = (struct spec_idmap){ .container = user->uid, .host = 0, .size = 1 };
	map[1] = (struct spec_idmap){ .container = user->gid, .host = 0, .size = 1 };
	s->uidmap = (struct spec_idmaps){ .v = &map[0], .n = 1 };
	s->gidmap = (struct spec_idmaps){ .v = &map[1], .n = 1 };
	s->ns[SPEC_NS_USER] = (struct spec_ns){ .set = true };
}

int specgen(struct spec *s, const struct container *c, const struct user *user,
	    const struct network *net, const struct rootfs *root, struct err *e)
{
	const struct container_config *cfg = &c->config;
	char buf[65];
	int r;

	spec_default(s, default_flags(c, net));
	s->root_path = root->detached ? "/" : root->path;
	s->root_readonly = cfg->read_only;
	if (c->eng->ids == ENGINE_IDS_ONE && c->recorded == RECORDED_OFF && (user->uid || user->gid))
		show_id_as(s, user);
	s->hostname = is_host(cfg->uts_mode) ? NULL : spec_strdup(s, files_hostname(c, buf));
	if (net->netns_fd >= 0)
		s->ns[SPEC_NS_NETWORK] = (struct spec_ns){
			.set = true, .path = spec_printf(s, "/proc/self/fd/%d", net->netns_fd)
		};
	for (size_t i = 0; i < cfg->args.n; i++)
		spec_strv_add(s, &s->process.args, cfg->args.v[i]);
	s->process.cwd = cfg->workdir && *cfg->workdir ? cfg->workdir : "/";
	s->process.terminal = cfg->tty;
	if (cfg->oom_score_adj) {
		s->process.has_oom_score_adj = true;
		s->process.oom_score_adj = cfg->oom_score_adj;
	}
	set_limits(&s->res, cfg);
	r = set_process(&s->process, c, user, cfg->privileged, e);
	if (r == 0)
		r = set_seccomp(s, c, cfg->privileged, e);
	if (r == 0)
		r = add_ulimits(s, c, e);
	base_env(s, c, user, /* more */ NULL, cfg->tty);
	rung_env(s, c, net, root);
	add_files(s, c);
	for (size_t i = 0; r == 0 && i < cfg->mounts.n; i++)
		r = add_mount(s, c, cfg->mounts.v[i], e);
	add_devices(s, c);
	if (is_host(cfg->ipc_mode))
		drop_host_mqueue(s);
	if (cfg->shm_size)
		set_shm_size(s, cfg->shm_size);
	add_sysctls(s, c, net);
	if (strv_has(&cfg->security_opt, "systempaths=unconfined") ||
	    strv_has(&cfg->security_opt, "unmask=ALL"))
		s->masked = s->readonly = (struct spec_strv){ 0 };
	return r;
}

int specgen_exec(struct spec *s, const struct container *c, const struct user *user,
		 const struct strv *env, bool tty, bool privileged, struct err *e)
{
	bool all = privileged || c->config.privileged;
	int r;

	spec_default(s, SPEC_DEFAULT_NO_SECCOMP);
	s->process.cwd = c->config.workdir && *c->config.workdir ? c->config.workdir : "/";
	s->process.terminal = tty;
	r = set_process(&s->process, c, user, all, e);
	base_env(s, c, user, env, tty);
	return r == 0 ? set_seccomp(s, c, all, e) : r;
}
