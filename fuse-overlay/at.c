/* SPDX-License-Identifier: Apache-2.0
 *
 * at - system calls on an object named by a folder and a name
 */
#include "fuse-overlay/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Debian 12's headers are older than these */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define NR_SETXATTRAT 463
#define NR_GETXATTRAT 464
#define NR_LISTXATTRAT 465
#define NR_REMOVEXATTRAT 466

/* as the kernel's struct xattr_args */
struct xattrat {
	uint64_t value __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};

#define PROC_PATH_MAX 32

static void proc_path(char *buf, int fd)
{
	(void)snprintf(buf, PROC_PATH_MAX, "/proc/self/fd/%d", fd);
}

int at_stat(struct loc l, struct statx *ret)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

	return statx(l.fd, l.name, flags, STATX_BASIC_STATS, ret) ? -errno : 0;
}

int at_open(struct loc l, int flags)
{
	int fd;

	if (*l.name) {
		fd = openat(l.fd, l.name, flags | O_NOFOLLOW | O_CLOEXEC);
	} else {
		char path[PROC_PATH_MAX];

		/* only a magic link opens what an O_PATH handle stands for */
		proc_path(path, l.fd);
		fd = open(path, flags | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

int at_open_dir(int fd, const char *name)
{
	int d = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (d < 0 && errno == EACCES)
		d = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return d < 0 ? -errno : d;
}

int at_chmod(struct loc l, mode_t mode)
{
	char path[PROC_PATH_MAX];

	if (*l.name)
		return fchmodat(l.fd, l.name, mode, 0) ? -errno : 0;
	if (!fchmod(l.fd, mode))
		return 0;
	if (errno != EBADF)
		return -errno;
	if (!syscall(SYS_fchmodat2, l.fd, "", mode, AT_EMPTY_PATH))
		return 0;
	if (errno != ENOSYS)
		return -errno;
	proc_path(path, l.fd);
	return chmod(path, mode) ? -errno : 0;
}

int at_chown(struct loc l, uid_t uid, gid_t gid)
{
	return fchownat(l.fd, l.name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -errno : 0;
}

int at_utimens(struct loc l, const struct timespec ts[2])
{
	char path[PROC_PATH_MAX];

	if (*l.name)
		return utimensat(l.fd, l.name, ts, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
	if (!futimens(l.fd, ts))
		return 0;
	if (errno != EBADF)
		return -errno;
	proc_path(path, l.fd);
	return utimensat(AT_FDCWD, path, ts, 0) ? -errno : 0;
}

int at_link_fd(int fd, int dirfd, const char *name)
{
	char path[PROC_PATH_MAX];

	if (!linkat(fd, "", dirfd, name, AT_EMPTY_PATH))
		return 0;
	/* without privilege the kernel allows that from 6.10 on */
	if (errno != ENOENT && errno != EPERM)
		return -errno;
	proc_path(path, fd);
	return linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* Remembered once the kernel has said that it knows none of the calls. */
static atomic_bool no_xattrat;

static bool have_xattrat(long r)
{
	if (r >= 0 || errno != ENOSYS)
		return true;
	atomic_store_explicit(&no_xattrat, true, memory_order_relaxed);
	return false;
}

static bool try_xattrat(void)
{
	return !atomic_load_explicit(&no_xattrat, memory_order_relaxed);
}

/* The calls that take a path do not take an O_PATH handle in its place (EBADF):
 * that one is reached by its magic link. */

#define XAT_FLAGS AT_SYMLINK_NOFOLLOW

ssize_t at_getxattr(struct loc l, const char *name, void *buf, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t n;

	if (!*l.name) {
		n = fgetxattr(l.fd, name, buf, size);
		if (n < 0 && errno == EBADF) {
			proc_path(path, l.fd);
			n = getxattr(path, name, buf, size);
		}
		return n < 0 ? -errno : n;
	}
	if (try_xattrat()) {
		struct xattrat args = { .value = (uintptr_t)buf, .size = (uint32_t)size };

		n = syscall(NR_GETXATTRAT, l.fd, l.name, XAT_FLAGS, name, &args, sizeof(args));
		if (have_xattrat(n))
			return n < 0 ? -errno : n;
	}
	if (fchdir(l.fd))
		return -errno;
	n = lgetxattr(l.name, name, buf, size);
	return n < 0 ? -errno : n;
}

ssize_t at_listxattr(struct loc l, char *buf, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t n;

	if (!*l.name) {
		n = flistxattr(l.fd, buf, size);
		if (n < 0 && errno == EBADF) {
			proc_path(path, l.fd);
			n = listxattr(path, buf, size);
		}
		return n < 0 ? -errno : n;
	}
	if (try_xattrat()) {
		n = syscall(NR_LISTXATTRAT, l.fd, l.name, XAT_FLAGS, buf, size);
		if (have_xattrat(n))
			return n < 0 ? -errno : n;
	}
	if (fchdir(l.fd))
		return -errno;
	n = llistxattr(l.name, buf, size);
	return n < 0 ? -errno : n;
}

int at_setxattr(struct loc l, const char *name, const void *value, size_t size, int flags)
{
	char path[PROC_PATH_MAX];

	if (!*l.name) {
		int r = fsetxattr(l.fd, name, value, size, flags);

		if (r && errno == EBADF) {
			proc_path(path, l.fd);
			r = setxattr(path, name, value, size, flags);
		}
		return r ? -errno : 0;
	}
	if (try_xattrat()) {
		struct xattrat args = { .value = (uintptr_t)value,
					.size = (uint32_t)size,
					.flags = (uint32_t)flags };
		long n = syscall(NR_SETXATTRAT, l.fd, l.name, XAT_FLAGS, name, &args, sizeof(args));

		if (have_xattrat(n))
			return n < 0 ? -errno : 0;
	}
	if (fchdir(l.fd))
		return -errno;
	return lsetxattr(l.name, name, value, size, flags) ? -errno : 0;
}

int at_removexattr(struct loc l, const char *name)
{
	char path[PROC_PATH_MAX];

	if (!*l.name) {
		int r = fremovexattr(l.fd, name);

		if (r && errno == EBADF) {
			proc_path(path, l.fd);
			r = removexattr(path, name);
		}
		return r ? -errno : 0;
	}
	if (try_xattrat()) {
		long n = syscall(NR_REMOVEXATTRAT, l.fd, l.name, XAT_FLAGS, name);

		if (have_xattrat(n))
			return n < 0 ? -errno : 0;
	}
	if (fchdir(l.fd))
		return -errno;
	return lremovexattr(l.name, name) ? -errno : 0;
}
