/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - every decision of a creation, made before the clone
 */
#include "runner/oci/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/oci/device.h"
#include "runner/oci/lsm.h"
#include "runner/oci/notify.h"
#include "runner/oci/ns.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const char *const cap_path =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static struct spec_idmaps one_id(struct plan *p, uint32_t id)
{
	struct spec_idmap *m = spec_alloc(&p->mem, 1, sizeof(*m));

	*m = (struct spec_idmap){ .container = 0, .host = id, .size = 1 };
	return (struct spec_idmaps){ m, 1 };
}

static int plan_namespaces(struct plan *p, struct err *e)
{
	bool by_path = false;

	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++) {
		const struct spec_ns *ns = &p->s->ns[t];

		if (!ns->set)
			continue;
		if (!ns->path) {
			/* devices have to be moved there before */
			if (t == SPEC_NS_NETWORK && p->o->netns_sock >= 0 && !p->s->n_netdevs)
				p->late_netns = true;
			/* a time namespace starts at the exec, after its offsets are set */
			else if (t != SPEC_NS_TIME)
				p->clone |= ns_kind(t)->flag;
			continue;
		}
		int r = ns_open_path(t, ns->path, &p->join[t], e);
		if (r < 0)
			return r;
		if (ns_is_current(t, p->join[t])) {
			(void)close(take_fd(&p->join[t]));
			continue;
		}
		by_path = true;
	}
	/* an ordinary user can only be root of a namespace of his own */
	p->uidmap = p->s->uidmap;
	p->gidmap = p->s->gidmap;
	if (geteuid() != 0 && !p->s->ns[SPEC_NS_USER].set)
		p->clone |= CLONE_NEWUSER;
	p->new_user = p->clone & CLONE_NEWUSER;
	/* what `crun spec --rootless` writes has no mappings */
	if (p->new_user && geteuid() != 0 && !p->uidmap.n && !p->gidmap.n) {
		p->uidmap = one_id(p, geteuid());
		p->gidmap = one_id(p, getegid());
	}
	/* these take effect at a fork; the others may belong to our user namespace,
	 * which a child in a new one has no right to */
	p->middle = p->join[SPEC_NS_PID] >= 0 || p->join[SPEC_NS_USER] >= 0 ||
		    p->join[SPEC_NS_TIME] >= 0 || (p->new_user && by_path);

	/* also when the path was that of our own */
	const struct spec_ns *mnt = &p->s->ns[SPEC_NS_MOUNT];
	p->host_mounts = !mnt->set || (mnt->path && p->join[SPEC_NS_MOUNT] < 0);
	if (p->host_mounts && (p->new_user || geteuid() != 0))
		return err_msg(e, -EINVAL, "linux.namespaces: a mount namespace is required: without one "
					   "only the host's root can have a container");
	if (p->new_user && (!p->uidmap.n || !p->gidmap.n))
		return err_msg(e, -EINVAL, "linux.uidMappings: a new user namespace needs "
					   "uidMappings and gidMappings");
	return 0;
}

static int plan_root(struct plan *p, struct err *e)
{
	const struct spec *s = p->s;

	p->root_fd = p->o->rootfs_fd;
	if (s->root_path && s->root_path[0] == '/')
		p->root_path = s->root_path;
	else if (s->root_path)
		p->root_path = spec_printf(&p->mem, "%s/%s", p->o->bundle ? p->o->bundle : ".",
					   s->root_path);
	else if (p->root_fd < 0)
		return err_msg(e, -EINVAL, "root: missing");
	if (p->new_user && p->root_fd < 0) {
		p->root_fd = open_tree(AT_FDCWD, p->root_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
								       AT_RECURSIVE);
		p->root_fd_ours = p->root_fd >= 0;
	}
	/* hooks look for the mounts below root.path; without one any place will do */
	p->root_attach = p->root_path ? p->root_path : "/";
	return 0;
}

static int plan_mounts(struct plan *p, struct err *e)
{
	const struct spec *s = p->s;

	/* a label says nothing to a host without SELinux, and guards nothing by
	 * being absent there: told, since engines give it from templates */
	if (s->mount_label && *s->mount_label && lsm_has_selinux())
		p->mount_label = s->mount_label;
	else if (s->mount_label && *s->mount_label && p->o->warn)
		p->o->warn(p->o->warn_ctx, "linux.mountLabel: this host has no SELinux");
	p->mounts = spec_alloc(&p->mem, s->n_mounts + 1, sizeof(*p->mounts));
	for (size_t i = 0; i < s->n_mounts; i++) {
		struct plan_mount *m = &p->mounts[p->n_mounts];

		int r = plan_mount_parse(p, &s->mounts[i], m, e);
		if (r < 0)
			return r;
		p->n_mounts++;
		/* root of a new user namespace may not reach what we can */
		if (p->new_user && m->kind == PLAN_BIND)
			m->fd = plan_open_bind(m);
		if (p->new_user && m->kind == PLAN_BIND && m->fd >= 0 && m->idmap_fd >= 0) {
			/* only the file system's own user namespace may do that */
			r = plan_apply_idmap(m, m->fd, e);
			if (r < 0)
				return err_wrap(e, "mounts: %s", m->dst);
			(void)close(take_fd(&m->idmap_fd));
		}
		if (strcmp(m->dst, "/dev") == 0)
			p->dev_mounted = m->kind == PLAN_FS;
	}
	return 0;
}

static int plan_devices(struct plan *p, struct err *e)
{
	const struct spec *s = p->s;

	p->bind_devices = p->new_user || p->join[SPEC_NS_USER] >= 0 || !ns_user_is_initial();
	p->devices = spec_alloc(&p->mem, s->n_devices + PLAN_DEVICES, sizeof(*p->devices));
	for (size_t i = 0; i < s->n_devices; i++)
		p->devices[p->n_devices++] = (struct plan_device){
			.dev = s->devices[i], .host = s->devices[i].path, .fd = -1 };
	int r = device_check(p, e);
	if (r == 0)
		r = device_make_ahead(p, e);
	if (r == 0 && p->dev_mounted)
		device_add_defaults(p);
	return r;
}

static size_t find_env(const struct spec_strv *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = env->n; i-- > 0;)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return i;
	return env->n;
}

int plan_process_build(struct spec *mem, const struct spec_process *s, struct plan_process *ret,
		       struct err *e)
{
	if (!s->args.n)
		return err_msg(e, -EINVAL, "process.args: empty");
	if (!s->cwd || s->cwd[0] != '/')
		return err_msg(e, -EINVAL, "process.cwd: '%s' is not an absolute path",
			       s->cwd ? s->cwd : "");
	int r = lsm_check(s, e);
	if (r < 0)
		return r;
	/* without AppArmor everything is unconfined already */
	ret->apparmor = s->apparmor && *s->apparmor && lsm_has_apparmor() ? s->apparmor : NULL;
	if (s->terminal && (ret->stdio[0] >= 0 || ret->stdio[1] >= 0 || ret->stdio[2] >= 0))
		return err_msg(e, -EINVAL, "process.terminal: and descriptors for stdio");

	const char **argv = spec_alloc(mem, s->args.n + 1, sizeof(*argv));
	for (size_t i = 0; i < s->args.n; i++)
		argv[i] = s->args.v[i];

	/* room for HOME and the end */
	const char **envp = spec_alloc(mem, s->env.n + 2, sizeof(*envp));
	for (size_t i = 0; i < s->env.n; i++)
		envp[i] = s->env.v[i];

	size_t home = find_env(&s->env, "HOME");
	if (home == s->env.n)
		ret->home_slot = &envp[s->env.n];
	else if (s->env.v[home][5] == '\0')
		ret->home_slot = &envp[home];

	size_t path = find_env(&s->env, "PATH");
	ret->path = path < s->env.n ? s->env.v[path] + 5 : cap_path;
	ret->s = s;
	ret->argv = (char *const *)(uintptr_t)argv; /* execve promises not to write */
	ret->envp = envp;
	ret->gids_ok = !s->user.keep_groups;
	return 0;
}

static int plan_process(struct plan *p, struct err *e)
{
	const struct spec *s = p->s;
	const struct oci_create_opts *o = p->o;
	struct plan_process *pp = &p->proc;

	if (!s->has_process)
		return err_msg(e, -EINVAL, "process: missing");
	memcpy(pp->stdio, o->stdio, sizeof(pp->stdio));
	pp->keep = o->keep_fds;
	pp->n_keep = o->n_keep_fds;
	pp->keep_as_is = o->keep_fds_as_is;
	pp->death_sig = o->death_sig;
	if (s->mempolicy.set)
		pp->mempolicy = &s->mempolicy;
	if (!o->no_new_keyring)
		pp->keyring = spec_printf(&p->mem, "_ses.%s", o->id);
	int r = plan_process_build(&p->mem, &s->process, pp, e);
	if (r < 0)
		return r;

	if (o->seccomp)
		pp->bpf = *o->seccomp;
	else if (s->seccomp.set)
		r = oci_seccomp_compile(&s->seccomp, &pp->bpf, e);
	if (o->agent)
		pp->agent = *o->agent->bpf;
	return r < 0 ? r : notify_open(&s->seccomp, o->agent, pp, e);
}

int plan_build(const struct spec *s, const struct oci_create_opts *o, struct plan *ret,
	       struct err *e)
{
	*ret = (struct plan){ .s = s, .o = o, .root_fd = -1, .state_fd = -1, .cgroup_fd = -1,
			      .proc.listener = -1 };
	spec_init(&ret->mem);
	for (size_t t = 0; t < SPEC_NS_MAX_; t++)
		ret->join[t] = -1;

	if (!o->id || !*o->id)
		return err_msg(e, -EINVAL, "a container needs a name");

	int r = spec_check(s, e);
	if (r < 0)
		return r;
	static int (*const parts[])(struct plan *, struct err *) = {
		plan_namespaces, plan_root, plan_mounts, plan_devices, plan_process,
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		r = parts[i](ret, e);
		if (r < 0)
			return r;
	}
	for (size_t h = 0; h <= SPEC_HOOK_CREATE_CONTAINER; h++)
		ret->hooks |= s->hooks[h].n > 0;
	return 0;
}

void plan_clear(struct plan *p)
{
	for (size_t t = 0; t < SPEC_NS_MAX_; t++)
		if (p->join[t] >= 0)
			(void)close(p->join[t]);
	for (size_t i = 0; i < p->n_mounts; i++) {
		if (p->mounts[i].idmap_fd >= 0)
			(void)close(p->mounts[i].idmap_fd);
		if (p->mounts[i].kind == PLAN_BIND && p->mounts[i].fd >= 0)
			(void)close(p->mounts[i].fd);
	}
	for (size_t i = 0; i < p->n_devices; i++)
		if (p->devices[i].fd >= 0)
			(void)close(p->devices[i].fd);
	if (p->root_fd_ours)
		(void)close(p->root_fd);
	if (p->state_fd >= 0)
		(void)close(p->state_fd);
	if (p->cgroup_fd >= 0)
		(void)close(p->cgroup_fd);
	/* a filter given from outside stays the caller's */
	if (!p->o || !p->o->seccomp)
		oci_bpf_clear(&p->proc.bpf);
	notify_close(&p->proc);
	spec_clear(&p->mem);
}
