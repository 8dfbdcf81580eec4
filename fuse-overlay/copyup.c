/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - bring an object of a lower layer into the upper one
 *
 * How it works. The copy is made in the work folder, a file without any name
 * (O_TMPFILE) where the file system can: data first, then owner, mode,
 * extended attributes and times, then it is synced (not with volatile or
 * fsync=0), and only then it is linked or renamed to its place. Whoever is
 * killed in between leaves at most litter in the work folder, which the next
 * mount removes. The parent's times are put back: copying up is no change
 * that a user made.
 */
#include "fuse-overlay/copyup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/str.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/xattr.h"

#define CHUNK (1U << 20)
#define STAT_BLOCK 512	/* what stx_blocks counts */

/**
 * struct copy - one object on its way up
 * @n:		the node
 * @from:	its lower object
 * @stx:	attributes of that, override applied
 * @tmp:	name in the work folder, "" for an unnamed file
 * @fd:		the copy, of files and folders, else -1
 * @index:	name in the index for a file with several names, "" without
 * @now:	attributes of the copy when it was made
 */
struct copy {
	struct node *n;
	struct loc from;
	struct statx stx;
	char tmp[OVL_TMP_MAX];
	int fd;
	char index[LINK_KEY_MAX];
	struct statx now;
};

static void copy_clear(struct copy *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}
DEFINE_AUTO_CLEAR(struct copy, copy_clear);

static int copy_by_hand(int from, int to, off_t off, off_t end)
{
	auto_free char *buf = malloc(CHUNK);

	if (!buf)
		return -ENOMEM;
	while (off < end) {
		size_t want = end - off < (off_t)CHUNK ? (size_t)(end - off) : CHUNK;
		ssize_t n = pread(from, buf, want, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = pwrite(to, buf + done, (size_t)(n - done), off + done);

			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return -errno;
			done += w;
		}
		off += n;
	}
	return 0;
}

static int copy_extent(int from, int to, off_t off, off_t end)
{
	while (off < end) {
		off_t in = off, out = off;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - off), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return -errno;
		/* not between these file systems, or not of this one */
		if (n <= 0)
			return copy_by_hand(from, to, off, end);
		off += n;
	}
	return 0;
}

static bool clone_data(struct ovl *o, int from, int to)
{
	if (o->no_clone)
		return false;
	if (!ioctl(to, FICLONE, from))
		return true;
	/* of another file system it says something else */
	o->no_clone = errno == EOPNOTSUPP || errno == ENOTTY;
	return false;
}

/* Holes stay holes. */
static int copy_sparse(int from, int to, off_t size)
{
	if (ftruncate(to, size))
		return -errno;
	for (off_t off = 0; off < size;) {
		off_t data = lseek(from, off, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			return 0;
		if (data < 0)
			data = off;
		if (data >= size)
			return 0;
		off_t hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		int r = copy_extent(from, to, data, hole);
		if (r < 0)
			return r;
		off = hole;
	}
	return 0;
}

static int copy_data(struct ovl *o, const struct copy *c, int from, off_t keep)
{
	off_t size = (off_t)c->stx.stx_size;
	bool whole = keep == COPYUP_WHOLE || keep >= size;

	if (!size || (whole && clone_data(o, from, c->fd)))
		return 0;
	if (!whole)
		size = keep;
	if ((off_t)c->stx.stx_blocks * STAT_BLOCK < (off_t)c->stx.stx_size)
		return copy_sparse(from, c->fd, size);
	return copy_extent(from, c->fd, 0, size);
}

static bool is_for_overlays(const char *name)
{
	return str_starts(name, XATTR_OVERLAY) || str_starts(name, "trusted.overlay.") ||
	       str_starts(name, "user.fuseoverlayfs.") ||
	       str_starts(name, "security.fuseoverlayfs.") ||
	       str_eq(name, OVERRIDE_XATTR);
}

static int copy_xattr(struct loc from, struct loc to, const char *name, char *value)
{
	ssize_t len = at_getxattr(from, name, value, OVL_XATTR_MAX);

	if (len == -ENODATA || len == -EPERM || len == -EACCES)
		return 0;
	if (len < 0)
		return (int)len;
	int r = at_setxattr(to, name, value, (size_t)len, 0);
	/* what the server may not set nobody in its namespace set either */
	if ((r == -EPERM || r == -ENOTSUP || r == -EINVAL) && !str_starts(name, "user."))
		return 0;
	return r;
}

int copyup_xattrs(struct ovl *o, struct loc from, struct loc to)
{
	char few[1024];
	auto_free char *many = NULL;
	auto_free char *value = NULL;
	char *names = few;
	ssize_t len = at_listxattr(from, few, sizeof(few));

	(void)o;
	if (len == -ERANGE) {
		many = malloc(OVL_XATTR_MAX);
		if (!many)
			return -ENOMEM;
		names = many;
		len = at_listxattr(from, names, OVL_XATTR_MAX);
	}
	if (len == -ENOTSUP)
		return 0;
	for (ssize_t p = 0; p < len; p += (ssize_t)strlen(names + p) + 1) {
		if (is_for_overlays(names + p))
			continue;
		if (!value && !(value = malloc(OVL_XATTR_MAX)))
			return -ENOMEM;
		int r = copy_xattr(from, to, names + p, value);
		if (r < 0)
			return r;
	}
	return len < 0 ? (int)len : 0;
}

static void times_of(const struct statx *stx, struct timespec ts[2])
{
	ts[0] = (struct timespec){ stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec };
	ts[1] = (struct timespec){ stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec };
}

/* Owner, mode, attributes and times of the copy at l. */
static int copy_meta(struct ovl *o, struct copy *c, struct loc l)
{
	struct owner ow = { .uid = c->stx.stx_uid, .gid = c->stx.stx_gid,
			    .mode = c->stx.stx_mode };
	unsigned int what = OWNER_UID | OWNER_GID | OWNER_MODE;
	struct timespec ts[2];
	struct statx now;
	char ino[24];
	int r = at_stat(l, &c->now);

	if (r < 0)
		return r;
	now = c->now;
	if (o->layers[0].override != OVERRIDE_NONE) {
		/* what is recorded is the original's, type and all */
		now.stx_mode = c->stx.stx_mode;
		now.stx_rdev_major = c->stx.stx_rdev_major;
		now.stx_rdev_minor = c->stx.stx_rdev_minor;
	} else if (now.stx_uid == ow.uid && now.stx_gid == ow.gid) {
		what = OWNER_MODE;
	}
	/* a change of owner leaves these bits alone */
	if (o->layers[0].override == OVERRIDE_NONE && !((now.stx_mode ^ ow.mode) & 07777) &&
	    !(ow.mode & 07000))
		what &= ~OWNER_MODE;
	/* squashed owners are for the eye: on disk the file keeps its own if it may */
	if (o->conf->uids.squash >= 0 || o->conf->gids.squash >= 0)
		(void)at_chown(l, ow.uid, ow.gid);
	if ((r = owner_set(o, l, &now, &ow, what)) < 0 ||
	    (r = copyup_xattrs(o, c->from, l)) < 0)
		return r;
	/* one name, or all names as one: it stays the same inode */
	if (S_ISDIR(c->stx.stx_mode) ||
	    (S_ISREG(c->stx.stx_mode) && (c->stx.stx_nlink == 1 || c->index[0]))) {
		int len = str_format(ino, sizeof(ino), "%llu", (unsigned long long)c->n->show_ino);

		(void)at_setxattr(l, XATTR_INO, ino, (size_t)len, 0);
	}
	times_of(&c->stx, ts);
	return at_utimens(l, ts);
}

static int give_name(struct ovl *o, const struct copy *c, int upfd)
{
	const char *name = c->n->name;

	if (!c->tmp[0])
		return at_link_fd(c->fd, upfd, name);
	if (!renameat2(o->workfd, c->tmp, upfd, name, RENAME_NOREPLACE))
		return 0;
	return errno == EINVAL && !renameat(o->workfd, c->tmp, upfd, name) ? 0 : -errno;
}

/* Put the copy in its place. */
static int place(struct ovl *o, struct copy *c, struct dir *up)
{
	struct timespec ts[2];
	struct statx parent;
	int upfd = up->src[0].fd;
	int have = at_stat((struct loc){ upfd, "" }, &parent);
	int r = 0;

	if (c->index[0])
		r = link_add_index(o, c->n, c->fd, c->index, c->stx.stx_nlink);
	if (r >= 0)
		r = give_name(o, c, upfd);
	if (r < 0) {
		/* else the other names would show a copy that this one is not of */
		if (c->index[0])
			link_undo_index(o, c->n, c->now.stx_ino, c->index);
		return r;
	}
	dir_changed(up); /* a listing now finds it in another source */
	if (have >= 0) {
		times_of(&parent, ts);
		(void)at_utimens((struct loc){ upfd, "" }, ts);
	}
	return 0;
}

/* The node now stands for the copy. */
static int adopt(struct ovl *o, struct copy *c)
{
	int dev = node_dev(o, &c->now);

	if (dev < 0)
		return dev;
	node_set_key(o, c->n, (struct node_key){ .ino = c->now.stx_ino, .layer = 0,
						 .dev = (uint16_t)dev });
	return 0;
}

/* The permissions that a copy is made with. It gets its owner afterwards, and
 * its setuid bits after its data: both would clear them. */
static mode_t first_mode(const struct ovl *o, const struct copy *c, mode_t otherwise)
{
	mode_t mode = c->stx.stx_mode & 07777;

	return o->layers[0].override == OVERRIDE_NONE && mode <= 0777 ? mode : otherwise;
}

static int make_file(struct ovl *o, struct copy *c, off_t keep)
{
	auto_close int from = file_open_loc(o, c->from, O_RDONLY | O_NONBLOCK);

	if (from < 0)
		return from;
	c->fd = openat(o->workfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, first_mode(o, c, 0600));
	if (c->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
		ovl_tmp_name(o, c->tmp);
		c->fd = openat(o->workfd, c->tmp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	}
	if (c->fd < 0) {
		c->tmp[0] = '\0';
		return -errno;
	}
	int r = copy_data(o, c, from, keep);
	if (r >= 0)
		r = copy_meta(o, c, (struct loc){ c->fd, "" });
	if (r >= 0 && o->conf->fsync && fsync(c->fd))
		r = -errno;
	return r;
}

static int make_other(struct ovl *o, struct copy *c)
{
	char target[PATH_MAX];
	mode_t mode = c->stx.stx_mode;

	ovl_tmp_name(o, c->tmp);
	if (S_ISLNK(mode)) {
		ssize_t n = readlinkat(c->from.fd, c->from.name, target, sizeof(target) - 1);

		if (n >= 0) {
			target[n] = '\0';
			if (!symlinkat(target, o->workfd, c->tmp))
				return copy_meta(o, c, (struct loc){ o->workfd, c->tmp });
		}
	} else if (S_ISDIR(mode)) {
		if (!mkdirat(o->workfd, c->tmp, first_mode(o, c, 0700)))
			return copy_meta(o, c, (struct loc){ o->workfd, c->tmp });
	} else {
		dev_t rdev = makedev(c->stx.stx_rdev_major, c->stx.stx_rdev_minor);
		mode_t backing = owner_backing_mode(o, mode & (S_IFMT | 0700));

		if (!mknodat(o->workfd, c->tmp, backing, S_ISREG(backing) ? 0 : rdev))
			return copy_meta(o, c, (struct loc){ o->workfd, c->tmp });
	}
	int r = -errno;
	c->tmp[0] = '\0';
	return r;
}

static void discard(struct ovl *o, const struct copy *c)
{
	if (c->tmp[0])
		(void)unlinkat(o->workfd, c->tmp, S_ISDIR(c->stx.stx_mode) ? AT_REMOVEDIR : 0);
}

/* A file that is open but has no name left: its copy gets none either. */
static int copy_nameless(struct ovl *o, struct copy *c, off_t keep)
{
	if (!S_ISREG(c->stx.stx_mode))
		return -ESTALE;
	int r = make_file(o, c, keep);
	if (r >= 0)
		r = adopt(o, c);
	discard(o, c);
	if (r < 0)
		return r;
	(void)close(c->n->fd);
	c->n->fd = take_fd(&c->fd);
	return 0;
}

static int copy_begin(struct ovl *o, struct copy *c, struct node *n)
{
	*c = (struct copy){ .n = n, .fd = -1 };
	int r = node_loc(o, n, &c->from);
	if (r < 0)
		return r;
	owner_become_self(o);
	return owner_stat(o, n->layer, c->from, &c->stx);
}

int copyup_node(struct ovl *o, struct node *n, off_t keep)
{
	struct copy c AUTO(copy_clear) = { .fd = -1 };
	struct dir *up;

	if (!o->writable)
		return -EROFS;
	if (!n->layer)
		return 0;
	if (node_is_dir(n))
		return copyup_dir(o, n, NULL);

	bool named = !(n->flags & NODE_NONAME);
	int r = named ? copyup_dir(o, n->parent, &up) : 0;
	if (r >= 0)
		r = copy_begin(o, &c, n);
	if (r < 0)
		return r;
	if (!named)
		return copy_nameless(o, &c, keep);

	if (S_ISREG(c.stx.stx_mode) && c.stx.stx_nlink > 1)
		link_key(o, n->layer, c.from, c.index);
	r = S_ISREG(c.stx.stx_mode) ? make_file(o, &c, keep) : make_other(o, &c);
	if (r >= 0)
		r = place(o, &c, up);
	if (r < 0) {
		discard(o, &c);
		return r;
	}
	r = adopt(o, &c);
	if (r >= 0 && n->aliases)
		link_up_aliases(o, n);
	return r;
}

/* One directory whose parent has a folder in the upper layer. */
static int copy_one_dir(struct ovl *o, struct node *n)
{
	struct copy c AUTO(copy_clear) = { .fd = -1 };
	struct dir *up;
	int r = dir_get(o, n->parent, &up);

	if (r >= 0)
		r = copy_begin(o, &c, n);
	if (r >= 0)
		r = make_other(o, &c);
	if (r < 0)
		return r;
	r = place(o, &c, up);
	if (r < 0) {
		discard(o, &c);
		return r;
	}
	struct loc l = { up->src[0].fd, n->name };
	r = adopt(o, &c);
	if (r < 0)
		return r;
	int fd = at_open_dir(l.fd, l.name);
	return fd < 0 ? fd : dir_add_upper(o, n, fd);
}

int copyup_dir(struct ovl *o, struct node *n, struct dir **ret)
{
	if (!o->writable)
		return -EROFS;
	while (n->layer) {
		struct node *top = n;

		/* the topmost that has no folder yet; never a deep recursion */
		while (top->parent && top->parent->layer)
			top = top->parent;
		if (top->flags & NODE_NONAME || !top->parent)
			return -ESTALE;
		int r = copy_one_dir(o, top);
		if (r < 0)
			return r;
	}
	if (n->flags & NODE_DEAD)
		return -ENOENT;
	struct dir *d;
	int r = dir_get(o, n, &d);
	if (r >= 0 && ret) {
		d->blank = false; /* whoever asks is about to change it */
		*ret = d;
	}
	return r;
}
