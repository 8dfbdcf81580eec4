/* SPDX-License-Identifier: Apache-2.0
 *
 * mount - the mounts of a container, made by its first process
 *
 * How it works: every mount is made detached, gets all its flags, and is then
 * moved onto a descriptor of its destination. The destination was resolved
 * inside the container's root by openat2, so a link in the image leads nowhere
 * else, and between the look-up and the mount there is no name to be swapped
 * (CVE-2021-30465 and its kin). Sources of binds were cloned from the old root
 * before the new one was attached.
 */
#include "runner/oci/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/str.h"
#include "runner/oci/copyup.h"
#include "runner/oci/device.h"
#include "runner/oci/init.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"

enum { TO_FD = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH };

static int make_file(const struct init *i, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	int r = str_format(dir, sizeof(dir), "%.*s", (int)(slash ? slash - path : 0), path);
	if (r < 0)
		return r;
	auto_close int parent = fd_mkdir_p_in_root(i->root, dir, 0755);
	if (parent < 0)
		return parent;
	auto_close int fd = openat(parent, slash ? slash + 1 : path,
				   O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return -errno;
	return fd_open_in_root(i->root, path, O_PATH, 0);
}

/*
 * Where a path leads whose end does not exist, with the links in it followed
 * as the container would. Only names come out: they are opened inside the
 * root again, so a link that changes meanwhile gains nothing.
 */
static int follow_missing(const struct init *i, const char *path, char out[PATH_MAX])
{
	char rest[PATH_MAX], next[PATH_MAX], name[NAME_MAX + 1];
	int hops = 0;

	out[0] = '\0';
	int r = str_format(rest, sizeof(rest), "%s", path);
	for (const char *p = rest; r >= 0;) {
		p += strspn(p, "/");
		size_t len = strcspn(p, "/"), at = strlen(out);

		if (len == 0)
			return 0;
		if (str_format(name, sizeof(name), "%.*s", (int)len, p) < 0)
			return -ENAMETOOLONG;
		p += len;
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			char *slash = strrchr(out, '/');
			*(slash ? slash : out) = '\0';
			continue;
		}
		r = str_format(out + at, PATH_MAX - at, "/%s", name);
		auto_close int fd = fd_open_in_root(i->root, out, O_PATH | O_NOFOLLOW, 0);
		ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", next, sizeof(next) - 1);
		if (n < 0)
			continue;
		if (++hops > 40)
			return -ELOOP;
		next[n] = '\0';
		out[next[0] == '/' ? 0 : at] = '\0';
		at = strlen(next);
		r = str_format(next + at, sizeof(next) - at, "/%s", p);
		memcpy(rest, next, sizeof(rest));
		p = rest;
	}
	return r;
}

/*
 * Nearly always the folder is there and nothing of that name in it, not even a
 * link: what was made just now needs not be looked for in the root again.
 */
static int make_in_parent(const struct init *i, const char *path, bool is_dir)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EEXIST;
	int r = str_format(dir, sizeof(dir), "%.*s", (int)(name - path), path);
	if (r < 0)
		return r;
	auto_close int parent = fd_open_in_root(i->root, *dir ? dir : "/", O_PATH | O_DIRECTORY, 0);
	if (parent < 0)
		return parent;
	if (is_dir) {
		r = mkdirat(parent, name, 0755);
	} else {
		r = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (r >= 0)
			(void)close(r);
	}
	if (r >= 0)
		r = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

static int make_target(const struct init *i, const char *path, bool is_dir)
{
	char where[PATH_MAX];
	int r = make_in_parent(i, path, is_dir);

	if (r >= 0)
		return r;
	r = follow_missing(i, path, where);
	if (r < 0)
		return r;
	return is_dir ? fd_mkdir_p_in_root(i->root, where, 0755) : make_file(i, where);
}

int mount_target(const struct init *i, const char *path, bool is_dir, bool real, struct err *e)
{
	auto_close int fd = fd_open_in_root(i->root, path, O_PATH | (real ? O_NOFOLLOW : 0), 0);

	if (fd == -ENOENT)
		fd = make_target(i, path, is_dir);
	if (fd < 0)
		return err_set(e, fd, "%s in the container", path);

	struct stat st;
	if (real && (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode)))
		return err_msg(e, -ENOTDIR, "%s in the container: not a real folder", path);
	return take_fd(&fd);
}

int mount_setattr_fd(int fd, bool recursive, unsigned long long set, unsigned long long clr,
		     unsigned long prop, struct err *e)
{
	struct mount_attr a = { .attr_set = set, .attr_clr = clr, .propagation = prop };
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);

	if (mount_setattr(fd, "", flags, &a, sizeof(a)) == 0)
		return 0;
	/* flags that another user namespace locked stay as they are: asking to
	 * lift a restriction, or for an access time, is then asking in vain */
	const unsigned long long atime = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;
	if (errno == EPERM && (clr || set & atime)) {
		a.attr_clr = 0;
		a.attr_set = set & ~atime;
		if (mount_setattr(fd, "", flags, &a, sizeof(a)) == 0)
			return 0;
	}
	return err_set(e, -errno, "mount_setattr");
}

/* All flags of a detached mount. */
static int apply_flags(const struct plan_mount *m, int fd, bool bind, struct err *e)
{
	const struct mountflags *f = &m->f;
	/* what is bound leaves the host's peer groups unless told otherwise */
	unsigned long prop = f->prop ? f->prop : bind ? MS_PRIVATE : 0;
	bool prop_rec = f->prop ? f->prop_rec : f->bind_rec;
	bool own = bind && (f->set || f->clr); /* fsmount took these already */
	int r = 0;

	if (m->idmap_fd >= 0)
		r = plan_apply_idmap(m, fd, e);
	if (r == 0 && (f->rset || f->rclr))
		r = mount_setattr_fd(fd, true, f->rset, f->rclr, 0, e);
	if (r == 0 && own)
		r = mount_setattr_fd(fd, false, f->set, f->clr, prop_rec ? 0 : prop, e);
	if (r == 0 && prop && (prop_rec || !own))
		r = mount_setattr_fd(fd, prop_rec, 0, 0, prop, e);
	return r;
}

/* The file system's own words about a failure are better than an errno. */
static int fs_error(int fsfd, const char *what, struct err *e)
{
	int code = -errno;
	char text[256];
	ssize_t n = read(fsfd, text, sizeof(text) - 1);

	if (n <= 2)
		return err_set(e, code, "%s", what);
	text[n] = '\0';
	if (text[n - 1] == '\n')
		text[n - 1] = '\0';
	return err_set(e, code, "%s: %s", what, text + 2);
}

static int new_fs(const char *type, const struct plan_mount *m, struct err *e)
{
	auto_close int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_set(e, -errno, "fsopen %s", type);
	if (m->src && fsconfig(fs, FSCONFIG_SET_STRING, "source", m->src, 0) < 0)
		return fs_error(fs, "source", e);
	for (size_t k = 0; k < m->n_data; k++) {
		const char *key = m->data[k * 2], *value = m->data[k * 2 + 1];
		unsigned int cmd = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fs, cmd, key, value, 0) < 0)
			return fs_error(fs, key, e);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_error(fs, type, e);

	int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)m->f.set);
	if (fd < 0)
		return err_set(e, -errno, "fsmount %s", type);
	return fd;
}

static int bind_fallback(const struct plan_mount *m, struct err *e)
{
	auto_close int fd = open_tree(AT_FDCWD, m->fallback,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		return err_set(e, -errno, "%s", m->fallback);
	int r = mount_setattr_fd(fd, true, m->f.set, 0, MS_PRIVATE, e);
	return r < 0 ? r : take_fd(&fd);
}

static int make_fs(const struct plan_mount *m, struct err *e)
{
	int fd = new_fs(m->type, m, e);

	if ((fd == -EPERM || fd == -EBUSY) && m->fallback)
		fd = bind_fallback(m, e);
	return fd;
}

/* The opened tree of any kind but remounts. */
static int take_detached(struct plan_mount *m, bool *is_dir, bool *bind)
{
	struct stat st;

	*is_dir = true;
	*bind = m->kind != PLAN_FS;
	if (*bind && fstat(m->fd, &st) == 0)
		*is_dir = S_ISDIR(st.st_mode);
	return take_fd(&m->fd);
}

static int remount(const struct init *i, const struct plan_mount *m, struct err *e)
{
	auto_close int fd = fd_open_in_root(i->root, m->dst, O_PATH, 0);

	if (fd < 0)
		return err_set(e, fd, "%s in the container", m->dst);
	return apply_flags(m, fd, /*bind*/ true, e);
}

/* A bind of a symbolic link with copy-symlink: the same link is made. */
static int copy_link(const struct init *i, const struct plan_mount *m, int fd, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_set(e, -errno, "readlink %s", m->src);
	target[n] = '\0';

	char dir[PATH_MAX];
	const char *slash = strrchr(m->dst, '/');
	int r = str_format(dir, sizeof(dir), "%.*s", (int)(slash ? slash - m->dst : 0), m->dst);
	if (r < 0)
		return err_set(e, r, "%s", m->dst);
	auto_close int parent = fd_mkdir_p_in_root(i->root, dir, 0755);
	if (parent < 0)
		return err_set(e, parent, "%s", dir);
	if (symlinkat(target, parent, slash ? slash + 1 : m->dst) < 0 && errno != EEXIST)
		return err_set(e, -errno, "link %s", m->dst);
	return 0;
}

static int make_one(const struct init *i, struct plan_mount *m, struct err *e)
{
	bool is_dir, bind;

	if (m->kind == PLAN_REMOUNT)
		return remount(i, m, e);

	auto_close int fd = take_detached(m, &is_dir, &bind);
	if (fd < 0)
		return fd;

	struct stat st;
	if (m->f.copy_symlink && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		return copy_link(i, m, fd, e);

	int r = 0;
	if (m->f.tmpcopyup)
		r = copyup_tree(i->root, m->dst, fd, e);
	if (r == 0)
		r = apply_flags(m, fd, bind, e);
	if (r < 0)
		return r;

	auto_close int target = mount_target(i, m->dst, is_dir, m->real_dir, e);
	if (target < 0)
		return target;
	if (move_mount(fd, "", target, "", TO_FD) < 0)
		return err_set(e, -errno, "move_mount");
	return 0;
}

int mount_open_sources(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	for (size_t k = 0; k < p->n_mounts; k++) {
		struct plan_mount *m = &p->mounts[k];

		/* those the parent opened are there, where we might not reach them */
		if (m->kind == PLAN_BIND && m->fd < 0)
			m->fd = plan_open_bind(m);
		if (m->kind == PLAN_BIND && m->fd < 0)
			return err_set(e, m->fd, "%s", m->src);
		/* now, so that mountinfo, which goes by age, has the spec's order */
		if (m->kind == PLAN_FS)
			m->fd = make_fs(m, e);
		if (m->fd < 0 && m->kind != PLAN_REMOUNT)
			return err_wrap(e, "%s", m->dst);
	}
	if (p->s->masked.n == 0)
		return device_open_sources(i, e);

	/* what covers a masked file must be the null device itself (CVE-2025-31133) */
	struct stat st;
	i->null = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (i->null < 0 || fstat(i->null, &st) < 0)
		return err_set(e, -errno, "/dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_msg(e, -ENODEV, "/dev/null: not the null device");
	return device_open_sources(i, e);
}

int mount_make_all(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	for (size_t k = 0; k < p->n_mounts; k++) {
		struct plan_mount *m = &p->mounts[k];
		int r = make_one(i, m, e);

		if (r < 0)
			return err_wrap(e, "%s%s%s", m->dst, m->src ? " from " : "",
					m->src ? m->src : "");
	}
	return 0;
}

int mount_late(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	for (size_t k = 0; k < p->n_mounts; k++) {
		if (!p->mounts[k].late_ro)
			continue;
		auto_close int fd = fd_open_in_root(i->root, p->mounts[k].dst, O_PATH, 0);
		if (fd < 0)
			return err_set(e, fd, "%s", p->mounts[k].dst);
		int r = mount_setattr_fd(fd, false, MOUNT_ATTR_RDONLY, 0, 0, e);
		if (r < 0)
			return err_wrap(e, "%s", p->mounts[k].dst);
	}
	return 0;
}

/* One empty folder serves all masked folders. */
static int empty_dir(struct init *i, struct err *e)
{
	static const char *data[] = { "size", "0", "nr_inodes", "1", "mode", "555" };
	struct plan_mount m = { .src = "tmpfs", .data = data, .n_data = 3 };

	if (i->empty < 0) {
		m.f.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			  MOUNT_ATTR_NOEXEC;
		i->empty = new_fs("tmpfs", &m, e);
	}
	return i->empty;
}

static int copy_mount(int fd)
{
	int r = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	return r < 0 ? -errno : r;
}

/*
 * Covers target by a copy of *cover. Before Linux 6.15 a mount that is
 * attached nowhere cannot be copied: then it goes there itself, and *cover
 * becomes a copy of it, so that it never is the mount that does the masking.
 */
static int cover_by(int *cover, int target)
{
	auto_close int copy = copy_mount(*cover);

	if (copy < 0 && copy != -EINVAL)
		return copy;
	if (move_mount(copy < 0 ? *cover : copy, "", target, "", TO_FD) < 0)
		return -errno;
	if (copy >= 0)
		return 0;
	int next = copy_mount(*cover);
	(void)close(*cover);
	*cover = next;
	return next < 0 ? next : 0;
}

static int mask_one(struct init *i, const char *path, struct err *e)
{
	auto_close int target = fd_open_in_root(i->root, path, O_PATH, 0);
	struct stat st;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return err_set(e, target < 0 ? target : -errno, "%s", path);

	int r = S_ISDIR(st.st_mode) ? empty_dir(i, e) : 0;
	if (r < 0)
		return r;
	r = cover_by(S_ISDIR(st.st_mode) ? &i->empty : &i->null, target);
	return r < 0 ? err_set(e, r, "%s", path) : 0;
}

static int readonly_one(const struct init *i, const char *path, struct err *e)
{
	auto_close int target = fd_open_in_root(i->root, path, O_PATH, 0);

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return err_set(e, target, "%s", path);
	auto_close int fd = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
							  AT_EMPTY_PATH | AT_RECURSIVE);
	if (fd < 0)
		return err_set(e, -errno, "%s", path);
	int r = mount_setattr_fd(fd, true, MOUNT_ATTR_RDONLY, 0, 0, e);
	if (r < 0)
		return err_wrap(e, "%s", path);
	if (move_mount(fd, "", target, "", TO_FD) < 0)
		return err_set(e, -errno, "%s", path);
	return 0;
}

int mount_mask_all(struct init *i, struct err *e)
{
	const struct spec *s = i->p->s;

	for (size_t k = 0; k < s->readonly.n; k++) {
		int r = readonly_one(i, s->readonly.v[k], e);
		if (r < 0)
			return err_wrap(e, "readonlyPaths");
	}
	for (size_t k = 0; k < s->masked.n; k++) {
		int r = mask_one(i, s->masked.v[k], e);
		if (r < 0)
			return err_wrap(e, "maskedPaths");
	}
	return 0;
}
