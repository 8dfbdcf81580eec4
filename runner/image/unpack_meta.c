/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack_meta - owners, modes, times, attributes and whiteouts of a layer
 *
 * How it works: where the id mapping has the member's owner, chown(2) stores
 * it. Where it has not, the file stays root's and the true owner is recorded
 * as "uid:gid:mode[:type]" in the xattr user.containers.override_stat, byte
 * for byte as containers/storage and fuse-overlayfs write it. Symbolic links
 * and fifos cannot carry user xattrs, and some file systems have none: their
 * records go to the file "owners" beside the tree, a line each:
 *
 *	uid:gid:mode[:type] PATH	with \n and \\ in PATH escaped
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/override.h"
#include "common/str.h"
#include "runner/image/unpack_int.h"

#define ID_MAX_VALID 0xfffffffell

/* --- recorded owners -------------------------------------------------------------- */

static int sidecar_add(struct unpack *u, const char *value, const char *path, struct err *e)
{
	if (!u->owners) {
		int fd = openat(u->metafd, "owners", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				0600);

		if (fd < 0)
			return err_set(e, -errno, "create the file of recorded owners");
		u->owners = fdopen(fd, "a");
		if (!u->owners) {
			(void)close(fd);
			return err_set(e, -ENOMEM, "create the file of recorded owners");
		}
	}
	(void)fprintf(u->owners, "%s ", value);
	for (; *path; path++) {
		if (*path == '\n')
			(void)fputs("\\n", u->owners);
		else if (*path == '\\')
			(void)fputs("\\\\", u->owners);
		else
			(void)fputc(*path, u->owners);
	}
	(void)fputc('\n', u->owners);
	return ferror(u->owners) ? err_set(e, -EIO, "write the file of recorded owners") : 0;
}

/* Owner 0:0 of a plain object needs no record: that is what the disk says. */
static int record_owner(struct unpack *u, const struct member *m, struct err *e)
{
	struct override ov = { .uid = (uint32_t)m->uid, .gid = (uint32_t)m->gid,
			       .mode = S_ISLNK(m->type) ? 0777 : m->perm };
	char value[OVERRIDE_TEXT_MAX];

	if (m->uid == 0 && m->gid == 0 && !m->placeholder && *m->path)
		return 0;
	if (m->placeholder) {
		ov.type = m->type;
		ov.major = major(m->rdev);
		ov.minor = minor(m->rdev);
	}
	int len = override_format(&ov, value);
	if (m->fd >= 0 && fsetxattr(m->fd, OVERRIDE_XATTR, value, (size_t)len, 0) == 0)
		return 0;
	if (m->fd >= 0 && errno != ENOTSUP && errno != EPERM)
		return err_set(e, -errno, "record the owner of '%s'", m->path);
	return sidecar_add(u, value, m->path, e);
}

int meta_root(struct unpack *u, struct err *e)
{
	auto_close int fd = fd_open_in_root(u->rootfd, "/", O_RDONLY | O_DIRECTORY, 0);
	struct member root = { .fd = fd, .type = S_IFDIR, .perm = 0755 };

	if (fd < 0)
		return err_set(e, fd, "open the layer's root");
	return record_owner(u, &root, e);
}

static void note_unmapped(struct unpack *u, const struct member *m)
{
	if (u->stats->unmapped++)
		return;
	u->stats->unmapped_uid = (uint32_t)m->uid;
	u->stats->unmapped_gid = (uint32_t)m->gid;
	if (str_format(u->stats->unmapped_path, sizeof(u->stats->unmapped_path), "%s", m->path) < 0)
		u->stats->unmapped_path[0] = '\0';
}

static int apply_owner(struct unpack *u, struct member *m, struct err *e)
{
	/* no such id exists; 65534 is what "nobody we know" is called */
	if (m->uid < 0 || m->uid > ID_MAX_VALID)
		m->uid = 65534;
	if (m->gid < 0 || m->gid > ID_MAX_VALID)
		m->gid = 65534;
	if (u->mode->single_id)
		return record_owner(u, m, e);

	int r;
	if (m->fd >= 0)
		r = fchown(m->fd, (uid_t)m->uid, (gid_t)m->gid);
	else
		r = fchownat(m->dirfd, m->base, (uid_t)m->uid, (gid_t)m->gid,
			     AT_SYMLINK_NOFOLLOW);
	if (r == 0)
		return m->placeholder ? record_owner(u, m, e) : 0;
	if (errno != EINVAL && errno != EPERM && errno != EOVERFLOW)
		return err_set(e, -errno, "chown '%s' to %lld:%lld", m->path, (long long)m->uid,
			       (long long)m->gid);
	note_unmapped(u, m);
	return record_owner(u, m, e);
}

/* --- xattrs ------------------------------------------------------------------------ */

static bool is_reserved(const char *name)
{
	static const char *const ours[] = { "user.overlay.", "user.containers.",
					    "user.fuseoverlayfs.", "trusted.overlay.",
					    "security.fuseoverlayfs." };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (str_starts(name, ours[i]))
			return true;
	}
	return false;
}

static void apply_xattr(struct unpack *u, const struct member *m, const char *name,
			const void *value, size_t len)
{
	char shadow[XATTR_NAME_MAX + 1];
	bool cap = str_eq(name, "security.capability");

	if (is_reserved(name)) {
		u->stats->xattrs_lost++;
		return;
	}
	if ((cap || str_starts(name, "user.") || u->mode->root) &&
	    fsetxattr(m->fd, name, value, len, 0) == 0)
		return;
	if (cap && str_format(shadow, sizeof(shadow), OVERRIDE_PREFIX "%s", name) > 0 &&
	    fsetxattr(m->fd, shadow, value, len, 0) == 0)
		return;
	u->stats->xattrs_lost++;
}

static int apply_xattrs(struct unpack *u, const struct member *m, struct err *e)
{
	int n = u->fn->archive_entry_xattr_reset(m->entry);
	const char *name;
	const void *value;
	size_t len;

	if (n > (int)LAYER_XATTRS_MAX)
		return err_msg(e, -E2BIG, "'%s': has %d extended attributes, more than %u",
			       m->path, n, LAYER_XATTRS_MAX);
	while (n > 0 && u->fn->archive_entry_xattr_next(m->entry, &name, &value, &len) ==
				ARCHIVE_OK) {
		if (!name)
			continue;
		if (len > LAYER_XATTR_SIZE_MAX)
			return err_msg(e, -E2BIG, "'%s': attribute %s is larger than %u bytes",
				       m->path, name, LAYER_XATTR_SIZE_MAX);
		apply_xattr(u, m, name, value, len);
	}
	return 0;
}

/* --- modes and times ------------------------------------------------------------------ */

static struct timespec valid_time(struct timespec t)
{
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

static int defer_dir(struct unpack *u, const struct member *m)
{
	if (u->n_dirs == u->cap_dirs) {
		u->cap_dirs = u->cap_dirs ? u->cap_dirs * 2 : 64;
		u->dirs = xrealloc(u->dirs, u->cap_dirs, sizeof(*u->dirs));
	}
	u->dirs[u->n_dirs++] = (struct unpack_dir){
		.path = xstrdup(m->path), .mode = m->perm, .mtime = valid_time(m->mtime),
	};
	return 0;
}

int meta_apply(struct unpack *u, const struct member *made, struct err *e)
{
	struct member m = *made;
	int r;

	/* chown first: it clears setuid bits and file capabilities */
	m.base = made->base;
	r = apply_owner(u, &m, e);
	if (!r && m.fd >= 0)
		r = apply_xattrs(u, &m, e);
	if (r)
		return r;
	if (S_ISDIR(m.type))
		return defer_dir(u, &m);

	struct timespec times[2] = { valid_time(m.mtime), valid_time(m.mtime) };
	if (m.fd >= 0) {
		if (fchmod(m.fd, m.perm) < 0)
			return err_set(e, -errno, "chmod '%s'", m.path);
		(void)futimens(m.fd, times);
		return 0;
	}
	if (!S_ISLNK(m.type) && fchmodat(m.dirfd, m.base, m.perm, 0) < 0)
		return err_set(e, -errno, "chmod '%s'", m.path);
	(void)utimensat(m.dirfd, m.base, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* A small set of inode numbers: a folder listed twice takes the later word. */
struct inodes {
	ino_t *slot;
	size_t cap;
};

static bool inodes_add(struct inodes *s, ino_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15ull) & (s->cap - 1);

	while (s->slot[i]) {
		if (s->slot[i] == ino)
			return false;
		i = (i + 1) & (s->cap - 1);
	}
	s->slot[i] = ino;
	return true;
}

static int finish_dir(struct unpack *u, const struct unpack_dir *d, struct inodes *seen,
		      struct err *e)
{
	struct timespec times[2] = { d->mtime, d->mtime };
	auto_close int fd = fd_open_in_root(u->rootfd, *d->path ? d->path : "/",
					    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat st;

	/* replaced by something else later in the archive */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? fd : -errno, "open folder '%s'", d->path);
	if (!inodes_add(seen, st.st_ino))
		return 0;
	if (fchmod(fd, d->mode) < 0)
		return err_set(e, -errno, "chmod '%s'", d->path);
	(void)futimens(fd, times);
	return 0;
}

int meta_finish(struct unpack *u, struct err *e)
{
	struct inodes seen = { .cap = 16 };

	while (seen.cap < u->n_dirs * 2 + 2)
		seen.cap *= 2;
	auto_free ino_t *slots = xcalloc(seen.cap, sizeof(*slots));
	seen.slot = slots;

	/* inner folders come later: they are done before an outer one closes */
	for (size_t i = u->n_dirs; i > 0; i--) {
		int r = finish_dir(u, &u->dirs[i - 1], &seen, e);
		if (r)
			return r;
	}
	if (!u->owners)
		return 0;
	int r = fclose(u->owners);
	u->owners = NULL;
	return r ? err_set(e, -errno, "write the file of recorded owners") : 0;
}

/* --- whiteouts -------------------------------------------------------------------------- */

static int empty_file(struct unpack *u, int dirfd, const char *name, struct err *e)
{
	auto_close int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(e, -errno, "create whiteout '%s'", name);
	u->stats->wh_files = true;
	return 0;
}

int meta_opaque(struct unpack *u, int dirfd, struct err *e)
{
	const char *name = u->mode->root ? "trusted.overlay.opaque" : "user.overlay.opaque";

	if (fsetxattr(dirfd, name, "y", 1, 0) == 0)
		return 0;
	if (errno != ENOTSUP && errno != EPERM)
		return err_set(e, -errno, "mark a folder opaque");
	return empty_file(u, dirfd, ".wh..wh..opq", e);
}

int meta_whiteout(struct unpack *u, int dirfd, const char *name, struct err *e)
{
	char wh[NAME_MAX + 1];

	if (mknodat(dirfd, name, S_IFCHR, 0) == 0)
		return 0;
	if (errno != EPERM && errno != EINVAL && errno != ENOTSUP && errno != EACCES)
		return err_set(e, -errno, "create whiteout '%s'", name);
	if (str_format(wh, sizeof(wh), ".wh.%s", name) < 0)
		return err_set(e, -ENAMETOOLONG, "create whiteout '%s'", name);
	return empty_file(u, dirfd, wh, e);
}
