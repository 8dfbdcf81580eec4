/* SPDX-License-Identifier: Apache-2.0
 *
 * target - the process whose map is written, pinned by its /proc directory
 *
 * How it works: a descriptor of /proc/PID belongs to the process, not to the
 * number. Everything that is asked later is asked through it, so that the
 * process checked is the process written to. Files below it are opened by
 * openat2, which refuses links and mounts on the way: somebody who may mount
 * cannot lay another process's file over this one's.
 */
#include "uidmap/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "uidmap/idmap.h"

static int open_below(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int check_procfs(int fd, const char *what, struct err *e)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s", what);
	if (fs.f_type != PROC_SUPER_MAGIC || !S_ISDIR(st.st_mode))
		return err_msg(e, -ENOTSUP, "%s is not a directory of a proc file system", what);
	return 0;
}

static int open_pid(const char *pid, struct err *e)
{
	auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd, r;

	if (proc < 0)
		return err_set(e, -errno, "open /proc");
	r = check_procfs(proc, "/proc", e);
	if (r < 0)
		return r;
	fd = open_below(proc, pid, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return err_set(e, fd, "open /proc/%s", pid);
	return fd;
}

int target_open(struct target *t, const char *arg, struct err *e)
{
	bool by_fd = strncmp(arg, "fd:", 3) == 0;
	uint32_t n;
	int fd, r;

	r = idmap_parse_id(by_fd ? arg + 3 : arg, &n);
	if (r < 0 || n > INT32_MAX || (!by_fd && n == 0))
		return err_msg(e, -EINVAL, "'%s' is not a process id or fd:N", arg);
	*t = (struct target){ .fd = -1 };
	(void)snprintf(t->name, sizeof(t->name), "%s", arg);
	if (by_fd) {
		fd = fd_dup((int)n);
		if (fd < 0)
			return err_set(e, fd, "%s", arg);
	} else {
		fd = open_pid(arg, e);
		if (fd < 0)
			return fd;
	}
	r = check_procfs(fd, arg, e);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	t->fd = fd;
	return 0;
}

/*
 * The namespace's owner and parent. All of it is asked again by the kernel at
 * the write, so that a namespace which we are not let near is no failure; its
 * answer alone would be a bare EPERM.
 */
static void look_at_userns(struct target *t, struct policy_target *facts)
{
	auto_close int ns = openat(t->fd, "ns/user", O_RDONLY | O_CLOEXEC);
	auto_close int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	struct stat st, own_st, up_st;
	struct statfs fs;
	uid_t owner;

	t->ns_dev = 0;
	t->ns_ino = 0;
	if (ns < 0 || own < 0 || fstatfs(ns, &fs) < 0 || fs.f_type != NSFS_MAGIC ||
	    fstat(ns, &st) < 0 || fstat(own, &own_st) < 0 ||
	    ioctl(ns, NS_GET_OWNER_UID, &owner) < 0)
		return;
	auto_close int up = ioctl(ns, NS_GET_PARENT);

	facts->ns_known = true;
	facts->ns_owner = owner;
	facts->ns_same = st.st_dev == own_st.st_dev && st.st_ino == own_st.st_ino;
	facts->ns_child = up >= 0 && fstat(up, &up_st) == 0 && up_st.st_dev == own_st.st_dev &&
			  up_st.st_ino == own_st.st_ino;
	t->ns_dev = st.st_dev;
	t->ns_ino = st.st_ino;
}

int target_look(struct target *t, struct policy_target *ret, struct err *e)
{
	struct policy_target facts = { .name = t->name };
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return err_set(e, -errno, "process %s", t->name);
	facts.uid = st.st_uid;
	facts.gid = st.st_gid;
	look_at_userns(t, &facts);
	*ret = facts;
	return 0;
}

int target_open_file(const struct target *t, const char *name, int flags)
{
	return open_below(t->fd, name, flags);
}

void target_close(struct target *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
}
