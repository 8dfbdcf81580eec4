/* SPDX-License-Identifier: Apache-2.0
 *
 * fd - descriptors: born close-on-exec, and paths that stay below a folder
 */
#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/str.h"

#define OPENAT2_RETRIES 64

static int open_how(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};

	/* EAGAIN: a rename raced with ".."; the kernel asks to try again */
	for (int i = 0;; i++) {
		long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if ((errno != EAGAIN && errno != EINTR) || i == OPENAT2_RETRIES)
			return -errno;
	}
}

int fd_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return open_how(rootfd, path, flags, mode, RESOLVE_IN_ROOT);
}

int fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	return open_how(dirfd, path, flags, mode, RESOLVE_BENEATH);
}

/* One step of mkdir -p: the parent is already below the root. */
static int mkdir_step(int rootfd, char *path, char *name, mode_t mode)
{
	int fd = fd_open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);

	if (fd != -ENOENT)
		return fd;

	char *slash = name > path ? name - 1 : NULL;
	if (slash)
		*slash = '\0';
	auto_close int parent = fd_open_in_root(rootfd, slash && slash > path ? path : "/",
						O_PATH | O_DIRECTORY, 0);
	if (slash)
		*slash = '/';
	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -errno;
	return fd_open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);
}

int fd_mkdir_p_in_root(int rootfd, const char *path, mode_t mode)
{
	char part[PATH_MAX];

	while (*path == '/')
		path++;
	int r = str_format(part, sizeof(part), "%s", path);
	if (r < 0)
		return r;

	/* nearly always it is there */
	int fd = fd_open_in_root(rootfd, *part ? part : "/", O_PATH | O_DIRECTORY, 0);
	if (fd != -ENOENT)
		return fd;
	fd = fd_open_in_root(rootfd, "/", O_PATH | O_DIRECTORY, 0);
	for (char *name = part; fd >= 0 && *name;) {
		char *end = strchrnul(name, '/');
		char *next = end + strspn(end, "/");
		char saved = *end;

		*end = '\0';
		(void)close(fd);
		fd = mkdir_step(rootfd, part, name, mode);
		*end = saved;
		name = next;
	}
	return fd;
}

int fd_dup(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

static int set_flag(int fd, int get, int set, int flag, int on)
{
	int flags = fcntl(fd, get);

	if (flags < 0)
		return -errno;
	return fcntl(fd, set, on ? flags | flag : flags & ~flag) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, int on)
{
	return set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int fd_set_nonblock(int fd, int on)
{
	return set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

/* The smallest kept descriptor that is at least from, or -1. */
static int next_kept(int from, const int *keep, size_t n_keep)
{
	int best = -1;

	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] >= from && (best < 0 || keep[i] < best))
			best = keep[i];
	return best;
}

int fd_close_from(int first, const int *keep, size_t n_keep)
{
	for (int kept; (kept = next_kept(first, keep, n_keep)) >= 0; first = kept + 1)
		if (kept > first && close_range((unsigned int)first, (unsigned int)kept - 1, 0) < 0)
			return -errno;
	return close_range((unsigned int)first, ~0U, 0) < 0 ? -errno : 0;
}

int fd_std_open(void)
{
	for (;;) {
		int fd = open("/dev/null", O_RDWR);

		if (fd < 0)
			return -errno;
		if (fd > STDERR_FILENO) {
			(void)close(fd);
			return 0;
		}
	}
}
