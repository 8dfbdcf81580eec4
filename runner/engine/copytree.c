/* SPDX-License-Identifier: Apache-2.0
 *
 * copytree - layers into one folder, without an overlay
 *
 * Every name is opened relative to its folder's descriptor with O_NOFOLLOW,
 * so the tree's links lead nowhere. A file with several names is copied at
 * the first and linked at the others; the table of those holds the place of
 * the copy below the destination, found again by openat2(RESOLVE_BENEATH).
 */
#include "runner/engine/copytree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"

#define XATTR_LIST_MAX 65536
#define DEPTH_MAX 1000
#define LINKS_MAX 1000000

struct link_seen {
	dev_t dev;
	ino_t ino;
	char *path;
};

/**
 * struct copy - one run
 * @top:	the destination
 * @path:	where we are below @top
 * @links:	files with several names that have been copied
 * @e:		where failures go
 */
struct copy {
	int top;
	struct strbuf path;
	struct link_seen *links;
	size_t n_links;
	int depth;
	struct err *e;
};

static int fail(struct copy *cp, int code, const char *name)
{
	return err_set(cp->e, code, "copy %s%s", cp->path.s ? cp->path.s : "", name);
}

static void copy_xattrs(int from, int to)
{
	auto_free char *names = malloc(XATTR_LIST_MAX);
	auto_free char *value = malloc(XATTR_LIST_MAX);
	ssize_t len = names && value ? flistxattr(from, names, XATTR_LIST_MAX) : -1;

	for (char *n = names; len > 0 && n < names + len; n += strlen(n) + 1) {
		ssize_t size;

		if (str_starts(n, "user.overlay.") || str_starts(n, "trusted.overlay."))
			continue;
		size = fgetxattr(from, n, value, XATTR_LIST_MAX);
		/* security.* of the host's LSM is not ours to copy: refused. */
		if (size >= 0)
			(void)fsetxattr(to, n, value, (size_t)size, 0);
	}
}

static bool is_opaque(int fd)
{
	char v[4];

	return fgetxattr(fd, "user.overlay.opaque", v, sizeof(v)) > 0 ||
	       fgetxattr(fd, "trusted.overlay.opaque", v, sizeof(v)) > 0 ||
	       faccessat(fd, ".wh..wh..opq", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int set_meta(int dirfd, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchownat(dirfd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(dirfd, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_bytes(int from, int to, off_t at, off_t end)
{
	char buf[65536];

	while (at < end) {
		size_t want = end - at > (off_t)sizeof(buf) ? sizeof(buf) : (size_t)(end - at);
		ssize_t n = pread(from, buf, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (pwrite(to, buf, (size_t)n, at) != n)
			return errno ? -errno : -ENOSPC;
		at += n;
	}
	return 0;
}

static int copy_range(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		loff_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL))
			return copy_bytes(from, to, at, end);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		at += n;
	}
	return 0;
}

int copytree_data(int from, int to, off_t size)
{
	off_t at = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA);
		off_t hole;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = at;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			hole = size;
		r = copy_range(from, to, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_file(int src, int dst, const char *name, const struct stat *st)
{
	auto_close int from = openat(src, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	auto_close int to = -1;
	int r;

	if (from < 0)
		return -errno;
	to = openat(dst, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copytree_data(from, to, st->st_size);
	if (r < 0)
		return r;
	/* chown clears file capabilities: owners first. */
	r = set_meta(dst, name, st);
	if (r == 0)
		copy_xattrs(from, to);
	return r;
}

static int copy_link(int src, int dst, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n = readlinkat(src, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, dst, name) < 0)
		return -errno;
	return set_meta(dst, name, st);
}

static int copy_node(int dst, const char *name, const struct stat *st)
{
	if (mknodat(dst, name, st->st_mode, st->st_rdev) < 0)
		return -errno;
	return set_meta(dst, name, st);
}

static int link_seen(const struct copy *cp, int dst, const char *name, const struct stat *st)
{
	for (size_t i = cp->n_links; i-- > 0;) {
		auto_close int fd = -1;
		char self[32];

		if (cp->links[i].ino != st->st_ino || cp->links[i].dev != st->st_dev)
			continue;
		fd = fd_open_beneath(cp->top, cp->links[i].path, O_PATH | O_NOFOLLOW, 0);
		if (fd < 0)
			return fd;
		(void)str_format(self, sizeof(self), "/proc/self/fd/%d", fd);
		return linkat(AT_FDCWD, self, dst, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 1;
	}
	return 0;
}

static int remember(struct copy *cp, const char *name, const struct stat *st)
{
	if (cp->n_links == LINKS_MAX)
		return -E2BIG;
	if ((cp->n_links & (cp->n_links - 1)) == 0)
		cp->links = xrealloc(cp->links, cp->n_links ? cp->n_links * 2 : 1, sizeof(*cp->links));
	cp->links[cp->n_links++] = (struct link_seen){
		.dev = st->st_dev, .ino = st->st_ino,
		.path = xasprintf("%s%s", cp->path.s ? cp->path.s : "", name),
	};
	return 0;
}

static int copy_folder(struct copy *cp, int src, int dst);

static int enter_folder(struct copy *cp, int src, int dst, const char *name, const struct stat *st)
{
	auto_close int from = openat(src, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int to = -1;
	size_t len = cp->path.len;
	struct stat old;
	int r;

	if (from < 0)
		return fail(cp, -errno, name);
	if (fstatat(dst, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISDIR(old.st_mode) || is_opaque(from))) {
		r = io_remove_tree_at(dst, name);
		if (r < 0)
			return fail(cp, r, name);
	}
	if (mkdirat(dst, name, 0700) < 0 && errno != EEXIST)
		return fail(cp, -errno, name);
	to = openat(dst, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail(cp, -errno, name);
	if (strbuf_addf(&cp->path, "%s/", name) < 0 || ++cp->depth > DEPTH_MAX)
		return fail(cp, -ENAMETOOLONG, name);
	r = copy_folder(cp, from, to);
	cp->depth--;
	cp->path.len = len;
	cp->path.s[len] = '\0';
	if (r < 0)
		return r;
	copy_xattrs(from, to);
	r = set_meta(dst, name, st);
	return r < 0 ? fail(cp, r, name) : 0;
}

static int whiteout(struct copy *cp, int dst, const char *name)
{
	int r = io_remove_tree_at(dst, name);

	return r < 0 ? fail(cp, r, name) : 0;
}

static int copy_entry(struct copy *cp, int src, int dst, const char *name)
{
	struct stat st;
	int r;

	if (str_starts(name, ".wh..wh."))
		return 0;
	if (str_starts(name, ".wh."))
		return whiteout(cp, dst, name + 4);
	if (fstatat(src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(cp, -errno, name);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return whiteout(cp, dst, name);
	if (S_ISDIR(st.st_mode))
		return enter_folder(cp, src, dst, name, &st);
	r = io_remove_tree_at(dst, name);
	if (r == 0 && st.st_nlink > 1)
		r = link_seen(cp, dst, name, &st);
	if (r > 0)
		return 0;
	if (r == 0 && S_ISREG(st.st_mode))
		r = copy_file(src, dst, name, &st);
	else if (r == 0 && S_ISLNK(st.st_mode))
		r = copy_link(src, dst, name, &st);
	else if (r == 0)
		r = copy_node(dst, name, &st);
	if (r == 0 && st.st_nlink > 1)
		r = remember(cp, name, &st);
	return r < 0 ? fail(cp, r, name) : 0;
}

static int copy_folder(struct copy *cp, int src, int dst)
{
	int fd = fd_dup(src);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;
	int r = 0;

	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return fail(cp, r, "");
	}
	/* The duplicate shares its position with the caller's descriptor. */
	rewinddir(d);
	while (r == 0 && (errno = 0, de = readdir(d)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			r = copy_entry(cp, src, dst, de->d_name);
	if (r == 0 && errno)
		r = fail(cp, -errno, "");
	return r;
}

int copytree_apply(int src_fd, int dst_fd, struct err *e)
{
	struct copy cp = { .top = dst_fd, .e = e };
	struct stat st;
	int r = fstat(src_fd, &st) < 0 ? err_set(e, -errno, "copy") : copy_folder(&cp, src_fd, dst_fd);

	if (r == 0) {
		copy_xattrs(src_fd, dst_fd);
		if (fchown(dst_fd, st.st_uid, st.st_gid) < 0 || fchmod(dst_fd, st.st_mode & 07777) < 0)
			r = err_set(e, -errno, "copy");
	}
	for (size_t i = 0; i < cp.n_links; i++)
		free(cp.links[i].path);
	free(cp.links);
	strbuf_clear(&cp.path);
	return r;
}
