/* SPDX-License-Identifier: Apache-2.0
 *
 * init - what the container's first process does before its program runs
 *
 * How it works: two lists of named steps, before and after the root switch,
 * each step executing its part of the plan. The failing step's name prefixes
 * the error, which goes to the parent as the last message (sync.h). No step
 * allocates memory: the process is a clone of one that may hold any lock.
 */
#include "runner/oci/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/oci/device.h"
#include "runner/oci/hook.h"
#include "runner/oci/mount.h"
#include "runner/oci/ns.h"
#include "runner/oci/plan.h"
#include "runner/oci/process.h"
#include "runner/oci/raw.h"
#include "runner/oci/rootfs.h"
#include "runner/oci/sync.h"
#include "runner/oci/terminal.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static int step_userns(struct init *i, struct err *e)
{
	if (plan_waits(i->p)) {
		int r = sync_expect(i->sync, SYNC_MAPPED, NULL, e);
		if (r < 0)
			return r;
	}
	if (!i->p->new_user && i->p->join[SPEC_NS_USER] < 0)
		return 0;
	/* root of the new namespace, whoever we were outside; a namespace that
	 * maps no 0 has the capabilities all the same */
	if ((raw_setresgid(0) < 0 || raw_setresuid(0) < 0) && errno != EINVAL)
		return err_set(e, -errno, "become root of the user namespace");
	return 0;
}

static int step_join(struct init *i, struct err *e)
{
	if (i->p->late_cgroupns && unshare(CLONE_NEWCGROUP) < 0)
		return err_set(e, -errno, "make a cgroup namespace");

	static const enum spec_ns_type order[] = {
		SPEC_NS_IPC, SPEC_NS_UTS, SPEC_NS_NETWORK, SPEC_NS_CGROUP, SPEC_NS_MOUNT,
	};

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		int fd = i->p->join[order[k]];

		/* what the intermediate process joined already is no error twice */
		if (fd >= 0 && !ns_is_current(order[k], fd) &&
		    setns(fd, (int)ns_kind(order[k])->flag) < 0)
			return err_set(e, -errno, "join %s", ns_kind(order[k])->name);
	}
	return 0;
}

static int step_session(struct init *i, struct err *e)
{
	if (setsid() < 0 && errno != EPERM)
		return err_set(e, -errno, "setsid");
	if (!i->p->proc.keyring)
		return 0;
	/* without: a kernel with no keyrings, or a user out of quota */
	if (raw_keyctl(KEYCTL_JOIN_SESSION_KEYRING, i->p->proc.keyring) < 0 && errno != ENOSYS &&
	    errno != EDQUOT && errno != EPERM)
		return err_set(e, -errno, "make a session keyring");
	return 0;
}

static int step_names(struct init *i, struct err *e)
{
	const struct spec *s = i->p->s;

	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_set(e, -errno, "hostname: %s", s->hostname);
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return err_set(e, -errno, "domainname: %s", s->domainname);
	return 0;
}

/* Made by somebody else on another processor, or by nobody: then we make it. */
static int step_network(struct init *i, struct err *e)
{
	auto_close int fd = -1;
	size_t n = 0;
	char byte;

	if (!i->p->late_netns)
		return 0;
	/* messages without a descriptor are not for us */
	while (!n && sock_recv_fds(i->p->o->netns_sock, &byte, 1, &fd, 1, &n) > 0)
		;
	if (!n)
		fd = -1;
	if (fd < 0 && unshare(CLONE_NEWNET) < 0)
		return err_set(e, -errno, "make a network namespace%s",
			       errno == ENOSPC ? " (too many namespaces: /proc/sys/user)" : "");
	if (fd >= 0 && setns(fd, CLONE_NEWNET) < 0)
		return err_set(e, -errno, "join a network namespace");
	return 0;
}

/* A new network has its loopback down; nobody else is there to bring it up. */
static int step_loopback(struct init *i, struct err *e)
{
	const struct spec_ns *net = &i->p->s->ns[SPEC_NS_NETWORK];
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_close int fd = -1;

	if (!net->set || net->path)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return err_set(e, -errno, "lo");
	return 0;
}

/* A procfs of our own pid namespace that is attached nowhere. */
static int step_proc(struct init *i, struct err *e)
{
	auto_close int fs = fsopen("proc", FSOPEN_CLOEXEC);

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		i->proc = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
							       MOUNT_ATTR_NOEXEC);
	if (i->proc >= 0)
		return 0;
	/* refused where the host's own is covered in parts: then the host's,
	 * as long as it is one */
	struct statfs st;
	i->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (i->proc < 0 || fstatfs(i->proc, &st) < 0)
		return err_set(e, -errno, "/proc");
	if (st.f_type != PROC_SUPER_MAGIC)
		return err_msg(e, -ENODEV, "/proc: not a procfs");
	return 0;
}

static int write_below(int dir, const char *path, const char *text)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS };
	auto_close int fd = raw_openat2(dir, path, &how);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int step_time(struct init *i, struct err *e)
{
	const struct spec *s = i->p->s;
	char text[128];
	int n = 0;

	if (!s->ns[SPEC_NS_TIME].set || s->ns[SPEC_NS_TIME].path)
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_set(e, -errno, "make a time namespace");
	if (s->monotonic.set)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "monotonic %lld %u\n",
			      (long long)s->monotonic.secs, s->monotonic.nanosecs);
	if (s->boottime.set)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "boottime %lld %u\n",
			      (long long)s->boottime.secs, s->boottime.nanosecs);
	int r = n ? write_below(i->proc, "thread-self/timens_offsets", text) : 0;
	if (r == -ENOENT)
		r = write_below(i->proc, "self/timens_offsets", text);
	if (r < 0)
		return err_set(e, r, "linux.timeOffsets");
	/* before Linux 6.3 only children enter it, not who executes a program */
	auto_close int fd = openat(i->proc, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return err_set(e, -errno, "enter the time namespace");
	return 0;
}

static int step_sysctl(struct init *i, struct err *e)
{
	const struct spec *s = i->p->s;

	for (size_t k = 0; k < s->n_sysctl; k++) {
		char path[PATH_MAX];
		int r = str_format(path, sizeof(path), "sys/%s", s->sysctl[k].key);

		if (r < 0)
			return err_set(e, r, "linux.sysctl: %s", s->sysctl[k].key);
		/* "net.ipv4.conf.eth0/1.x" and "net/ipv4/..." are both written */
		bool dots = !strchr(path + 4, '/') || strchr(path + 4, '.') < strchr(path + 4, '/');
		for (char *c = path + 4; dots && *c; c++)
			*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
		r = write_below(i->proc, path, s->sysctl[k].value);
		if (r < 0)
			return err_set(e, r, "linux.sysctl: %s = '%s'", s->sysctl[k].key,
				       s->sysctl[k].value);
	}
	return 0;
}

static int step_hooks(struct init *i, struct err *e)
{
	if (!i->p->hooks)
		return 0;
	int r = sync_send(i->sync, SYNC_MOUNTED, -1);
	if (r < 0)
		return err_set(e, r, "tell the parent");
	r = sync_expect(i->sync, SYNC_HOOKED, NULL, e);
	if (r < 0)
		return r;
	return hook_run_all(i->p->s, SPEC_HOOK_CREATE_CONTAINER, i->p->state_fd, e);
}

static int step_terminal(struct init *i, struct err *e)
{
	const struct spec_process *p = &i->p->s->process;
	auto_close int slave = -1;

	if (!p->terminal)
		return process_stdio(&i->p->proc, e);
	int r = terminal_open(i->root, p, &i->master, &slave, e);
	if (r == 0 && i->p->dev_mounted)
		r = terminal_console(i, slave, e);
	return r < 0 ? r : terminal_take(take_fd(&slave), e);
}

static int step_lookup(struct init *i, struct err *e)
{
	char path[PATH_MAX];

	process_home(&i->p->proc);
	/* a relative program is looked up again from its cwd, at the exec */
	const char *name = i->p->proc.argv[0];
	if (strchr(name, '/') && name[0] != '/')
		return 0;
	return process_find(&i->p->proc, path, e);
}

static int step_personality(struct init *i, struct err *e)
{
	if (i->p->s->has_personality && personality(i->p->s->personality) < 0)
		return err_set(e, -errno, "linux.personality");
	return 0;
}

static const struct init_step steps[] = {
	{ "user namespace", step_userns },
	{ "namespaces", step_join },
	{ "session", step_session },
	{ "names", step_names },
	{ "proc", step_proc },
	{ "time namespace", step_time },
	{ "isolate mounts", rootfs_isolate },
	{ "network", step_network },
	{ "loopback", step_loopback },
	{ "mount sources", mount_open_sources },
	{ "root", rootfs_attach },
	{ "mount", mount_make_all },
	{ "devices", device_make_all },
	{ "sysctl", step_sysctl },
	{ "cwd", rootfs_make_cwd },
	{ "hooks", step_hooks },
	{ "terminal", step_terminal },
	{ "mask", mount_mask_all },
	{ "read-only", mount_late },
	{ "switch root", rootfs_switch },
	{ "root flags", rootfs_finish },
	{ "personality", step_personality },
	{ "program", step_lookup },
};

static _Noreturn void give_up(const struct init *i, const struct err *e)
{
	sync_send_error(i->sync, e);
	_exit(1);
}

/*
 * While it waits for a later command the process must not hold what was its
 * maker's: locks above all, which would outlive a killed maker.
 */
static int close_others(const struct init *i, struct err *e)
{
	enum { OWN = 6, KEEP_MAX = 1024 };
	const struct plan_process *pp = &i->p->proc;
	int keep[KEEP_MAX + OWN] = { i->sync, i->p->o->start_fd, i->proc, i->p->state_fd,
				     i->master, pp->listener };
	size_t n = OWN;

	if (pp->n_keep > KEEP_MAX)
		return err_msg(e, -E2BIG, "more than %d descriptors to pass on", KEEP_MAX);
	for (size_t k = 0; k < pp->n_keep; k++)
		keep[n++] = pp->keep[k];
	int r = fd_close_from(3, keep, n);
	return r < 0 ? err_set(e, r, "close descriptors") : 0;
}

/* START comes over the pair, or through a listener that `start` connects to. */
static int wait_start(struct init *i, struct err *e)
{
	int listener = i->p->o->start_fd;

	if (listener < 0)
		return sync_expect(i->sync, SYNC_START, NULL, e);
	(void)close(take_fd(&i->sync));
	for (;;) {
		auto_close int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct err why;

		if (peer < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_set(e, -errno, "accept");
		/* `state` connects and says nothing, only to see that we wait */
		if (peer >= 0 && sync_expect(peer, SYNC_START, NULL, &why) == 0) {
			i->sync = take_fd(&peer);
			(void)close(listener);
			return 0;
		}
	}
}

_Noreturn void init_run(struct plan *p, int sync)
{
	struct init i = { .p = p, .sync = sync, .root = -1, .proc = -1, .null = -1, .empty = -1,
			  .master = -1 };
	struct err e = { 0 };

	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
		if (steps[k].fn(&i, &e) < 0) {
			/* the program's own errors need no step's name */
			if (e.code != OCI_ERR_NOT_FOUND && e.code != OCI_ERR_NOT_EXEC)
				(void)err_wrap(&e, "%s", steps[k].name);
			give_up(&i, &e);
		}

	if (p->o->start_fd >= 0 && close_others(&i, &e) < 0)
		give_up(&i, &e);
	if (sync_send(i.sync, SYNC_READY, i.master) < 0)
		_exit(1);
	if (i.master >= 0)
		(void)close(i.master);
	if (wait_start(&i, &e) < 0)
		_exit(1);
	if (hook_run_all(p->s, SPEC_HOOK_START_CONTAINER, p->state_fd, &e) < 0)
		give_up(&i, &e);
	(void)process_exec(&p->proc, i.proc, &i.sync, &e);
	give_up(&i, &e);
}
