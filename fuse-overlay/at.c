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

/* A path for the calls that know only paths: the name itself after entering
 * its folder, or the magic link of a handle (then links are to be followed,
 * which ret_follow says). */
static int xattr_path(struct loc l, char *buf, const char **ret_path, bool *ret_follow)
{
	if (!*l.name) {
		proc_path(buf, l.fd);
		*ret_path = buf;
		*ret_follow = true;
		return 0;
	}
	if (fchdir(l.fd))
		return -errno;
	*ret_path = l.name;
	*ret_follow = false;
	return 0;
}

#define XAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)

ssize_t at_getxattr(struct loc l, const char *name, void *buf, size_t size)
{
	char tmp[PROC_PATH_MAX];
	const char *path;
	bool follow = false;

	if (try_xattrat()) {
		struct xattrat args = { .value = (uintptr_t)buf, .size = (uint32_t)size };
		long n = syscall(NR_GETXATTRAT, l.fd, l.name, XAT_FLAGS, name, &args, sizeof(args));

		if (have_xattrat(n))
			return n < 0 ? -errno : n;
	}
	int r = xattr_path(l, tmp, &path, &follow);
	if (r < 0)
		return r;
	ssize_t n = follow ? getxattr(path, name, buf, size) : lgetxattr(path, name, buf, size);
	return n < 0 ? -errno : n;
}

ssize_t at_listxattr(struct loc l, char *buf, size_t size)
{
	char tmp[PROC_PATH_MAX];
	const char *path;
	bool follow = false;

	if (try_xattrat()) {
		long n = syscall(NR_LISTXATTRAT, l.fd, l.name, XAT_FLAGS, buf, size);

		if (have_xattrat(n))
			return n < 0 ? -errno : n;
	}
	int r = xattr_path(l, tmp, &path, &follow);
	if (r < 0)
		return r;
	ssize_t n = follow ? listxattr(path, buf, size) : llistxattr(path, buf, size);
	return n < 0 ? -errno : n;
}

int at_setxattr(struct loc l, const char *name, const void *value, size_t size, int flags)
{
	char tmp[PROC_PATH_MAX];
	const char *path;
	bool follow = false;

	if (try_xattrat()) {
		struct xattrat args = { .value = (uintptr_t)value,
					.size = (uint32_t)size,
					.flags = (uint32_t)flags };
		long n = syscall(NR_SETXATTRAT, l.fd, l.name, XAT_FLAGS, name, &args, sizeof(args));

		if (have_xattrat(n))
			return n < 0 ? -errno : 0;
	}
	int r = xattr_path(l, tmp, &path, &follow);
	if (r < 0)
		return r;
	r = follow ? setxattr(path, name, value, size, flags) :
		     lsetxattr(path, name, value, size, flags);
	return r ? -errno : 0;
}

int at_removexattr(struct loc l, const char *name)
{
	char tmp[PROC_PATH_MAX];
	const char *path;
	bool follow = false;

	if (try_xattrat()) {
		long n = syscall(NR_REMOVEXATTRAT, l.fd, l.name, XAT_FLAGS, name);

		if (have_xattrat(n))
			return n < 0 ? -errno : 0;
	}
	int r = xattr_path(l, tmp, &path, &follow);
	if (r < 0)
		return r;
	r = follow ? removexattr(path, name) : lremovexattr(path, name);
	return r ? -errno : 0;
}
