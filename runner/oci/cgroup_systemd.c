/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup_systemd - a transient scope, asked of systemd over D-Bus
 *
 * How it works: systemd owns the tree; it makes a delegated scope for a
 * process that exists already. So the child is made first, waits, and gets
 * its cgroup namespace only after the move (late_cgroupns). libsystemd is
 * loaded when it is needed: most starts do without, and hosts without
 * systemd do not have it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/ns.h"
#include "runner/oci/plan.h"

enum { MOVE_WAIT_MS = 5000, NAP_NS = 1000 * 1000, REUSE_TRIES = 100 };

/* What sd-bus.h declares, as far as it is used. */
typedef int open_fn(void **bus);
typedef int new_call_fn(void *bus, void **m, const char *dest, const char *path,
			const char *interface, const char *member);
typedef int append_fn(void *m, const char *types, ...);
typedef int container_fn(void *m, char type, const char *contents);
typedef int close_fn(void *m);
struct bus_error {
	const char *name, *message;
	int need_free;
};
typedef int call_fn(void *bus, void *m, uint64_t usec, struct bus_error *e, void **reply);
typedef void *unref_fn(void *p);
typedef void error_free_fn(struct bus_error *e);

struct sdbus {
	void *lib;
	open_fn *open_user, *open_system;
	new_call_fn *new_call;
	append_fn *append;
	container_fn *open_container;
	close_fn *close_container;
	call_fn *call;
	unref_fn *bus_unref, *message_unref;
	error_free_fn *error_free;
};

static int load(struct sdbus *b, struct err *e)
{
	b->lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!b->lib)
		return err_msg(e, -EOPNOTSUPP, "systemd: libsystemd.so.0 is not installed");

	const struct {
		const char *name;
		void *to;
	} rows[] = {
		{ "sd_bus_open_user", &b->open_user },
		{ "sd_bus_open_system", &b->open_system },
		{ "sd_bus_message_new_method_call", &b->new_call },
		{ "sd_bus_message_append", &b->append },
		{ "sd_bus_message_open_container", &b->open_container },
		{ "sd_bus_message_close_container", &b->close_container },
		{ "sd_bus_call", &b->call },
		{ "sd_bus_flush_close_unref", &b->bus_unref },
		{ "sd_bus_message_unref", &b->message_unref },
		{ "sd_bus_error_free", &b->error_free },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fn = dlsym(b->lib, rows[i].name);

		if (!fn)
			return err_msg(e, -EOPNOTSUPP, "systemd: libsystemd has no %s", rows[i].name);
		memcpy(rows[i].to, &fn, sizeof(fn));
	}
	return 0;
}

/* "slice:prefix:name" as engines write cgroupsPath for systemd. */
static int scope_name(const struct plan *p, char *unit, size_t size, char *slice, size_t slice_size,
		      struct err *e)
{
	const char *path = p->s->cgroups_path;
	const char *first = path ? strchr(path, ':') : NULL;
	const char *second = first ? strchr(first + 1, ':') : NULL;
	int r;

	slice[0] = '\0';
	if (second) {
		int n = (int)(second - first - 1);

		r = str_format(slice, slice_size, "%.*s", (int)(first - path), path);
		if (r >= 0)
			r = str_format(unit, size, "%.*s%s%s.scope", n, first + 1, n ? "-" : "", second + 1);
	} else {
		const char *slash = path ? strrchr(path, '/') : NULL;

		r = str_format(unit, size, "runner-oci-%s.scope",
			       slash && slash[1] ? slash + 1 : p->o->id);
	}
	if (r < 0)
		return err_set(e, r, "linux.cgroupsPath: %s", path ? path : p->o->id);
	for (const char *c = unit; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.@\\", *c))
			return err_msg(e, -EINVAL, "linux.cgroupsPath: '%s' is no name of a unit", unit);
	return 0;
}

static int systemd_prepare(struct plan *p, struct err *e)
{
	const char *mount = cgroup2_mount();
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (!mount || strcmp(mount, "/sys/fs/cgroup") != 0)
		return err_msg(e, -EOPNOTSUPP, "systemd: needs the unified cgroup hierarchy");
	if (access("/run/systemd/system", F_OK) < 0)
		return err_msg(e, -EOPNOTSUPP, "systemd: does not run this host");
	if (!(geteuid() == 0 && ns_user_is_initial()) && !run && !getenv("DBUS_SESSION_BUS_ADDRESS"))
		return err_msg(e, -EOPNOTSUPP, "systemd: no XDG_RUNTIME_DIR to find the user's manager");
	p->wait_cgroup = true;
	p->late_cgroupns = p->clone & CLONE_NEWCGROUP;
	p->clone &= ~(uint64_t)CLONE_NEWCGROUP;
	return 0;
}

static int add_number(const struct sdbus *b, void *m, const char *name, uint64_t v)
{
	return b->append(m, "(sv)", name, "t", v);
}

/* Of the spec's numbers; below 0 is no limit. */
static int add_limit(const struct sdbus *b, void *m, const char *name, const struct spec_opt_i64 *v)
{
	if (!v->set || v->v == 0)
		return 0;
	return add_number(b, m, name, v->v < 0 ? UINT64_MAX : (uint64_t)v->v);
}

static int add_cpu(const struct sdbus *b, void *m, const struct spec_resources *r)
{
	const uint64_t second = 1000000;
	uint64_t period = r->cpu_period.v > 0 ? (uint64_t)r->cpu_period.v : 100000;
	int ret = 0;

	if (r->cpu_quota.set && r->cpu_quota.v > 0)
		ret = add_number(b, m, "CPUQuotaPerSecUSec", (uint64_t)r->cpu_quota.v * second / period);
	else if (r->cpu_quota.set && r->cpu_quota.v < 0)
		ret = add_number(b, m, "CPUQuotaPerSecUSec", UINT64_MAX);
	if (ret >= 0 && r->cpu_period.v > 0)
		ret = add_number(b, m, "CPUQuotaPeriodUSec", period);
	if (ret >= 0 && r->cpu_shares.set && r->cpu_shares.v > 0)
		ret = add_number(b, m, "CPUWeight", (uint64_t)cgroup_weight(r->cpu_shares.v));
	return ret;
}

/* Those that systemd would otherwise set back at its next reload. */
static int add_limits(const struct sdbus *b, void *m, const struct spec_resources *r)
{
	int ret = add_limit(b, m, "MemoryMax", &r->mem_limit);

	if (ret >= 0)
		ret = add_limit(b, m, "MemoryLow", &r->mem_reservation);
	if (ret >= 0 && r->mem_swap.set && r->mem_limit.set && r->mem_swap.v > r->mem_limit.v)
		ret = add_number(b, m, "MemorySwapMax", (uint64_t)(r->mem_swap.v - r->mem_limit.v));
	struct spec_opt_i64 pids = { r->pids_limit.set, cgroup_pids(r->pids_limit.v) };
	if (ret >= 0)
		ret = add_limit(b, m, "TasksMax", &pids);
	return ret < 0 ? ret : add_cpu(b, m, r);
}

static int fill_call(const struct sdbus *b, void *m, const struct plan *p, pid_t pid,
		     const char *unit, const char *slice)
{
	int r = b->append(m, "ss", unit, "fail");

	if (r >= 0)
		r = b->open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = b->append(m, "(sv)", "Description", "s", p->o->id);
	if (r >= 0)
		r = b->append(m, "(sv)", "PIDs", "au", 1, (uint32_t)pid);
	if (r >= 0)
		r = b->append(m, "(sv)", "Delegate", "b", 1);
	if (r >= 0)
		r = b->append(m, "(sv)", "DefaultDependencies", "b", 0);
	if (r >= 0)
		r = b->append(m, "(sv)", "CollectMode", "s", "inactive-or-failed");
	if (r >= 0 && slice[0])
		r = b->append(m, "(sv)", "Slice", "s", slice);
	if (r >= 0)
		r = add_limits(b, m, &p->s->res);
	if (r >= 0)
		r = b->close_container(m);
	if (r >= 0)
		r = b->append(m, "a(sa(sv))", 0);
	return r;
}

static int manager_call(const struct sdbus *b, void *bus, const char *method, void **ret)
{
	return b->new_call(bus, ret, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
			   "org.freedesktop.systemd1.Manager", method);
}

/* A scope that failed stays loaded until somebody has looked. */
static void forget_failed(const struct sdbus *b, void *bus, const char *unit)
{
	struct bus_error why = { 0 };
	void *m = NULL;

	if (manager_call(b, bus, "ResetFailedUnit", &m) >= 0 && b->append(m, "s", unit) >= 0)
		(void)b->call(bus, m, 0, &why, NULL);
	b->error_free(&why);
	if (m)
		(void)b->message_unref(m);
}

static int start_scope(const struct sdbus *b, void *bus, const struct plan *p, pid_t pid,
		       const char *unit, const char *slice, struct err *e)
{
	const struct timespec nap = { .tv_nsec = 10 * NAP_NS };
	struct bus_error why = { 0 };
	void *m = NULL;
	int r;

	for (int tries = 0;; tries++) {
		r = manager_call(b, bus, "StartTransientUnit", &m);
		if (r >= 0)
			r = fill_call(b, m, p, pid, unit, slice);
		if (r >= 0)
			r = b->call(bus, m, 0, &why, NULL);
		/* one of that name that has just ended is about to go */
		if (r != -EEXIST || tries == REUSE_TRIES)
			break;
		b->error_free(&why);
		(void)b->message_unref(m);
		m = NULL;
		if (tries == 0)
			forget_failed(b, bus, unit);
		(void)nanosleep(&nap, NULL);
	}
	if (r < 0)
		r = err_set(e, r, "systemd: start %s%s%s", unit, why.message ? ": " : "",
			    why.message ? why.message : "");
	b->error_free(&why);
	if (m)
		(void)b->message_unref(m);
	return r < 0 ? r : 0;
}

/* The answer only says that the job is queued; the move is what counts. */
static int wait_moved(pid_t pid, const char *unit, char *ret, size_t size, struct err *e)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (int i = 0; i < MOVE_WAIT_MS; i++) {
		int r = cgroup_own(pid, ret, size, e);
		if (r < 0)
			return r;
		if (str_ends(ret, unit))
			return 0;
		(void)nanosleep(&nap, NULL);
	}
	return err_msg(e, -ETIMEDOUT, "systemd: %s did not take the process", unit);
}

static int connect_bus(struct sdbus *b, void **ret, struct err *e)
{
	bool root = geteuid() == 0 && ns_user_is_initial();
	int r = load(b, e);

	if (r < 0)
		return r;
	r = root ? b->open_system(ret) : b->open_user(ret);
	if (r < 0)
		return err_set(e, r, "systemd: connect to the %s bus", root ? "system" : "user's");
	return 0;
}

static int systemd_attach(struct plan *p, pid_t pid, struct err *e)
{
	struct oci_container *c = p->c;
	struct sdbus b = { 0 };
	void *bus = NULL;
	char slice[128];

	int r = scope_name(p, c->cgroup_scope, sizeof(c->cgroup_scope), slice, sizeof(slice), e);
	if (r == 0)
		r = connect_bus(&b, &bus, e);
	if (r < 0)
		return r;
	r = start_scope(&b, bus, p, pid, c->cgroup_scope, slice, e);
	(void)b.bus_unref(bus);
	if (r == 0)
		r = wait_moved(pid, c->cgroup_scope, c->cgroup, sizeof(c->cgroup), e);
	if (r < 0)
		return r;

	c->has_cgroup = c->cgroup_ours = true;
	auto_close int dir = open(c->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, -errno, "%s", c->cgroup);
	return cgroup_limit(p, dir, e);
}

/* ".../UNIT.scope/sub/group": the unit, and what is below it. */
static int split_scope(const char *cgroup, char *unit, size_t size, const char **ret_below)
{
	static const char suffix[] = ".scope";

	for (const char *at = strstr(cgroup, suffix); at; at = strstr(at + 1, suffix)) {
		const char *end = at + sizeof(suffix) - 1, *start = at;

		if (*end && *end != '/')
			continue;
		while (start > cgroup && start[-1] != '/')
			start--;
		*ret_below = end;
		return str_format(unit, size, "%.*s", (int)(end - start), start) < 0 ? -ENAMETOOLONG : 0;
	}
	return -EOPNOTSUPP;
}

int cgroup_systemd_enter(const char *cgroup, pid_t pid, struct err *e)
{
	struct bus_error why = { 0 };
	void *bus = NULL, *m = NULL;
	struct sdbus b = { 0 };
	const char *below;
	char unit[256];

	int r = split_scope(cgroup, unit, sizeof(unit), &below);
	if (r < 0)
		return err_set(e, r, "%s", cgroup);
	r = connect_bus(&b, &bus, e);
	if (r < 0)
		return r;
	r = manager_call(&b, bus, "AttachProcessesToUnit", &m);
	if (r >= 0)
		r = b.append(m, "ssau", unit, below, 1, (uint32_t)pid);
	if (r >= 0)
		r = b.call(bus, m, 0, &why, NULL);
	if (r < 0)
		r = err_set(e, r, "systemd: enter %s%s%s", unit, why.message ? ": " : "",
			    why.message ? why.message : "");
	b.error_free(&why);
	if (m)
		(void)b.message_unref(m);
	(void)b.bus_unref(bus);
	return r < 0 ? r : 0;
}

void cgroup_systemd_update(const char *cgroup, const struct spec_resources *res)
{
	struct bus_error why = { 0 };
	void *bus = NULL, *m = NULL;
	struct sdbus b = { 0 };
	const char *below;
	char unit[256];

	if (split_scope(cgroup, unit, sizeof(unit), &below) < 0 || *below)
		return;
	if (connect_bus(&b, &bus, NULL) < 0)
		return;
	int r = manager_call(&b, bus, "SetUnitProperties", &m);
	if (r >= 0)
		r = b.append(m, "sb", unit, /* until it ends */ 1);
	if (r >= 0)
		r = b.open_container(m, 'a', "(sv)");
	if (r >= 0)
		r = add_limits(&b, m, res);
	if (r >= 0)
		r = b.close_container(m);
	if (r >= 0)
		(void)b.call(bus, m, 0, &why, NULL);
	b.error_free(&why);
	if (m)
		(void)b.message_unref(m);
	(void)b.bus_unref(bus);
}

const struct cgroup_ops cgroup_systemd = { "systemd", systemd_prepare, systemd_attach };
