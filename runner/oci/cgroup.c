/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup - the ladder of cgroup managers
 *
 * How it works: OCI_CGROUP_AUTO takes the first rung that works; having none
 * is no failure, but limits that are thereby not enforced are told to warn(),
 * or are the error when they are required.
 */
#include "runner/oci/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/plan.h"

static int none_prepare(struct plan *p, struct err *e)
{
	(void)p;
	(void)e;
	return 0;
}

static int none_attach(struct plan *p, pid_t pid, struct err *e)
{
	(void)p;
	(void)pid;
	(void)e;
	return 0;
}

const struct cgroup_ops cgroup_none = { "none", none_prepare, none_attach };

const char *cgroup2_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

int cgroup_own(pid_t pid, char *ret, size_t size, struct err *e)
{
	const char *mount = cgroup2_mount();
	auto_free char *text = NULL;
	char path[64];

	if (!mount)
		return err_msg(e, -EOPNOTSUPP, "cgroup2 is not mounted below /sys/fs/cgroup");
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	int r = io_read_file_at(AT_FDCWD, path, 65536, &text, NULL);
	if (r < 0)
		return err_set(e, r, "%s", path);
	char *own = str_starts(text, "0::") ? text : strstr(text, "\n0::");
	if (!own)
		return err_msg(e, -EOPNOTSUPP, "%s: no cgroup2", path);
	own = strchr(own, '/');
	if (!own || strstr(own, "/../"))
		return err_msg(e, -EOPNOTSUPP, "%s: our group is outside of what we see", path);
	own[strcspn(own, "\n")] = '\0';
	r = str_format(ret, size, "%s%s", mount, strcmp(own, "/") == 0 ? "" : own);
	return r < 0 ? err_set(e, r, "%s", path) : 0;
}

/* Does the spec ask for anything that only a cgroup can give? */
static bool wants_limits(const struct spec_resources *r)
{
	return r->mem_limit.set || r->mem_reservation.set || r->mem_swap.set || r->cpu_shares.set ||
	       (r->cpu_quota.set && r->cpu_quota.v > 0) || r->cpus || r->mems ||
	       r->cpu_idle.v || r->cpu_burst.v || (r->pids_limit.set && r->pids_limit.v >= 0) ||
	       r->blkio_weight.set || r->n_blkio_devs || r->read_bps.n || r->write_bps.n ||
	       r->read_iops.n || r->write_iops.n || r->n_hugetlb || r->n_rdma || r->n_unified;
}

static bool devices_lost(const struct plan *p)
{
	return cgroup_devices_lost(&p->s->res, p->s->devices, p->s->n_devices, !p->bind_devices);
}

static int no_cgroup(struct plan *p, const struct err *why, struct err *e)
{
	if (!wants_limits(&p->s->res) && !devices_lost(p))
		return 0;
	if (p->o->require_cgroup)
		return err_msg(e, -EOPNOTSUPP, "linux.resources: cannot be enforced: %s", why->msg);
	if (p->o->warn) {
		struct err line;

		(void)err_msg(&line, 0, "limits are not enforced: %s", why->msg);
		p->o->warn(p->o->warn_ctx, line.msg);
	}
	return 0;
}

/* Like a limit that the kernel does not take: told, or the end. */
static int limit_devices(struct plan *p, int dir, struct err *e)
{
	struct err why = { 0 };
	int r = cgroup_devices_apply(dir, &p->s->res, &why);

	if ((r == -EPERM || r == -ENOSYS) && !devices_lost(p))
		return 0;
	if ((r == -EPERM || r == -ENOSYS) && !p->o->require_cgroup) {
		(void)err_wrap(&why, "not enforced");
		if (p->o->warn)
			p->o->warn(p->o->warn_ctx, why.msg);
		return 0;
	}
	if (r < 0 && e)
		*e = why;
	return r;
}

int cgroup_limit(struct plan *p, int dir, struct err *e)
{
	struct err why = { 0 };
	bool hard;

	/* a hybrid host keeps its controllers elsewhere: the group is then good
	 * for freezing and killing, and limits are told as not enforced */
	int r = cgroup_apply(dir, &p->s->res, &hard, &why);
	if (r < 0 && (p->o->require_cgroup || hard)) {
		if (e)
			*e = why;
		return r;
	}
	if (r < 0 && p->o->warn) {
		(void)err_wrap(&why, "not enforced");
		p->o->warn(p->o->warn_ctx, why.msg);
	}
	return limit_devices(p, dir, e);
}

int cgroup_prepare(struct plan *p, const struct cgroup_ops **ret, struct err *e)
{
	struct err why = { 0 };

	*ret = &cgroup_none;
	if (p->o->cgroup == OCI_CGROUP_DISABLED)
		return 0;
	/* asked for by name: that one or none */
	if (p->o->cgroup == OCI_CGROUP_SYSTEMD) {
		*ret = &cgroup_systemd;
		return cgroup_systemd.prepare(p, e);
	}
	int r = cgroup_fs.prepare(p, &why);
	if (r == 0) {
		*ret = &cgroup_fs;
		return 0;
	}
	/* a scope costs a conversation with systemd: only for limits */
	struct err second = { 0 };
	if (r == -EOPNOTSUPP && p->o->cgroup == OCI_CGROUP_AUTO && wants_limits(&p->s->res) &&
	    cgroup_systemd.prepare(p, &second) == 0) {
		*ret = &cgroup_systemd;
		return 0;
	}
	if (r != -EOPNOTSUPP) {
		if (e)
			*e = why;
		return r;
	}
	return no_cgroup(p, &why, e);
}

int cgroup_attach(struct plan *p, const struct cgroup_ops *cg, struct err *e)
{
	struct err why = { 0 };
	int r = cg->attach(p, p->c->pid, &why);

	/* a manager that was not asked for by name, and does not answer */
	if (r < 0 && p->o->cgroup == OCI_CGROUP_AUTO && !p->c->has_cgroup) {
		p->c->cgroup_scope[0] = '\0';
		return no_cgroup(p, &why, e);
	}
	if (r < 0 && e)
		*e = why;
	return r;
}
