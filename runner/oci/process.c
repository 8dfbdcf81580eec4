/* SPDX-License-Identifier: Apache-2.0
 *
 * process - from a built container to its program: who it is, what it may do
 *
 * How it works: a list of steps whose order is the point. Limits come while
 * there is still the right to raise them; the bounding set before the user
 * changes; the filter last of all where no_new_privs permits that, otherwise
 * while CAP_SYS_ADMIN is still there, which is kept until the exec where the
 * caller has a supervisor (struct oci_agent). Nothing allocates.
 */
#include "runner/oci/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/oci/caps.h"
#include "runner/oci/notify.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"

struct ctx {
	struct plan_process *pp;
	int proc;
	int *sync;
	bool cwd_seen;
};

/* --- before the start: lookups in the container's root ------------------- */

/* One line of passwd: "name:x:uid:gid:gecos:home:shell". */
static bool line_home(char *line, uid_t uid, char *out, size_t size)
{
	char *field[7];
	size_t n = 0;

	for (char *p = line; n < 7; n++) {
		field[n] = p;
		char *colon = strchr(p, ':');
		if (!colon) {
			n++;
			break;
		}
		*colon = '\0';
		p = colon + 1;
	}
	uint32_t id;
	if (n < 6 || num_u32(field[2], &id) < 0 || id != uid || field[5][0] != '/')
		return false;
	return str_format(out, size, "HOME=%s", field[5]) > 0;
}

static bool passwd_home(uid_t uid, char *out, size_t size)
{
	auto_close int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char buf[4096];
	size_t used = 0, total = 0;

	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	for (;;) {
		ssize_t n = read(fd, buf + used, sizeof(buf) - 1 - used);
		if (n < 0)
			return false;
		used += (size_t)n;
		total += (size_t)n;
		buf[used] = '\0';

		char *line = buf;
		for (char *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			if (line_home(line, uid, out, size))
				return true;
		}
		/* a last line without an end, or one longer than the buffer */
		if (n == 0)
			return line_home(line, uid, out, size);
		used = (size_t)(buf + used - line);
		if (used == sizeof(buf) - 1 || total > PLAN_PASSWD_MAX)
			return false;
		memmove(buf, line, used);
	}
}

void process_home(struct plan_process *pp)
{
	if (!pp->home_slot)
		return;
	if (!passwd_home(pp->s->user.uid, pp->home, sizeof(pp->home)))
		(void)str_format(pp->home, sizeof(pp->home), pp->s->user.uid ? "HOME=/" : "HOME=/root");
	*pp->home_slot = pp->home;
}

static int judge(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOENT : -EACCES;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return -EACCES;
	return 0;
}

int process_find(const struct plan_process *pp, char *ret, struct err *e)
{
	const char *name = pp->argv[0];
	int worst = -ENOENT;

	if (strchr(name, '/')) {
		worst = judge(name);
		if (worst == 0 && str_format(ret, PATH_MAX, "%s", name) > 0)
			return 0;
	} else if (*name) {
		for (const char *dir = pp->path; dir;) {
			size_t len = strcspn(dir, ":");

			if (str_format(ret, PATH_MAX, "%.*s/%s", (int)(len ? len : 1),
				       len ? dir : ".", name) > 0) {
				int r = judge(ret);
				if (r == 0)
					return 0;
				if (r == -EACCES)
					worst = r;
			}
			dir = dir[len] ? dir + len + 1 : NULL;
		}
	}
	if (worst == -EACCES)
		return err_msg(e, OCI_ERR_NOT_EXEC, "exec %s: Permission denied", name);
	if (strchr(name, '/'))
		return err_msg(e, OCI_ERR_NOT_FOUND, "exec %s: No such file or directory", name);
	return err_msg(e, OCI_ERR_NOT_FOUND, "exec %s: executable file not found in $PATH", name);
}

int process_stdio(const struct plan_process *pp, struct err *e)
{
	int from[3];

	/* first out of the way: one of them may have the number of another */
	for (int i = 0; i < 3; i++) {
		from[i] = -1;
		if (pp->stdio[i] < 0 || pp->stdio[i] == i)
			continue;
		from[i] = fcntl(pp->stdio[i], F_DUPFD_CLOEXEC, 3);
		if (from[i] < 0)
			return err_set(e, -errno, "stdio: descriptor %d", pp->stdio[i]);
	}
	for (int i = 0; i < 3; i++) {
		if (from[i] >= 0 && dup2(from[i], i) < 0)
			return err_set(e, -errno, "stdio: descriptor %d", i);
		if (from[i] < 0 && pp->stdio[i] == i)
			(void)fd_set_cloexec(i, 0);
		if (from[i] >= 0)
			(void)close(from[i]);
	}
	return 0;
}

/* --- after the start ------------------------------------------------------ */

static int write_proc(const struct ctx *c, const char *path, const char *text, struct err *e)
{
	/* a private procfs and no links: nobody can redirect this write */
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS };
	auto_close int fd = raw_openat2(c->proc, path, &how);

	if (fd < 0)
		return err_set(e, -errno, "/proc/%s", path);
	if (write(fd, text, strlen(text)) < 0)
		return err_set(e, -errno, "/proc/%s: write '%s'", path, text);
	return 0;
}

static int do_oom(struct ctx *c, struct err *e)
{
	char text[16];

	if (!c->pp->s->has_oom_score_adj)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", c->pp->s->oom_score_adj);
	int r = write_proc(c, "thread-self/oom_score_adj", text, e);
	return r < 0 ? err_wrap(e, "process.oomScoreAdj") : 0;
}

static int do_rlimits(struct ctx *c, struct err *e)
{
	const struct spec_process *s = c->pp->s;

	for (size_t i = 0; i < s->n_rlimits; i++)
		if (setrlimit((__rlimit_resource_t)s->rlimits[i].resource, &s->rlimits[i].lim) < 0)
			return err_set(e, -errno, "process.rlimits: limit %d to %llu:%llu",
				       s->rlimits[i].resource,
				       (unsigned long long)s->rlimits[i].lim.rlim_cur,
				       (unsigned long long)s->rlimits[i].lim.rlim_max);
	return 0;
}

/* linux/sched/types.h clashes with sched.h of glibc */
struct sched_attr_v1 {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int do_sched(struct ctx *c, struct err *e)
{
	const struct spec_sched *s = &c->pp->s->sched;
	const struct spec_ioprio *io = &c->pp->s->ioprio;
	enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 };

	if (s->set) {
		struct sched_attr_v1 a = { sizeof(a), (uint32_t)s->policy, s->flags, s->nice,
					   (uint32_t)s->priority, s->runtime, s->deadline, s->period };

		if (syscall(SYS_sched_setattr, 0, &a, 0) < 0)
			return err_set(e, -errno, "process.scheduler");
	}
	if (io->set && syscall(SYS_ioprio_set, WHO_PROCESS, 0,
			       io->class << CLASS_SHIFT | io->priority) < 0)
		return err_set(e, -errno, "process.ioPriority");
	return 0;
}

/* Where memory comes from; children and programs executed inherit it. */
static int do_mempolicy(struct ctx *c, struct err *e)
{
	const struct spec_mempolicy *m = c->pp->mempolicy;

	/* maxnode counts one more than the bits, as the kernel has it */
	if (m && syscall(SYS_set_mempolicy, m->mode, m->nodes.v,
			 m->nodes.n * 8 * sizeof(*m->nodes.v) + (m->nodes.n ? 1 : 0)) < 0)
		return err_set(e, -errno, "linux.memoryPolicy");
	return 0;
}

static int do_affinity(struct ctx *c, struct err *e)
{
	const struct spec_bits *cpus = &c->pp->cpus;

	if (cpus->n && syscall(SYS_sched_setaffinity, 0, cpus->n * sizeof(*cpus->v), cpus->v) < 0)
		return err_set(e, -errno, "process.execCPUAffinity.final");
	return 0;
}

static int do_labels(struct ctx *c, struct err *e)
{
	const struct spec_process *s = c->pp->s;
	char text[1024];
	int r = 0;

	if (s->selinux && *s->selinux)
		r = write_proc(c, "thread-self/attr/exec", s->selinux, e);
	if (r < 0)
		return err_wrap(e, "process.selinuxLabel");
	if (!c->pp->apparmor)
		return 0;
	if (str_format(text, sizeof(text), "exec %s", c->pp->apparmor) < 0)
		return err_msg(e, -EINVAL, "process.apparmorProfile: too long");
	r = write_proc(c, "thread-self/attr/apparmor/exec", text, e);
	if (r == -ENOENT)
		r = write_proc(c, "thread-self/attr/exec", text, e);
	return r < 0 ? err_wrap(e, "process.apparmorProfile") : 0;
}

static int load_filter(struct plan_process *pp, const struct oci_bpf *bpf, bool answered, struct err *e)
{
	struct sock_fprog prog = { .len = (unsigned short)(bpf->bytes / sizeof(struct sock_filter)),
				   .filter = bpf->insns };

	if (!bpf->bytes)
		return 0;
	if (answered)
		return notify_load(pp, &prog, bpf->flags, e);
	if (raw_seccomp(SECCOMP_SET_MODE_FILTER, bpf->flags, &prog) < 0)
		return err_set(e, -errno, "load the seccomp filter");
	return 0;
}

/* A supervisor that answers for ids and capabilities is not to see ours change. */
static bool filter_is_late(const struct plan_process *pp)
{
	return pp->s->no_new_privs || pp->agent.bytes;
}

static int do_early_filter(struct ctx *c, struct err *e)
{
	struct plan_process *pp = c->pp;

	return filter_is_late(pp) ? 0 : load_filter(pp, &pp->bpf, pp->listener >= 0, e);
}

static int do_late_filter(struct ctx *c, struct err *e)
{
	struct plan_process *pp = c->pp;

	if (!filter_is_late(pp))
		return 0;
	if (!pp->agent.bytes)
		return load_filter(pp, &pp->bpf, pp->listener >= 0, e);
	int r = load_filter(pp, &pp->agent, true, e);
	return r < 0 ? r : load_filter(pp, &pp->bpf, false, e);
}

static int do_bounding(struct ctx *c, struct err *e)
{
	const struct spec_caps *caps = &c->pp->s->caps;

	return caps->set ? caps_drop_bounding(caps->bounding, e) : 0;
}

static int do_user(struct ctx *c, struct err *e)
{
	const struct spec_user *u = &c->pp->s->user;

	/* capabilities come by caps_apply(); setuid shall not take them first */
	if (raw_prctl(PR_SET_KEEPCAPS, 1, 0, 0) < 0)
		return err_set(e, -errno, "keep capabilities");
	if (c->pp->gids_ok && raw_setgroups(u->n_gids, u->gids) < 0 &&
	    (u->n_gids || errno != EPERM))
		return err_set(e, -errno, "process.user.additionalGids: setgroups");
	if (raw_setresgid(u->gid) < 0)
		return err_set(e, -errno, "process.user.gid: %u%s", u->gid,
			       errno == EINVAL ? " is not mapped" : "");
	if (raw_setresuid(u->uid) < 0)
		return err_set(e, -errno, "process.user.uid: %u%s", u->uid,
			       errno == EINVAL ? " is not mapped" : "");
	if (u->has_umask)
		(void)umask(u->umask);
	else
		(void)umask(0022);
	return 0;
}

static int do_caps(struct ctx *c, struct err *e)
{
	struct spec_caps caps = c->pp->s->caps;

	/* a filter after this one needs the right; the exec takes it away, for
	 * the bounding set has it no more */
	if (c->pp->agent.bytes && !c->pp->s->no_new_privs) {
		caps.permitted |= UINT64_C(1) << CAP_SYS_ADMIN;
		caps.effective |= UINT64_C(1) << CAP_SYS_ADMIN;
	}
	return caps.set ? caps_apply(&caps, e) : 0;
}

static int do_cwd(struct ctx *c, struct err *e)
{
	char real[PATH_MAX];

	if (chdir(c->pp->s->cwd) < 0)
		return err_set(e, -errno, "process.cwd: %s", c->pp->s->cwd);
	/* a leaked descriptor could make a folder of the host the cwd
	 * (CVE-2024-21626); such a one has no path from this root. The call may
	 * be filtered by now: then the look before the filter counts. */
	long n = syscall(SYS_getcwd, real, sizeof(real));
	if (n < 0 && errno != ENOENT && c->cwd_seen)
		return 0;
	if (n < 0 || real[0] != '/')
		return err_msg(e, -EPERM, "process.cwd: %s is outside the container's root",
			       c->pp->s->cwd);
	return 0;
}

/*
 * Before the filter and the user change. A folder that only the user may enter
 * is looked at later.
 */
static int do_cwd_early(struct ctx *c, struct err *e)
{
	int r = do_cwd(c, e);

	if (r == -EACCES)
		return 0;
	if (r == 0)
		c->cwd_seen = true;
	return r;
}

static int do_no_new_privs(struct ctx *c, struct err *e)
{
	if (c->pp->s->no_new_privs && raw_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0) < 0)
		return err_set(e, -errno, "process.noNewPrivileges");
	return 0;
}

static int do_death_sig(struct ctx *c, struct err *e)
{
	if (!c->pp->death_sig)
		return 0;
	if (raw_prctl(PR_SET_PDEATHSIG, (unsigned long)c->pp->death_sig, 0, 0) < 0)
		return err_set(e, -errno, "set the signal of the caller's death");
	/* it may have died before we asked */
	struct pollfd p = { .fd = *c->sync, .events = POLLIN };
	if (poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR))
		_exit(1);
	return 0;
}

/* Everything but 0 1 2 and what is passed on goes at the exec. */
static int do_fds(struct ctx *c, struct err *e)
{
	const struct plan_process *pp = c->pp;
	unsigned int first = 3;

	if (pp->n_keep && !pp->keep_as_is) {
		int above = 3 + (int)pp->n_keep;
		int copy[64];

		if (pp->n_keep > sizeof(copy) / sizeof(copy[0]))
			return err_msg(e, -E2BIG, "more than 64 descriptors to pass on");
		*c->sync = fcntl(*c->sync, F_DUPFD_CLOEXEC, above);
		for (size_t i = 0; i < pp->n_keep; i++) {
			copy[i] = fcntl(pp->keep[i], F_DUPFD_CLOEXEC, above);
			if (copy[i] < 0)
				return err_set(e, -errno, "pass on descriptor %d", pp->keep[i]);
		}
		for (size_t i = 0; i < pp->n_keep; i++)
			if (dup2(copy[i], 3 + (int)i) < 0)
				return err_set(e, -errno, "pass on descriptor %d", pp->keep[i]);
		first = (unsigned int)above;
	}
	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_set(e, -errno, "close_range");
	if (pp->keep_as_is)
		for (size_t i = 0; i < pp->n_keep; i++) {
			int r = fd_set_cloexec(pp->keep[i], 0);
			if (r < 0)
				return err_set(e, r, "pass on descriptor %d", pp->keep[i]);
		}
	return 0;
}

/* What a shell's "&", nohup or a CI runner has us ignore is not the container's. */
static int do_signals(struct ctx *c, struct err *e)
{
	/* the kernel's struct, all zero: libc's sigaction() refuses its own two signals,
	 * which make(1) leaves ignored */
	static const unsigned long dfl[4];
	sigset_t none;

	(void)c;
	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, dfl, NULL, (NSIG - 1) / 8);
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_set(e, -errno, "unblock signals");
	return 0;
}

static int (*const steps[])(struct ctx *, struct err *) = {
	do_oom,	 do_rlimits, do_affinity, do_mempolicy, do_sched, do_fds,	do_cwd_early, do_labels, do_early_filter, do_bounding, do_user,
	do_caps, do_cwd,     do_signals, do_death_sig, do_no_new_privs,
};

int process_exec(struct plan_process *pp, int proc, int *sync, struct err *e)
{
	struct ctx c = { pp, proc, sync, false };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = steps[i](&c, e);
		if (r < 0)
			return r;
	}
	int r = process_find(pp, path, e);
	if (r < 0)
		return r;
	r = do_late_filter(&c, e);
	if (r < 0)
		return r;
	(void)execve(path, pp->argv, (char *const *)(uintptr_t)pp->envp);
	int code = errno;
	if (code == ENOENT) /* the file is there: its interpreter is not */
		return err_msg(e, OCI_ERR_NOT_FOUND, "exec %s: its interpreter or loader does not exist",
			       path);
	const struct spec_process *s = pp->s;
	const char *label = s->selinux && *s->selinux ? s->selinux : pp->apparmor;
	/* a policy says EACCES, and EPERM to whom has no_new_privs */
	if ((code == EACCES || code == EPERM) && label && *label)
		return err_msg(e, OCI_ERR_NOT_EXEC, "exec %s as %s '%s': %s", path,
			       label == s->selinux ? "process.selinuxLabel" : "process.apparmorProfile",
			       label, strerrordesc_np(code));
	return err_msg(e, OCI_ERR_NOT_EXEC, "exec %s: %s", path, strerrordesc_np(code));
}
