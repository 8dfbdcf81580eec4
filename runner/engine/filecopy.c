/* SPDX-License-Identifier: Apache-2.0
 *
 * filecopy - files and folders into a container's root and out of it
 *
 * How it works: of each side the folder is opened once, below its root; from
 * there every name is opened relative to its folder's descriptor and follows no
 * link, so a program that moves things meanwhile gets a wrong copy at most.
 */
#include "runner/engine/filecopy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/str.h"
#include "runner/engine/copytree.h"

#define DEPTH_MAX 1000

/**
 * struct run - one copy
 * @modes:	mode bits that are taken over
 * @made:	the first folder that we made: never copied into itself
 * @path:	where we are, for messages
 * @depth:	how many folders deep
 * @e:		where failures go
 */
struct run {
	mode_t modes;
	struct stat made;
	struct strbuf path;
	int depth;
	struct err *e;
};

static int fail(const struct run *run, int code, const char *name)
{
	return err_set(run->e, code, "%s%s", run->path.s ? run->path.s : "", name);
}

static int set_meta(const struct run *run, int fd, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };

	return fchmod(fd, st->st_mode & run->modes) < 0 || futimens(fd, times) < 0 ? -errno : 0;
}

static int remove_old(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int copy_file(const struct run *run, int src, const char *name, int dst, const char *as)
{
	/* O_NONBLOCK: what was a file may be a pipe by now */
	auto_close int from = openat(src, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	r = remove_old(dst, as);
	if (r < 0)
		return r;
	to = openat(dst, as, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copytree_data(from, to, st.st_size);
	return r < 0 ? r : set_meta(run, to, &st);
}

static int copy_link(int src, const char *name, int dst, const char *as)
{
	char target[4096];
	ssize_t n = readlinkat(src, name, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	r = remove_old(dst, as);
	if (r < 0)
		return r;
	return symlinkat(target, dst, as) < 0 ? -errno : 0;
}

static int copy_entry(struct run *run, int src, const char *name, int dst, const char *as);

static int copy_contents(struct run *run, int src, int dst)
{
	int fd = openat(src, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;
	int r = 0;

	if (!d) {
		r = fail(run, -errno, "");
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, de = readdir(d)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			r = copy_entry(run, src, de->d_name, dst, de->d_name);
	return r == 0 && errno ? fail(run, -errno, "") : r;
}

static int copy_folder(struct run *run, int src, const char *name, int dst, const char *as)
{
	auto_close int from = openat(src, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int to = -1;
	size_t len = run->path.len;
	bool made;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return fail(run, -errno, name);
	if (st.st_dev == run->made.st_dev && st.st_ino == run->made.st_ino)
		return 0;
	made = mkdirat(dst, as, 0700) == 0;
	if (!made && errno != EEXIST)
		return fail(run, -errno, as);
	to = openat(dst, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail(run, -errno, as);
	if (!run->made.st_ino && fstat(to, &run->made) < 0)
		return fail(run, -errno, as);
	if (strbuf_addf(&run->path, "%s/", name) < 0 || ++run->depth > DEPTH_MAX)
		return fail(run, -ENAMETOOLONG, name);
	r = copy_contents(run, from, to);
	run->depth--;
	run->path.len = len;
	run->path.s[len] = '\0';
	if (r == 0 && made)
		r = set_meta(run, to, &st);
	return r < 0 && !run->e->code ? fail(run, r, name) : r;
}

static int copy_entry(struct run *run, int src, const char *name, int dst, const char *as)
{
	struct stat st;
	int r = 0;

	if (fstatat(src, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(run, -errno, name);
	if (S_ISDIR(st.st_mode))
		return copy_folder(run, src, name, dst, as);
	if (S_ISREG(st.st_mode))
		r = copy_file(run, src, name, dst, as);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(src, name, dst, as);
	else
		log_warn("%s%s: neither file, folder nor link: left out", run->path.s ? run->path.s : "",
			 name);
	return r < 0 ? fail(run, r, name) : 0;
}

/* ---------------------------------------------------------------- sides -- */

static int open_folder(const struct filecopy_side *s, const char *path)
{
	int fd;

	if (s->root >= 0)
		return fd_open_in_root(s->root, path, O_RDONLY | O_DIRECTORY, 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The folder, and the name in it; NULL where the path ends in no name. */
static void split(const char *path, char **ret_dir, char **ret_name)
{
	size_t end = strlen(path), begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (begin = end; begin && path[begin - 1] != '/';)
		begin--;
	*ret_name = xstrndup(path + begin, end - begin);
	if (!**ret_name || str_eq(*ret_name, "/") || str_eq(*ret_name, ".") || str_eq(*ret_name, "..")) {
		free(*ret_name);
		*ret_name = NULL;
		begin = end;
	}
	*ret_dir = begin ? xstrndup(path, begin) : xstrdup(".");
}

/**
 * struct target - where it goes
 * @dir:	the folder
 * @name:	the name in it
 */
struct target {
	int dir;
	const char *name;
};

/* @own: the source's name, for a destination that is a folder. */
static int find_target(const struct filecopy_side *to, const char *own, const char *dir,
		       const char *name, struct target *ret, struct err *e)
{
	size_t len = strlen(to->path);

	ret->name = own;
	ret->dir = open_folder(to, to->path);
	if (ret->dir >= 0)
		return 0;
	if ((ret->dir != -ENOENT && ret->dir != -ENOTDIR) || !name)
		return err_set(e, ret->dir, "%s", to->path);
	if (ret->dir == -ENOTDIR || (len && to->path[len - 1] != '/')) {
		ret->name = name;
		ret->dir = open_folder(to, dir);
	}
	return ret->dir < 0 ? err_set(e, ret->dir, "%s", to->path) : 0;
}

/* What is in a folder goes into one that is there, or into a new one. */
static int copy_inside(struct run *run, const struct filecopy_side *from,
		       const struct filecopy_side *to, const char *dir, const char *name, struct err *e)
{
	auto_close int src = open_folder(from, from->path);
	auto_close int dst = open_folder(to, to->path);
	auto_close int parent = -1;

	if (src < 0)
		return err_set(e, src, "%s", from->path);
	if (dst == -ENOENT && name) {
		parent = open_folder(to, dir);
		if (parent < 0)
			return err_set(e, parent, "%s", dir);
		if (mkdirat(parent, name, 0755) < 0)
			return err_set(e, -errno, "%s", to->path);
		dst = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		dst = dst < 0 ? -errno : dst;
	}
	if (dst < 0)
		return err_set(e, dst, "%s", to->path);
	if (fstat(dst, &run->made) < 0)
		return err_set(e, -errno, "%s", to->path);
	return copy_contents(run, src, dst);
}

int filecopy(const struct filecopy_side *from, const struct filecopy_side *to, struct err *e)
{
	struct run run = { .modes = to->root < 0 ? 0777 : 07777, .e = e };
	auto_free char *src_dir = NULL;
	auto_free char *src_name = NULL;
	auto_free char *dst_dir = NULL;
	auto_free char *dst_name = NULL;
	auto_close int src = -1;
	struct target t = { .dir = -1 };
	int r;

	split(from->path, &src_dir, &src_name);
	split(to->path, &dst_dir, &dst_name);
	if (!src_name) {
		r = copy_inside(&run, from, to, dst_dir, dst_name, e);
	} else {
		src = open_folder(from, src_dir);
		if (src < 0)
			return err_set(e, src, "%s", from->path);
		/* named as typed while nothing deeper is reached */
		r = faccessat(src, src_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ?
			    err_set(e, -errno, "%s", from->path) :
			    find_target(to, src_name, dst_dir, dst_name, &t, e);
		if (r == 0)
			r = copy_entry(&run, src, src_name, t.dir, t.name);
	}
	if (t.dir >= 0)
		close(t.dir);
	strbuf_clear(&run.path);
	return r;
}
