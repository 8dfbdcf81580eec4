/* SPDX-License-Identifier: Apache-2.0
 *
 * isolate - leave behind what is not needed any more
 *
 * How it works: both processes hold only descriptors when they begin to look
 * at what the container sends. slirp-net enters a mount namespace with an
 * empty root and keeps CAP_NET_BIND_SERVICE alone (of use only where root
 * started it). The broker keeps the host's file system, for resolv.conf and
 * the control socket's file, and CAP_NET_ADMIN in the container's user
 * namespace, for transparent sockets; it reads nothing from the container. With
 * --shared a third process keeps CAP_SYS_ADMIN there, too, to join the
 * namespaces of further containers.
 * Both are limited to the system calls their sources name (seccomp.c).
 */
#include "slirp-net/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/log.h"
#include "slirp-net/conf.h"
#include "slirp-net/seccomp.h"

/* #syscalls openat write close fcntl ftruncate */

static int map_self(unsigned int uid, unsigned int gid)
{
	char map[48];
	int r;

	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	r = io_write_file_at(AT_FDCWD, "/proc/self/uid_map", map);
	if (r < 0)
		return r;
	(void)io_write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return io_write_file_at(AT_FDCWD, "/proc/self/gid_map", map);
}

/* A mount namespace: ours to make, or with a user namespace, or in a given one. */
static int new_mounts(int userns)
{
	unsigned int uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
		return map_self(uid, gid);
	if (userns < 0)
		return -errno;
	if (setns(userns, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;
	/* the mount needs an identity that exists in there */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* In a mount namespace of our own. */
static int empty_root(int *ret_mntns, struct err *e)
{
	auto_close int mntns = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(e, -errno, "keep mounts private");
	mntns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (mount("slirp-net", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=1m,nr_inodes=16,mode=0755") < 0 ||
	    chdir("/tmp") < 0)
		return err_set(e, -errno, "make an empty root");
	if (mkdir("etc", 0755) < 0 || mkdir("run", 0755) < 0)
		return err_set(e, -errno, "make an empty root");
	/* the old root is put over the new one, and taken off again */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return err_set(e, -errno, "enter the empty root");
	*ret_mntns = take_fd(&mntns);
	return 0;
}

int isolate_mounts(int userns, int *ret_mntns, struct err *e)
{
	int r = new_mounts(userns);

	return r < 0 ? err_set(e, r, "make a mount namespace") : empty_root(ret_mntns, e);
}

int isolate_caps(const int *keep, size_t n_keep, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2], want[2] = { 0 };

	if (syscall(SYS_capget, &head, have) < 0)
		return err_set(e, -errno, "capabilities");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool kept = false;

		for (size_t i = 0; i < n_keep; i++)
			kept |= keep[i] == cap;
		if (kept)
			want[cap / 32].permitted |= 1U << cap % 32 & have[cap / 32].permitted;
		/* without the right to do so there is nothing in the set to fear */
		else
			(void)prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0, 0, 0);
	}
	want[0].effective = want[0].permitted;
	want[1].effective = want[1].permitted;
	(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		    SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
		    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, want) < 0)
		return err_set(e, -errno, "drop capabilities");
	return 0;
}

int isolate_resolv_conf(const char *text, size_t len)
{
	auto_close int fd = open(ISOLATE_RESOLV_CONF,
				 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	return fd < 0 ? -errno : io_write_all(fd, text, len);
}

static int demand(bool asked, int r, struct err *e)
{
	if (r >= 0 || asked)
		return r;
	log_warn("%s: going on without", e->msg);
	return 0;
}

int isolate_early(const struct conf *conf, struct isolation *iso, struct err *e)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return 0;
	iso->tried = true;
	r = empty_root(&iso->mntns, e);
	iso->done = r >= 0;
	return demand(conf->enable_sandbox, r, e);
}

int isolate_main(const struct conf *conf, int userns, struct isolation *iso, struct err *e)
{
	static const int keep[] = { CAP_NET_BIND_SERVICE };
	int r = 0;

	if (!iso->tried) {
		r = isolate_mounts(userns, &iso->mntns, e);
		iso->done = r >= 0;
		r = demand(conf->enable_sandbox, r, e);
	}
	if (r >= 0)
		r = demand(conf->enable_sandbox, isolate_caps(keep, 1, e), e);
	if (r >= 0)
		r = demand(conf->enable_seccomp, seccomp_enter(SECCOMP_MAIN, e), e);
	return r;
}

static int isolate_helper(const struct conf *conf, size_t n_keep, struct err *e)
{
	/* the second to join the namespaces of further containers */
	static const int keep[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };
	int r = demand(conf->enable_sandbox, isolate_caps(keep, n_keep, e), e);

	if (r >= 0)
		r = demand(conf->enable_seccomp, seccomp_enter(SECCOMP_BROKER, e), e);
	return r;
}

int isolate_broker(const struct conf *conf, struct err *e)
{
	return isolate_helper(conf, 1, e);
}

int isolate_bridge(const struct conf *conf, struct err *e)
{
	return isolate_helper(conf, 2, e);
}
