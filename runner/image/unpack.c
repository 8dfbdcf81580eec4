/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack - a tar stream from a stranger becomes a folder
 *
 * How it works: libarchive parses, we make the objects. A member's name is
 * cleaned as text first (".." that leads out is refused), then its folder is
 * opened below the root with openat2(RESOLVE_IN_ROOT), so that a symbolic link
 * in the layer leads where it will lead in the container and nowhere else; the
 * last part of the name is only ever given to *at() calls that do not follow.
 * A folder gets its mode and time at the end: until then it is 0700 and can be
 * written to without privilege.
 */
#include "runner/image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/image/unpack_int.h"

#define BLOCK_SIZE (256u << 10)
#define WH_PREFIX ".wh."
#define WH_OPAQUE ".wh..wh..opq"
#define WH_AUFS ".wh..wh."
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

int unpack_clean_path(const char *in, char *out)
{
	size_t len = 0;
	unsigned int depth = 0;

	while (*in) {
		size_t n = strcspn(in, "/");

		if (n == 2 && in[0] == '.' && in[1] == '.') {
			if (!depth)
				return -EINVAL;
			while (len && out[len - 1] != '/')
				len--;
			len -= len ? 1 : 0;
			depth--;
		} else if (n && !(n == 1 && in[0] == '.')) {
			if (n > NAME_MAX || len + n + 2 > PATH_MAX)
				return -ENAMETOOLONG;
			if (++depth > LAYER_DEPTH_MAX)
				return -ENAMETOOLONG;
			if (len)
				out[len++] = '/';
			memcpy(out + len, in, n);
			len += n;
		}
		in += n;
		in += strspn(in, "/");
	}
	out[len] = '\0';
	return 0;
}

/* --- folders ---------------------------------------------------------------- */

static void parent_drop(struct unpack *u)
{
	if (u->parent_fd >= 0)
		(void)close(u->parent_fd);
	u->parent_fd = -1;
}

/* A folder that the archive does not list: 0755 and root's, as others do. */
static int make_parents(struct unpack *u, const char *dir)
{
	char part[PATH_MAX];
	int r = str_format(part, sizeof(part), "%s", dir);

	auto_close int fd = fd_open_in_root(u->rootfd, "/", DIR_FLAGS, 0);
	for (char *p = part; r >= 0 && fd >= 0 && *p;) {
		char *end = strchrnul(p, '/');
		char saved = *end;

		*end = '\0';
		int next = fd_open_in_root(u->rootfd, part, DIR_FLAGS, 0);
		if (next == -ENOENT) {
			if (mkdirat(fd, p, 0755) < 0)
				return -errno;
			if (fchmodat(fd, p, 0755, 0) < 0)
				return -errno;
			next = fd_open_in_root(u->rootfd, part, DIR_FLAGS, 0);
		}
		(void)close(fd);
		fd = next;
		*end = saved;
		p = end + (saved ? 1 : 0);
	}
	return r < 0 ? r : take_fd(&fd);
}

/* Opens the folder of path for the caller to keep; *ret_base points into path. */
static int open_parent(struct unpack *u, const char *path, const char **ret_base, bool make)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	*ret_base = slash ? slash + 1 : path;
	(void)str_format(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 0, path);
	int fd = fd_open_in_root(u->rootfd, *dir ? dir : "/", DIR_FLAGS, 0);
	if (fd == -ENOENT && make)
		fd = make_parents(u, dir);
	return fd;
}

/* The folder of a member, from the one-entry cache where possible. */
static int use_parent(struct unpack *u, struct member *m)
{
	const char *slash = strrchr(m->path, '/');
	size_t len = slash ? (size_t)(slash - m->path) : 0;

	if (u->parent_fd >= 0 && !strncmp(u->parent, m->path, len) && !u->parent[len]) {
		m->base = slash ? slash + 1 : m->path;
		m->dirfd = u->parent_fd;
		return 0;
	}
	parent_drop(u);
	int fd = open_parent(u, m->path, &m->base, true);
	if (fd < 0)
		return fd;
	u->parent_fd = fd;
	(void)str_format(u->parent, sizeof(u->parent), "%.*s", (int)len, m->path);
	m->dirfd = fd;
	return 0;
}

/* --- making objects ----------------------------------------------------------- */

/* Something of that name came earlier in the same archive: the later one wins. */
static int clear_way(struct unpack *u, const struct member *m)
{
	struct stat st;

	if (fstatat(m->dirfd, m->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(m->dirfd, m->base, 0) < 0 ? -errno : 0;
	(void)u;
	return io_remove_tree_at(m->dirfd, m->base);
}

/* Whiteouts that had to be files must not hide what comes after them. */
static void clear_wh_file(struct unpack *u, const struct member *m)
{
	char wh[NAME_MAX + 1];

	if (u->stats->wh_files && str_format(wh, sizeof(wh), WH_PREFIX "%s", m->base) > 0)
		(void)unlinkat(m->dirfd, wh, 0);
}

static int copy_data(struct unpack *u, struct member *m, struct err *e)
{
	const void *buf;
	size_t len;
	int64_t off;
	int64_t size = u->fn->archive_entry_size(m->entry);
	int64_t end = 0;
	int r;

	while ((r = u->fn->archive_read_data_block(u->a, &buf, &len, &off)) == ARCHIVE_OK) {
		if (off < 0 || off + (int64_t)len > size)
			return err_msg(e, -EINVAL, "'%s': has data behind its end", m->path);
		for (size_t done = 0; done < len;) {
			ssize_t n = pwrite(m->fd, (const char *)buf + done, len - done,
					   off + (int64_t)done);
			if (n < 0 && errno != EINTR)
				return err_set(e, -errno, "write '%s'", m->path);
			done += n > 0 ? (size_t)n : 0;
		}
		end = off + (int64_t)len;
	}
	if (r != ARCHIVE_EOF)
		return err_msg(e, -EBADMSG, "'%s': %s", m->path,
			       u->fn->archive_error_string(u->a));
	if (end < size && ftruncate(m->fd, size) < 0)
		return err_set(e, -errno, "write '%s'", m->path);
	return 0;
}

static int make_file(struct unpack *u, struct member *m, struct err *e)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	m->fd = openat(m->dirfd, m->base, flags, 0600);
	if (m->fd < 0 && errno == EEXIST) {
		int r = clear_way(u, m);
		if (r)
			return err_set(e, r, "replace '%s'", m->path);
		m->fd = openat(m->dirfd, m->base, flags, 0600);
	}
	if (m->fd < 0)
		return err_set(e, -errno, "create '%s'", m->path);
	return m->placeholder ? 0 : copy_data(u, m, e);
}

static int make_dir(struct unpack *u, struct member *m, struct err *e)
{
	bool hides = false;

	if (!*m->base) {
		m->fd = fd_open_in_root(u->rootfd, "/", DIR_FLAGS, 0);
		return m->fd < 0 ? err_set(e, m->fd, "open the layer's root") : 0;
	}
	if (mkdirat(m->dirfd, m->base, 0700) < 0) {
		struct stat st;

		if (errno != EEXIST || fstatat(m->dirfd, m->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(e, -errno, "make folder '%s'", m->path);
		if (!S_ISDIR(st.st_mode)) {
			/* a folder in place of a whiteout hides what lies below it */
			hides = S_ISCHR(st.st_mode) && st.st_rdev == 0;
			parent_drop(u);
			int r = use_parent(u, m);
			if (r || unlinkat(m->dirfd, m->base, 0) < 0 ||
			    mkdirat(m->dirfd, m->base, 0700) < 0)
				return err_set(e, r ? r : -errno, "replace '%s'", m->path);
		}
	}
	m->fd = openat(m->dirfd, m->base, DIR_FLAGS | O_NOFOLLOW);
	if (m->fd < 0)
		return err_set(e, -errno, "open folder '%s'", m->path);
	return hides ? meta_opaque(u, m->fd, e) : 0;
}

static int make_symlink(struct unpack *u, struct member *m, struct err *e)
{
	const char *to = u->fn->archive_entry_symlink(m->entry);

	if (!to || !*to || strlen(to) >= PATH_MAX)
		return err_msg(e, -EINVAL, "'%s': is a link to nothing", m->path);
	if (symlinkat(to, m->dirfd, m->base) == 0)
		return 0;
	int r = errno == EEXIST ? clear_way(u, m) : -errno;
	if (!r && symlinkat(to, m->dirfd, m->base) < 0)
		r = -errno;
	if (r)
		return err_set(e, r, "link '%s'", m->path);
	/* a name that led to a folder may lead elsewhere now */
	parent_drop(u);
	r = use_parent(u, m);
	return r ? err_set(e, r, "'%s'", m->path) : 0;
}

static int make_hardlink(struct unpack *u, struct member *m, const char *to, struct err *e)
{
	char target[PATH_MAX];
	const char *base;
	int r = unpack_clean_path(to, target);

	if (r || !*target)
		return err_msg(e, -EINVAL, "'%s': is a hard link to '%s', which leads out of the "
			       "layer", m->path, to);
	if (str_eq(target, m->path))
		return 0;
	auto_close int dir = open_parent(u, target, &base, false);
	if (dir < 0)
		return err_set(e, dir, "'%s': hard link to '%s'", m->path, to);

	r = linkat(dir, base, m->dirfd, m->base, 0) < 0 ? -errno : 0;
	if (r == -EEXIST) {
		struct stat a;
		struct stat b;

		if (!fstatat(dir, base, &a, AT_SYMLINK_NOFOLLOW) &&
		    !fstatat(m->dirfd, m->base, &b, AT_SYMLINK_NOFOLLOW) &&
		    a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return 0;
		r = clear_way(u, m);
		if (!r && linkat(dir, base, m->dirfd, m->base, 0) < 0)
			r = -errno;
	}
	return r ? err_set(e, r, "'%s': hard link to '%s'", m->path, to) : 0;
}

/* Devices only as real root; anybody else gets a file that says what it is. */
static int make_node(struct unpack *u, struct member *m, struct err *e)
{
	bool dev = S_ISCHR(m->type) || S_ISBLK(m->type);
	/* char 0:0 would be a whiteout to overlay */
	bool real = !dev || (u->mode->root && m->rdev != 0);

	for (int tries = 0; real && tries < 2; tries++) {
		if (mknodat(m->dirfd, m->base, m->type | 0600, dev ? m->rdev : 0) == 0)
			return 0;
		if (dev && errno == EPERM)
			break;
		int r = errno == EEXIST ? clear_way(u, m) : -errno;
		if (r)
			return err_set(e, r, "create '%s'", m->path);
	}
	if (!dev)
		return err_set(e, -EEXIST, "create '%s'", m->path);
	m->placeholder = true;
	u->stats->devices++;
	return make_file(u, m, e);
}

/* --- one member ---------------------------------------------------------------- */

static int take_whiteout(struct unpack *u, const struct member *m, struct err *e)
{
	const char *name = m->base + strlen(WH_PREFIX);
	struct stat st;

	if (str_eq(m->base, WH_OPAQUE))
		return meta_opaque(u, m->dirfd, e);
	if (str_starts(m->base, WH_AUFS))
		return 0;
	if (!*name || str_eq(name, ".") || str_eq(name, ".."))
		return err_msg(e, -EINVAL, "'%s': is no whiteout of a name", m->path);
	if (fstatat(m->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return meta_whiteout(u, m->dirfd, name, e);
	/* what this layer itself has stays, but shows nothing from below */
	if (!S_ISDIR(st.st_mode))
		return 0;
	auto_close int fd = openat(m->dirfd, name, DIR_FLAGS | O_NOFOLLOW);
	return fd < 0 ? err_set(e, -errno, "open '%s'", m->path) : meta_opaque(u, fd, e);
}

static int make_object(struct unpack *u, struct member *m, struct err *e)
{
	switch (m->type) {
	case S_IFREG:
		return make_file(u, m, e);
	case S_IFDIR:
		return make_dir(u, m, e);
	case S_IFLNK:
		return make_symlink(u, m, e);
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return make_node(u, m, e);
	default:
		return err_msg(e, -EINVAL, "'%s': is of an unknown type", m->path);
	}
}

static int read_member(struct unpack *u, struct member *m, struct err *e)
{
	const char *name = u->fn->archive_entry_pathname(m->entry);
	int64_t size = u->fn->archive_entry_size(m->entry);

	if (!name)
		return err_msg(e, -EBADMSG, "a member has no name");
	int r = unpack_clean_path(name, m->path);
	if (r == -EINVAL)
		return err_msg(e, r, "'%s': leads out of the layer", name);
	if (r)
		return err_msg(e, r, "'%.100s…': is too long or deeper than %u folders", name,
			       LAYER_DEPTH_MAX);
	if (++u->stats->entries > LAYER_ENTRIES_MAX)
		return err_msg(e, -E2BIG, "has more than %llu members", LAYER_ENTRIES_MAX);
	if (size < 0 || (uint64_t)size > LAYER_BYTES_MAX - u->stats->bytes)
		return err_msg(e, -EFBIG, "'%s': makes it larger than %llu TiB", m->path,
			       LAYER_BYTES_MAX >> 40);

	m->type = u->fn->archive_entry_filetype(m->entry);
	m->perm = u->fn->archive_entry_perm(m->entry) & 07777;
	m->uid = u->fn->archive_entry_uid(m->entry);
	m->gid = u->fn->archive_entry_gid(m->entry);
	m->rdev = makedev((unsigned int)u->fn->archive_entry_rdevmajor(m->entry),
			  (unsigned int)u->fn->archive_entry_rdevminor(m->entry));
	m->mtime.tv_sec = u->fn->archive_entry_mtime(m->entry);
	m->mtime.tv_nsec = u->fn->archive_entry_mtime_nsec(m->entry);
	return 0;
}

static int take_member(struct unpack *u, struct member *m, struct err *e)
{
	int r = read_member(u, m, e);

	if (r)
		return r;
	m->base = "";
	m->dirfd = u->rootfd;
	if (*m->path) {
		r = use_parent(u, m);
		if (r)
			return err_set(e, r, "'%s': its folder", m->path);
	} else if (!S_ISDIR(m->type)) {
		return err_msg(e, -EINVAL, "the root of the layer is no folder");
	}
	if (str_starts(m->base, WH_PREFIX))
		return take_whiteout(u, m, e);

	const char *link = u->fn->archive_entry_hardlink(m->entry);
	if (link) {
		r = make_hardlink(u, m, link, e);
	} else {
		r = make_object(u, m, e);
		if (!r)
			r = meta_apply(u, m, e);
		if (!r && S_ISREG(m->type))
			u->stats->bytes += (uint64_t)u->fn->archive_entry_size(m->entry);
	}
	clear_wh_file(u, m);
	return r;
}

/* --- the stream ------------------------------------------------------------------ */

/**
 * struct feed - the source as libarchive wants it
 * @fn:		to report a failure
 * @code:	what the source failed with
 */
struct feed {
	const struct source *src;
	unsigned char *buf;
	int code;
};

static la_ssize_t feed_read(struct archive *a, void *ctx, const void **ret)
{
	struct feed *f = ctx;
	ssize_t n = f->src->read(f->src->ctx, f->buf, BLOCK_SIZE);

	(void)a;
	*ret = f->buf;
	if (n < 0)
		f->code = (int)n;
	return n < 0 ? -1 : n;
}

static int read_all(struct unpack *u, struct feed *f, struct err *e)
{
	for (;;) {
		struct member m = { .fd = -1 };
		int r = u->fn->archive_read_next_header(u->a, &m.entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			const char *why = u->fn->archive_error_string(u->a);

			if (f->code)
				return err_set(e, f->code, "read");
			return err_msg(e, -EBADMSG, "is no tar archive: %s",
				       why ? why : "damaged");
		}
		r = take_member(u, &m, e);
		if (m.fd >= 0)
			(void)close(m.fd);
		if (r)
			return f->code ? err_set(e, f->code, "read") : r;
	}
}

static void unpack_clear(struct unpack *u)
{
	if (u->a)
		(void)u->fn->archive_read_free(u->a);
	parent_drop(u);
	if (u->owners)
		(void)fclose(u->owners);
	for (size_t i = 0; i < u->n_dirs; i++)
		free(u->dirs[i].path);
	free(u->dirs);
}
DEFINE_AUTO_CLEAR(struct unpack, unpack_clear);

static int open_archive(struct unpack *u, struct feed *f, struct err *e)
{
	const struct lazy_archive *fn = u->fn;

	u->a = fn->archive_read_new();
	if (!u->a || fn->archive_read_support_format_tar(u->a) != ARCHIVE_OK ||
	    fn->archive_read_support_format_empty(u->a) != ARCHIVE_OK)
		return err_set(e, -ENOMEM, "start libarchive");
	if (fn->archive_read_open2(u->a, f, NULL, feed_read, NULL, NULL) != ARCHIVE_OK) {
		const char *why = fn->archive_error_string(u->a);

		if (f->code)
			return err_set(e, f->code, "read");
		return err_msg(e, -EBADMSG, "is no tar archive: %s", why ? why : "damaged");
	}
	return 0;
}

int unpack_tar(const struct source *src, int rootfd, int metafd, const struct layer_mode *mode,
	       struct unpack_stats *ret, struct err *e)
{
	AUTO(unpack_clear) struct unpack u = {
		.mode = mode, .rootfd = rootfd, .metafd = metafd, .parent_fd = -1, .stats = ret,
	};
	auto_free unsigned char *buf = xcalloc(1, BLOCK_SIZE);
	struct feed f = { .src = src, .buf = buf };

	*ret = (struct unpack_stats){ 0 };
	u.fn = lazy_archive(e);
	if (!u.fn)
		return -ELIBACC;

	/* pax names are UTF-8; in the C locale libarchive would damage them */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int r = open_archive(&u, &f, e);
	if (!r && mode->single_id)
		r = meta_root(&u, e);
	if (!r)
		r = read_all(&u, &f, e);
	if (!r)
		r = meta_finish(&u, e);
	if (utf8) {
		(void)uselocale(before);
		freelocale(utf8);
	}
	return r;
}
