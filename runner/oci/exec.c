/* SPDX-License-Identifier: Apache-2.0
 *
 * exec - a further program in a living container
 *
 * How it works: the namespaces are taken from the pidfd of the init, all by
 * one setns, after comparing them with those recorded at creation: an init
 * that moved elsewhere would lead us into namespaces of its own making. The
 * intermediate process (middle.c) hides itself from the container (not
 * dumpable) before it joins, so that nothing inside can attach to what is
 * still our program. The program is born in the container's cgroup. From a
 * login's own group the kernel forbids that: then systemd moves the process
 * before it executes anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/init.h"
#include "runner/oci/middle.h"
#include "runner/oci/notify.h"
#include "runner/oci/ns.h"
#include "runner/oci/oci.h"
#include "runner/oci/plan.h"
#include "runner/oci/process.h"
#include "runner/oci/raw.h"
#include "runner/oci/sync.h"
#include "runner/oci/terminal.h"

/**
 * struct entry - what the child of an exec needs
 * @pp:		the program
 * @user:	a user namespace was joined
 * @wait:	not to execute anything before it is told to
 * @cgroupns:	pidfd whose cgroup namespace the child joins by itself, or -1
 * @root, @proc: descriptors the child opens
 */
struct entry {
	struct spec mem;
	struct plan_process pp;
	bool user, wait;
	int root, proc, cgroupns;
};

void oci_exec_opts_init(struct oci_exec_opts *o)
{
	*o = (struct oci_exec_opts){ .pidfd = -1, .pid = -1, .stdio = { -1, -1, -1 } };
}

/* Which namespaces differ from ours; and they must be those of the record. */
static int choose_flags(const struct oci_exec_opts *o, int *ret_flags, struct err *e)
{
	struct oci_ns_id own[SPEC_NS_MAX_], theirs[SPEC_NS_MAX_];
	int flags = 0;

	int r = ns_ids(getpid(), own, e);
	if (r < 0)
		return r;
	r = ns_ids(o->pid, theirs, e);
	if (r < 0)
		return r;
	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++) {
		if (!theirs[t].ino)
			continue;
		if (o->ns && o->ns[t].ino &&
		    (o->ns[t].ino != theirs[t].ino || o->ns[t].dev != theirs[t].dev))
			return err_msg(e, -EPERM, "the container's init left its %s namespace",
				       ns_kind(t)->name);
		if (own[t].ino != theirs[t].ino || own[t].dev != theirs[t].dev)
			flags |= (int)ns_kind(t)->flag;
	}
	/* its root is a chroot then, which nothing here leads into */
	if (!(flags & (int)ns_kind(SPEC_NS_MOUNT)->flag))
		return err_msg(e, -EOPNOTSUPP, "the container has no mount namespace of its own: a "
					       "program would run on the host's files");
	/* the numbers above were of a pid: it must still be our process */
	struct pollfd p = { .fd = o->pidfd, .events = POLLIN };
	if (poll(&p, 1, 0) != 0)
		return err_msg(e, -ESRCH, "the container is not running");
	*ret_flags = flags;
	return 0;
}

static int child_proc(struct entry *x, struct err *e)
{
	auto_close int fs = fsopen("proc", FSOPEN_CLOEXEC);
	struct statfs st;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		x->proc = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
							       MOUNT_ATTR_NOEXEC);
	if (x->proc >= 0)
		return 0;
	x->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (x->proc < 0 || fstatfs(x->proc, &st) < 0)
		return err_set(e, -errno, "/proc");
	if (st.f_type != PROC_SUPER_MAGIC)
		return err_msg(e, -ENODEV, "/proc: not a procfs");
	return 0;
}

static int child_setup(struct entry *x, int sync, struct err *e)
{
	const struct spec_process *s = x->pp.s;

	if (x->cgroupns >= 0 && setns(x->cgroupns, CLONE_NEWCGROUP) < 0)
		return err_set(e, -errno, "join the cgroup namespace");
	/* a namespace that maps no 0 has the capabilities all the same */
	if (x->user && (raw_setresgid(0) < 0 || raw_setresuid(0) < 0) && errno != EINVAL)
		return err_set(e, -errno, "become root of the user namespace");
	if (setsid() < 0 && errno != EPERM)
		return err_set(e, -errno, "setsid");
	if (x->pp.keyring)
		(void)raw_keyctl(KEYCTL_JOIN_SESSION_KEYRING, x->pp.keyring);
	if (s->apparmor || s->selinux) {
		int r = child_proc(x, e);
		if (r < 0)
			return r;
	}
	process_home(&x->pp);
	if (!s->terminal)
		return process_stdio(&x->pp, e);

	x->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->root < 0)
		return err_set(e, -errno, "/");
	auto_close int master = -1;
	auto_close int slave = -1;
	int r = terminal_open(x->root, s, &master, &slave, e);
	if (r == 0)
		r = terminal_take(take_fd(&slave), e);
	if (r < 0)
		return r;
	r = sync_send(sync, SYNC_READY, master);
	return r < 0 ? err_set(e, r, "hand over the pty") : 0;
}

static void run_child(void *arg, int sync)
{
	struct entry *x = arg;
	struct err e = { 0 };

	if (child_setup(x, sync, &e) == 0 &&
	    (!x->wait || sync_expect(sync, SYNC_START, NULL, &e) == 0))
		(void)process_exec(&x->pp, x->proc, &sync, &e);
	sync_send_error(sync, &e);
	_exit(1);
}

static int build(const struct oci_exec_opts *o, struct spec_process *p, struct entry *x,
		 struct err *e)
{
	memcpy(x->pp.stdio, o->stdio, sizeof(x->pp.stdio));
	x->pp.keep = o->keep_fds;
	x->pp.n_keep = o->n_keep_fds;
	x->pp.keep_as_is = o->keep_fds_as_is;
	x->pp.death_sig = o->death_sig;
	x->pp.mempolicy = o->mempolicy;
	x->pp.cpus = p->cpus_final;
	if (!o->no_new_keyring)
		x->pp.keyring = "_ses.exec";
	if (o->seccomp)
		x->pp.bpf = *o->seccomp;
	x->pp.listener = -1;
	int r = plan_process_build(&x->mem, p, &x->pp, e);
	if (o->agent)
		x->pp.agent = *o->agent->bpf;
	if (r == 0)
		r = notify_open(o->seccomp_spec, o->agent, &x->pp, e);
	return r;
}

static int converse(const struct spec_process *p, int sync, int *ret_tty, struct err *e)
{
	if (p->terminal) {
		int r = sync_expect(sync, SYNC_READY, ret_tty, e);

		if (r < 0)
			return r;
	}
	return sync_wait_exec(sync, e);
}

static void end_child(int pidfd)
{
	siginfo_t info;

	(void)raw_pidfd_send_signal(pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
}

/*
 * Opens the group for a further process. One that gives controllers to groups
 * below it has no place for processes: the container manages its own (systemd
 * does), and the init's is one of them.
 */
static int open_group(const struct oci_exec_opts *o, char *path, size_t size, struct err *e)
{
	auto_free char *given = NULL;
	auto_close int dir = open(o->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || str_format(path, size, "%s", o->cgroup) < 0)
		return err_set(e, dir < 0 ? -errno : -ENAMETOOLONG, "%s", o->cgroup);
	if (io_read_file_at(dir, "cgroup.subtree_control", 4096, &given, NULL) < 0 ||
	    given[strspn(given, "\n")] == '\0' || cgroup_own(o->pid, path, size, NULL) < 0)
		return take_fd(&dir);
	int inner = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return inner < 0 ? err_set(e, -errno, "%s", path) : inner;
}

/* Makes the child, in the container's cgroup. */
static int spawn(const struct oci_exec_opts *o, struct middle *m, struct entry *x, pid_t *ret_pid,
		 int *ret_pidfd, struct err *e)
{
	char group[OCI_CGROUP_PATH_MAX];

	x->wait = x->pp.notify;
	if (!o->cgroup)
		return middle_spawn(m, ret_pid, ret_pidfd, e);
	auto_close int dir = open_group(o, group, sizeof(group), e);
	if (dir < 0)
		return dir;
	m->cgroup_fd = dir;
	int r = middle_spawn(m, ret_pid, ret_pidfd, e);
	if (r != -EACCES || !strstr(group, ".scope"))
		return r;
	m->cgroup_fd = -1;
	x->wait = true;
	r = middle_spawn(m, ret_pid, ret_pidfd, e);
	if (r < 0)
		return r;
	r = cgroup_systemd_enter(group, *ret_pid, e);
	if (r < 0)
		end_child(*ret_pidfd);
	return r;
}

static int exec_entry(const struct oci_exec_opts *o, struct entry *x, const int *adj, int flags,
		      pid_t *ret_pid, int *ret_pidfd, int *ret_tty, struct err *e)
{
	const struct spec_process *p = x->pp.s;
	char oom[16];
	int pair[2];

	int r = sync_pair(pair, e);
	if (r < 0)
		return r;
	auto_close int sync = pair[0];
	auto_close int theirs = pair[1];

	struct middle m = { .cgroup_fd = -1, .child = run_child, .arg = x, .sync = theirs,
			    .close_fd = sync, .join = { o->pidfd }, .join_flags = { flags },
			    .n_join = flags ? 1 : 0, .n_must = 1, .undumpable = true,
			    .cpus = p->cpus_initial };
	if (adj) {
		(void)snprintf(oom, sizeof(oom), "%d", *adj);
		m.oom = oom;
	}
	m.share_memory = !(flags & (int)ns_kind(SPEC_NS_TIME)->flag) && !m.oom;

	pid_t pid;
	auto_close int pidfd = -1;
	auto_close int tty = -1;
	r = spawn(o, &m, x, &pid, &pidfd, e);
	if (r < 0)
		return r;
	(void)close(take_fd(&theirs));
	r = notify_fill(&x->pp, notify_metadata(o->seccomp_spec, o->agent), o->id, NULL, pid, NULL, e);
	/* only where it is waited for: unread, it would turn the end into a reset */
	if (r == 0 && x->wait)
		r = sync_send(sync, SYNC_START, -1);
	if (r == 0)
		r = converse(p, sync, &tty, e);
	if (r < 0) {
		end_child(pidfd);
		return r;
	}
	*ret_pid = pid;
	*ret_pidfd = take_fd(&pidfd);
	*ret_tty = take_fd(&tty);
	return 0;
}

int oci_exec(const struct oci_exec_opts *o, const struct spec_process *p, pid_t *ret_pid,
	     int *ret_pidfd, int *ret_tty, struct err *e)
{
	struct spec_process copy = *p;
	struct entry x = { .root = -1, .proc = -1, .cgroupns = -1 };
	int flags = 0;

	int r = choose_flags(o, &flags, e);
	if (r < 0)
		return r;
	x.user = flags & CLONE_NEWUSER;
	/* from inside of that namespace nobody is born out of a group that it
	 * does not show, where cgroup2 is mounted with nsdelegate */
	if (o->cgroup && flags & CLONE_NEWCGROUP) {
		x.cgroupns = o->pidfd;
		flags &= ~CLONE_NEWCGROUP;
	}
	spec_init(&x.mem);
	/* set by the intermediate process, while that is permitted */
	copy.has_oom_score_adj = false;
	r = build(o, &copy, &x, e);
	if (r == 0)
		r = exec_entry(o, &x, p->has_oom_score_adj ? &p->oom_score_adj : NULL, flags, ret_pid,
			       ret_pidfd, ret_tty, e);
	notify_close(&x.pp);
	spec_clear(&x.mem);
	return r;
}
