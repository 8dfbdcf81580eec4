/* SPDX-License-Identifier: Apache-2.0
 *
 * tracee - memory, descriptors and paths of the process that waits
 */
#include "uidmap/agent/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/num.h"
#include "common/spin.h"
#include "common/str.h"

/* #syscalls openat openat2 read close process_vm_readv process_vm_writev fchdir chroot */

enum { PAGE = 4096, FIRST_READ = 256, STATUS_MAX = 8192 };

bool tracee_is_valid(const struct job *j)
{
	/* it was there when its call was taken, and numbers are not used again that fast */
	if (spin_now() - j->when < j->agent->trust_ns)
		return true;
	return ioctl(j->listener->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &j->id) == 0;
}

static void *remote(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

int tracee_read(const struct job *j, uint64_t addr, void *buf, size_t len)
{
	struct iovec here = { buf, len }, there = { remote(addr), len };

	return process_vm_readv(j->tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

int tracee_write(const struct job *j, uint64_t addr, const void *data, size_t len)
{
	struct iovec here = { (void *)(uintptr_t)data, len }, there = { remote(addr), len };

	if (!tracee_is_valid(j))
		return -EFAULT;
	return process_vm_writev(j->tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

int tracee_string(const struct job *j, uint64_t addr, char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		/* what is behind the end of the page may not be there */
		size_t want = PAGE - ((addr + have) & (PAGE - 1));
		const char *end;

		if (have == 0 && want > FIRST_READ)
			want = FIRST_READ;
		if (want > size - have)
			want = size - have;
		if (tracee_read(j, addr + have, buf + have, want) < 0)
			return -EFAULT;
		end = memchr(buf + have, '\0', want);
		if (end)
			return (int)(end - buf);
		have += want;
	}
	return -ENAMETOOLONG;
}

/* "/dev/fd/7" and its kin: the links behind it lead to us, not to the target. */
static int own_fd(const char *path, int *ret)
{
	static const char *const dirs[] = { "/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/" };
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	int32_t fd;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		const char *rest = str_after(path, dirs[i]);

		if (rest && num_i32(rest, &fd) == 0 && fd >= 0) {
			*ret = fd;
			return 0;
		}
	}
	for (int i = 0; i < 3; i++)
		if (str_eq(path, names[i])) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

int tracee_place(struct job *j, int dirfd, uint64_t addr, bool empty, struct place *ret)
{
	int n = 0, fd;

	j->path[0] = '\0';
	if (addr || !empty)
		n = tracee_string(j, addr, j->path, sizeof(j->path));
	if (n < 0)
		return n;
	if (n == 0 && !empty)
		return -ENOENT;
	*ret = (struct place){ dirfd == AT_FDCWD ? -1 : dirfd, n ? j->path : NULL };
	if (n == 0 && dirfd == AT_FDCWD)
		ret->path = memcpy(j->path, ".", 2);
	if (j->path[0] == '/' && own_fd(j->path, &fd) == 0)
		*ret = (struct place){ fd, NULL };
	else if (str_starts(j->path, "/proc/"))
		return TRACEE_LEAVE;
	if (ret->fd < 0 && dirfd != AT_FDCWD && j->path[0] != '/')
		return -EBADF;
	return 0;
}

const char *tracee_loc(struct job *j, const struct place *p)
{
	if (p->path && p->path[0] == '/')
		return p->path;
	if (!p->path)
		(void)str_format(j->loc, sizeof(j->loc), "%d/fd/%d", j->tid, p->fd);
	else if (p->fd < 0)
		(void)str_format(j->loc, sizeof(j->loc), "%d/cwd/%s", j->tid, p->path);
	else
		(void)str_format(j->loc, sizeof(j->loc), "%d/fd/%d/%s", j->tid, p->fd, p->path);
	return j->loc;
}

/* What a path begins at; -ENOENT where the target has no such thing is -EBADF there. */
static int open_base(struct job *j, const struct place *p, int flags)
{
	char name[48];
	int fd;

	if (p->fd < 0)
		(void)str_format(name, sizeof(name), "%d/cwd", j->tid);
	else
		(void)str_format(name, sizeof(name), "%d/fd/%d", j->tid, p->fd);
	fd = openat(j->agent->procfd, name, O_PATH | O_CLOEXEC | flags);
	if (fd < 0)
		return errno == ENOENT && p->fd >= 0 ? -EBADF : -errno;
	return fd;
}

static int open_path(struct job *j, const struct place *p, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(O_PATH | O_CLOEXEC | flags),
				.resolve = RESOLVE_NO_MAGICLINKS };
	auto_close int base = -1;
	long fd;

	if (path[0] != '/') {
		base = open_base(j, p, O_DIRECTORY);
		if (base < 0)
			return base;
	}
	fd = syscall(SYS_openat2, base < 0 ? AT_FDCWD : base, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int tracee_open(struct job *j, const struct place *p, bool follow)
{
	if (!p->path)
		return open_base(j, p, 0);
	return open_path(j, p, p->path, follow ? 0 : O_NOFOLLOW);
}

int tracee_open_parent(struct job *j, const struct place *p, const char **ret_name)
{
	char *path = j->path, *slash;
	size_t n = strlen(path);

	if (!p->path)
		return TRACEE_LEAVE;
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name || str_eq(*ret_name, ".") || str_eq(*ret_name, ".."))
		return TRACEE_LEAVE;
	if (!slash)
		return open_path(j, p, ".", O_DIRECTORY);
	if (slash == path)
		return open_path(j, p, "/", O_DIRECTORY);
	*slash = '\0';
	return open_path(j, p, path, O_DIRECTORY);
}

static int stand_in(const struct agent *a, int rootfd)
{
	if (fchdir(rootfd) < 0 || chroot(".") < 0 || fchdir(a->procfd) < 0)
		return -errno;
	return 0;
}

int tracee_enter(struct job *j)
{
	char name[32];

	if (!atomic_load_explicit(&j->agent->moved, memory_order_acquire))
		return 0;
	(void)str_format(name, sizeof(name), "%d/root", j->tid);
	auto_close int fd = openat(j->agent->procfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	j->entered = true;
	return stand_in(j->agent, fd);
}

void tracee_leave(struct job *j)
{
	if (!j->entered)
		return;
	j->entered = false;
	if (stand_in(j->agent, j->agent->rootfd) < 0)
		log_error("agent: cannot go back to the container's root");
}

int tracee_status(const struct agent *a, pid_t tid, const char *key, int base, uint64_t *ret)
{
	char buf[STATUS_MAX], name[32], *at, *end;
	ssize_t n;

	(void)str_format(name, sizeof(name), "%d/status", tid);
	auto_close int fd = openat(a->procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	at = strstr(buf, key);
	if (!at)
		return -ENOENT;
	at += strlen(key);
	end = strchr(at, '\n');
	if (end)
		*end = '\0';
	/* of several numbers, one for each pid namespace, the innermost is wanted */
	if (strrchr(at, '\t'))
		at = strrchr(at, '\t') + 1;
	errno = 0;
	*ret = strtoull(at, &end, base);
	return errno || end == at ? -EINVAL : 0;
}
