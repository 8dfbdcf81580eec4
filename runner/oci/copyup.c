/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - fill a new tmpfs with what its destination holds (tmpcopyup)
 */
#include "runner/oci/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "runner/oci/raw.h"

enum { COPYUP_DEPTH = 64, DENTS_MAX = 4096, CHUNK = 1 << 20 };

struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int copy_dir(int src, int dst, int depth, struct err *e);

/* Owners that are not mapped here stay ours; that is all tmpcopyup can do. */
static void keep_owner(int fd, const struct stat *st)
{
	if (fchownat(fd, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0 ||
	    syscall(SYS_fchmod, fd, st->st_mode & 07777) < 0)
		errno = 0;
}

static int copy_file(int src, int dst, const char *name, const struct stat *st, struct err *e)
{
	auto_close int in = openat(src, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (in < 0)
		return err_set(e, -errno, "read %s", name);
	auto_close int out = openat(dst, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
				    st->st_mode & 07777);
	if (out < 0)
		return err_set(e, -errno, "create %s", name);

	ssize_t n;
	while ((n = sendfile(out, in, NULL, CHUNK)) > 0)
		;
	if (n < 0)
		return err_set(e, -errno, "copy %s", name);
	keep_owner(out, st);
	return 0;
}

static int copy_link(int src, int dst, const char *name, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(src, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, -errno, "readlink %s", name);
	target[n] = '\0';
	if (symlinkat(target, dst, name) < 0)
		return err_set(e, -errno, "link %s", name);
	return 0;
}

static int copy_subdir(int src, int dst, const char *name, const struct stat *st, int depth,
		       struct err *e)
{
	auto_close int from = openat(src, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (from < 0)
		return err_set(e, -errno, "read %s", name);
	if (mkdirat(dst, name, 0700) < 0)
		return err_set(e, -errno, "mkdir %s", name);
	auto_close int to = openat(dst, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_set(e, -errno, "open %s", name);
	int r = copy_dir(from, to, depth + 1, e);
	if (r < 0)
		return r;
	keep_owner(to, st);
	return 0;
}

static int copy_entry(int src, int dst, const char *name, int depth, struct err *e)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, -errno, "stat %s", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(src, dst, name, &st, e);
	case S_IFLNK:
		return copy_link(src, dst, name, e);
	case S_IFDIR:
		return copy_subdir(src, dst, name, &st, depth, e);
	default:
		return 0; /* sockets and pipes of nobody */
	}
}

static int copy_dir(int src, int dst, int depth, struct err *e)
{
	_Alignas(struct dent) char buf[DENTS_MAX];
	long n;

	if (depth > COPYUP_DEPTH)
		return err_msg(e, -ELOOP, "folders nested deeper than %d", COPYUP_DEPTH);
	while ((n = syscall(SYS_getdents64, src, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			const struct dent *d = (const struct dent *)(const void *)(buf + at);
			int r = copy_entry(src, dst, d->name, depth, e);

			if (r < 0)
				return r;
			at += d->len;
		}
	return n < 0 ? err_set(e, -errno, "read folder") : 0;
}

int copyup_tree(int root, const char *path, int dst, struct err *e)
{
	auto_close int src = fd_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;

	if (src == -ENOENT)
		return 0;
	if (src < 0 || fstat(src, &st) < 0)
		return err_set(e, src < 0 ? src : -errno, "tmpcopyup %s", path);
	int r = copy_dir(src, dst, 0, e);
	if (r < 0)
		return err_wrap(e, "tmpcopyup %s", path);
	/* the mount's own descriptor is O_PATH, which fchmod refuses */
	auto_close int top = openat(dst, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top >= 0)
		keep_owner(top, &st);
	return 0;
}
