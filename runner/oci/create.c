/* SPDX-License-Identifier: Apache-2.0
 *
 * create - make a container up to the point where its program can start
 *
 * How it works: plan, cgroup, one clone3, then the parent's half of the
 * protocol in sync.h. Where namespaces have to be joined that take effect at
 * a fork, an intermediate process with a stack of its own and our descriptor
 * table joins them and makes the child as our child (CLONE_PARENT), so that
 * nothing of ours changes and the pidfd lands in our table.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/hook.h"
#include "runner/oci/init.h"
#include "runner/oci/middle.h"
#include "runner/oci/netdev.h"
#include "runner/oci/notify.h"
#include "runner/oci/ns.h"
#include "runner/oci/oci.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"
#include "runner/oci/state.h"
#include "runner/oci/sync.h"

int oci_exit_code(int code)
{
	return code == OCI_ERR_NOT_FOUND ? 127 : code == OCI_ERR_NOT_EXEC ? 126 : 125;
}

void oci_create_opts_init(struct oci_create_opts *o)
{
	*o = (struct oci_create_opts){ .stdio = { -1, -1, -1 }, .rootfs_fd = -1, .netns_sock = -1,
				      .start_fd = -1 };
}

void oci_container_init(struct oci_container *c)
{
	*c = (struct oci_container){ .pid = -1, .pidfd = -1, .sync_fd = -1, .terminal_fd = -1,
				     .notify_fd = -1 };
}

void oci_container_close(struct oci_container *c)
{
	int *fds[] = { &c->pidfd, &c->sync_fd, &c->terminal_fd, &c->notify_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			(void)close(take_fd(fds[i]));
}

static int step(const struct plan *p, const char *name, struct err *e)
{
	return p->o->step ? p->o->step(p->o->step_ctx, name, p->c, e) : 0;
}

static void run_child(void *arg, int sync)
{
	init_run(arg, sync);
}

/* The child of the plan: directly, or through the intermediate process. */
static int spawn(struct plan *p, const int sync[2], struct err *e)
{
	struct middle m = { .clone = p->clone, .cgroup_fd = p->cgroup_fd, .child = run_child,
			    .arg = p, .sync = sync[1], .close_fd = sync[0], .oom = NULL };
	size_t n = 0;

	if (!p->middle)
		return middle_direct(&m, &p->c->pid, &p->c->pidfd, e);

	/* the user namespace first: it gives the right to join the others */
	static const enum spec_ns_type order[] = { SPEC_NS_USER, SPEC_NS_PID, SPEC_NS_TIME };
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (p->join[order[i]] >= 0) {
			m.join[n] = p->join[order[i]];
			m.join_flags[n++] = (int)ns_kind(order[i])->flag;
		}
	/* a new user namespace would have no right to these: try before it */
	static const enum spec_ns_type others[] = { SPEC_NS_IPC, SPEC_NS_UTS, SPEC_NS_NETWORK,
						    SPEC_NS_CGROUP };
	m.n_must = n;
	for (size_t i = 0; p->new_user && i < sizeof(others) / sizeof(others[0]); i++)
		if (p->join[others[i]] >= 0) {
			m.join[n] = p->join[others[i]];
			m.join_flags[n++] = (int)ns_kind(others[i])->flag;
		}
	m.n_join = n;
	m.share_memory = p->join[SPEC_NS_TIME] < 0;
	return middle_spawn(&m, &p->c->pid, &p->c->pidfd, e);
}

/* The hooks of our side, while the child waits for them. */
static int run_hooks(struct plan *p, struct err *e)
{
	int r = sync_expect(p->c->sync_fd, SYNC_MOUNTED, NULL, e);

	if (r < 0)
		return r;
	r = step(p, "mounted", e);
	if (r < 0)
		return r;
	r = hook_run_all(p->s, SPEC_HOOK_PRESTART, p->state_fd, e);
	if (r < 0)
		return r;
	r = hook_run_all(p->s, SPEC_HOOK_CREATE_RUNTIME, p->state_fd, e);
	if (r < 0)
		return r;
	r = step(p, "hooked", e);
	if (r < 0)
		return r;
	r = sync_send(p->c->sync_fd, SYNC_HOOKED, -1);
	return r < 0 ? err_set(e, r, "tell the container's process") : 0;
}

/* Hooks read the state from a file that exists before the child does. */
static int open_state(struct plan *p, struct err *e)
{
	bool any = p->hooks || p->s->hooks[SPEC_HOOK_START_CONTAINER].n;

	if (!any)
		return 0;
	p->state_fd = memfd_create("state", MFD_CLOEXEC);
	return p->state_fd < 0 ? err_set(e, -errno, "memfd") : 0;
}

static int write_state(struct plan *p, struct err *e)
{
	if (p->state_fd < 0)
		return 0;

	struct oci_state st = { .id = p->o->id, .status = "created", .pid = p->c->pid,
				.bundle = p->o->bundle, .spec = p->s };
	auto_free char *text = state_json(&st);
	int r = io_write_all(p->state_fd, text, strlen(text));
	return r < 0 ? err_set(e, r, "write the state for hooks") : 0;
}

/* Its own network namespace exists since the clone; one by path is joined later. */
static int move_devices(struct plan *p, struct err *e)
{
	char path[64];

	if (!p->s->n_netdevs)
		return 0;
	if (p->join[SPEC_NS_NETWORK] >= 0)
		return netdev_move_all(p->s, p->join[SPEC_NS_NETWORK], e);
	if (p->s->ns[SPEC_NS_NETWORK].path)
		return err_msg(e, -EINVAL, "linux.netDevices: the network namespace is our own");
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", p->c->pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_set(e, -errno, "%s", path) : netdev_move_all(p->s, fd, e);
}

static int converse(struct plan *p, const struct cgroup_ops *cg, struct err *e)
{
	struct oci_container *c = p->c;

	int r = step(p, "cloned", e);
	if (r == 0)
		r = cgroup_attach(p, cg, e);
	if (r == 0)
		r = write_state(p, e);
	if (r == 0)
		r = notify_fill(&p->proc, notify_metadata(&p->s->seccomp, p->o->agent), p->o->id,
				p->o->bundle, c->pid, p->s, e);
	if (r == 0 && plan_waits(p)) {
		if (p->new_user)
			r = ns_write_maps(c->pid, &p->uidmap, &p->gidmap, e);
		if (r == 0)
			r = step(p, "mapped", e);
		if (r == 0)
			r = move_devices(p, e);
		if (r == 0)
			r = sync_send(c->sync_fd, SYNC_MAPPED, -1);
	}
	if (r < 0)
		return r;
	if (p->hooks) {
		r = run_hooks(p, e);
		if (r < 0)
			return r;
	}
	r = step(p, "building", e);
	if (r < 0)
		return r;
	r = sync_expect(c->sync_fd, SYNC_READY, p->s->process.terminal ? &c->terminal_fd : NULL, e);
	if (r < 0)
		return r;
	if (p->o->ns_ids)
		r = ns_ids(c->pid, c->ns, e);
	return r < 0 ? r : step(p, "ready", e);
}

/* What the child had to say is better than that it is gone. */
static void prefer_report(struct plan *p, struct err *e)
{
	struct err why = { 0 };

	if (!e || e->code != -EPIPE)
		return;
	if (sync_wait_exec(p->c->sync_fd, &why) < 0)
		*e = why;
	else
		(void)err_msg(e, -EPIPE, "the container's process died before it was ready");
}

static void abandon(struct plan *p)
{
	struct oci_container *c = p->c;

	if (c->pidfd >= 0) {
		siginfo_t info;

		(void)raw_pidfd_send_signal(c->pidfd, SIGKILL);
		while (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
	}
	if (c->cgroup_ours)
		(void)oci_cgroup_remove(c->cgroup, c->cgroup_scope, NULL);
	oci_container_close(c);
}

static int create_planned(struct plan *p, struct err *e)
{
	const struct cgroup_ops *cg;
	int sync[2];

	int r = open_state(p, e);
	if (r < 0)
		return r;
	r = sync_pair(sync, e);
	if (r < 0)
		return r;
	p->c->sync_fd = sync[0];
	auto_close int theirs = sync[1];

	r = step(p, "planned", e);
	if (r == 0)
		r = cgroup_prepare(p, &cg, e);
	if (r == 0)
		r = step(p, "cgroup", e);
	if (r == 0)
		r = spawn(p, sync, e);
	if (r < 0)
		return r;
	(void)close(take_fd(&theirs));
	r = converse(p, cg, e);
	if (r < 0)
		prefer_report(p, e);
	return r < 0 && e ? e->code : r;
}

static void clear_plan(struct plan *p)
{
	plan_clear(p);
}
DEFINE_AUTO_CLEAR(struct plan, clear_plan);

int oci_create(const struct spec *s, const struct oci_create_opts *o, struct oci_container *ret,
	       struct err *e)
{
	struct oci_container c;
	AUTO(clear_plan) struct plan p = { 0 };

	oci_container_init(&c);
	int r = plan_build(s, o, &p, e);
	if (r < 0)
		return r;
	p.c = &c;
	r = create_planned(&p, e);
	if (r < 0) {
		abandon(&p);
		return r;
	}
	*ret = c;
	return 0;
}

int oci_start(struct oci_container *c, struct err *e)
{
	auto_close int sync = take_fd(&c->sync_fd);
	int r = sync_send(sync, SYNC_START, -1);

	/* a child that died has left its reason, or none */
	if (r < 0 && r != -EPIPE)
		return err_set(e, r, "tell the container's process to start");
	int why = sync_wait_exec(sync, e);
	if (why < 0)
		return why;
	return r < 0 ? err_msg(e, r, "the container's process died before its start") : 0;
}

int oci_kill(int pidfd, int sig, struct err *e)
{
	if (raw_pidfd_send_signal(pidfd, sig) < 0)
		return err_set(e, -errno, "signal %d", sig);
	return 0;
}
