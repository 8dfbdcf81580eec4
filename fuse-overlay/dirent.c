/* SPDX-License-Identifier: Apache-2.0
 *
 * dirent - names that come and go
 *
 * How it works. A new object is made directly in the upper folder, by one
 * system call. Where a whiteout is in its place, it is made in the work
 * folder and takes the whiteout's place by rename, a directory by exchange
 * and marked opaque, so that what was deleted never shows again. A name that
 * a lower layer has is removed by putting a whiteout in its place, again by
 * rename. Nothing is ever half there.
 */
#include "fuse-overlay/dirent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/whiteout.h"

#define ACL_DEFAULT "system.posix_acl_default"

/* --- making ---------------------------------------------------------------- */

static int make_link(struct ovl *o, struct node *n, int dirfd, const char *name)
{
	struct loc l;
	int r = node_loc(o, n, &l);

	if (r < 0)
		return r;
	if (!*l.name)
		return at_link_fd(l.fd, dirfd, name);
	return linkat(l.fd, l.name, dirfd, name, 0) ? -errno : 0;
}

/* A new file's descriptor may be all that ever opens it for its maker. */
static int create_flags(const struct ovl *o, const struct newent *w)
{
	return file_backing_flags(o, o->no_open ? O_RDWR : w->flags & ~O_TRUNC);
}

static int make_file(struct ovl *o, struct newent *w, int dirfd, const char *name)
{
	int flags = create_flags(o, w) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags, w->mode & 07777);

	if (fd < 0 && errno == EMFILE && dir_close_some(o, 256))
		fd = openat(dirfd, name, flags, w->mode & 07777);
	if (fd < 0)
		return -errno;
	w->fd = fd;
	return 0;
}

static int make_node(struct ovl *o, const struct newent *w, int dirfd, const char *name)
{
	mode_t mode = owner_backing_mode(o, w->mode);

	return mknodat(dirfd, name, mode, S_ISREG(mode) ? 0 : w->rdev) ? -errno : 0;
}

static int make_one(struct ovl *o, struct newent *w, int dirfd, const char *name)
{
	if (w->link)
		return make_link(o, w->link, dirfd, name);
	if (w->want_fd)
		return make_file(o, w, dirfd, name);
	if (S_ISDIR(w->mode))
		return mkdirat(dirfd, name, w->mode & 07777) ? -errno : 0;
	if (S_ISLNK(w->mode))
		return symlinkat(w->target, dirfd, name) ? -errno : 0;
	return make_node(o, w, dirfd, name);
}

/**
 * struct stage - where an object is made that cannot be made in place
 * @fd:		folder
 * @tmp:	its name in the work folder, "" when it is that folder itself
 *
 * What a folder hands to what is made in it (its group with the setgid bit,
 * a default ACL) must come from the real parent: then a folder like it is
 * made.
 */
struct stage {
	int fd;
	char tmp[OVL_TMP_MAX];
};

static int stage_open(struct ovl *o, const struct dir *d, struct stage *st)
{
	char acl[4096];
	struct loc parent = { d->src[0].fd, "" };
	struct statx stx;
	int r = at_stat(parent, &stx);
	ssize_t acl_len = at_getxattr(parent, ACL_DEFAULT, acl, sizeof(acl));

	*st = (struct stage){ .fd = o->workfd };
	if (r < 0)
		return r;
	if (!(stx.stx_mode & S_ISGID) && acl_len <= 0)
		return 0;
	ovl_tmp_name(o, st->tmp);
	if (mkdirat(o->workfd, st->tmp, 0700))
		return -errno;
	st->fd = at_open_dir(o->workfd, st->tmp);
	if (st->fd < 0)
		return st->fd;
	struct loc l = { st->fd, "" };
	r = at_chown(l, stx.stx_uid, stx.stx_gid);
	if (!r)
		r = at_chmod(l, stx.stx_mode & 07777);
	if (!r && acl_len > 0)
		r = at_setxattr(l, ACL_DEFAULT, acl, (size_t)acl_len, 0);
	return r;
}

static void stage_close(struct ovl *o, struct stage *st)
{
	if (!st->tmp[0])
		return;
	if (st->fd >= 0)
		(void)close(st->fd);
	(void)unlinkat(o->workfd, st->tmp, AT_REMOVEDIR);
}

static int mark_opaque(struct ovl *o, int dirfd, const char *name)
{
	auto_close int fd = at_open_dir(dirfd, name);

	return fd < 0 ? fd : whiteout_set_opaque(o, fd);
}

/* Put a staged object where a whiteout is. */
static int swap_in(struct ovl *o, struct stage *st, const char *tmp, int upfd, const char *name,
		   bool is_dir, bool is_device)
{
	if (!is_dir || !is_device)
		return renameat(st->fd, tmp, upfd, name) ? -errno : 0;
	if (!renameat2(st->fd, tmp, upfd, name, RENAME_EXCHANGE)) {
		(void)unlinkat(st->fd, tmp, 0);
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* no exchange there: for a moment neither is in place */
	(void)o;
	if (unlinkat(upfd, name, 0) || renameat(st->fd, tmp, upfd, name))
		return -errno;
	return 0;
}

static int make_over_whiteout(struct ovl *o, struct newent *w, struct dir *d, const char *name,
			      bool is_device)
{
	char tmp[OVL_TMP_MAX];
	struct stage st;
	bool is_dir = !w->link && S_ISDIR(w->mode);
	int r = stage_open(o, d, &st);

	ovl_tmp_name(o, tmp);
	if (!r)
		r = make_one(o, w, st.fd, tmp);
	if (!r) {
		if (is_dir)
			r = mark_opaque(o, st.fd, tmp);
		if (!r)
			r = swap_in(o, &st, tmp, d->src[0].fd, name, is_dir, is_device);
		if (r < 0)
			(void)unlinkat(st.fd, tmp, is_dir ? AT_REMOVEDIR : 0);
	}
	stage_close(o, &st);
	if (!r && !is_device)
		whiteout_remove_file(o, d, name);
	return r;
}

/* Return: 1 with the .wh. file of name there, 0 without, -EEXIST when the
 * name itself is. */
static int check_free(struct ovl *o, struct dir *d, const char *name)
{
	struct statx stx;

	if (!dir_is_merged(d) || !d->has_upper)
		return 0;
	int has = dir_upper_has_wh_files(o, d);
	if (has > 0)
		has = whiteout_file_exists(d->src[0].fd, name);
	if (has)
		return has;
	int low = lookup_low_has(o, d, name);
	if (low <= 0)
		return low;
	/* it may be deleted: then a whiteout device is in the way */
	int r = at_stat((struct loc){ d->src[0].fd, name }, &stx);
	return !r && at_is_whiteout(&stx) ? 0 : -EEXIST;
}

static int make_somehow(struct ovl *o, struct newent *w, struct dir *d, const char *name)
{
	struct statx stx;
	int r = check_free(o, d, name);

	if (r < 0)
		return r;
	if (r > 0)
		return make_over_whiteout(o, w, d, name, false);
	r = make_one(o, w, d->src[0].fd, name);
	if (r != -EEXIST || at_stat((struct loc){ d->src[0].fd, name }, &stx) < 0 ||
	    !at_is_whiteout(&stx))
		return r;
	return make_over_whiteout(o, w, d, name, true);
}

/* The node of what was made, or was given a name. */
static int adopt(struct ovl *o, struct node *parent, struct dir *d, const char *name,
		 struct newent *w, struct fuse_entry_param *e)
{
	struct loc l = w->fd >= 0 ? (struct loc){ w->fd, "" } : (struct loc){ d->src[0].fd, name };
	struct node *n = w->link;
	struct statx stx;
	int r = n ? 0 : owner_after_create(o, d->src[0].fd, l, w->ctx, w->mode, w->rdev);

	if (r >= 0)
		r = owner_stat(o, 0, l, &stx);
	if (r < 0)
		return r;
	if (!n) {
		int dev = node_dev(o, &stx);
		struct node_key key = { .ino = stx.stx_ino, .dev = (uint16_t)dev };

		if (dev < 0)
			return dev;
		/* who still has that number was removed behind our back */
		n = node_find(o, key);
		if (n)
			node_lost_name(o, n, n->parent, n->name, true);
		n = node_new(o, parent, name, key, stx.stx_mode);
		if (!n)
			return -ENOMEM;
		n->flags |= NODE_NO_CAPS;
	} else if (n->flags & NODE_NONAME) {
		r = node_set_name(o, n, parent, name);
		if (r < 0)
			return r;
	}
	return lookup_reply_node(o, n, &stx, e);
}

static void undo(struct dir *d, const char *name, struct newent *w)
{
	(void)unlinkat(d->src[0].fd, name, !w->link && S_ISDIR(w->mode) ? AT_REMOVEDIR : 0);
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

int dirent_make(struct ovl *o, struct node *parent, const char *name, struct newent *w,
		struct fuse_entry_param *e)
{
	struct dir *d;
	int r;

	w->fd = -1;
	if (whiteout_is_reserved(name))
		return -EINVAL;
	/* a whiteout of the user's would delete the name it is given */
	if (!w->link && S_ISCHR(w->mode) && !w->rdev)
		return -EPERM;
	if (w->link && (r = copyup_node(o, w->link, COPYUP_WHOLE)) < 0)
		return r;
	r = copyup_dir(o, parent, &d);
	if (r < 0)
		return r;
	if (w->link)
		owner_become_self(o);
	else if ((r = owner_become(o, w->ctx)) < 0)
		return r;
	r = make_somehow(o, w, d, name);
	if (r < 0)
		return r;
	dir_changed(d);
	if (!w->link && S_ISDIR(w->mode))
		dir_count_add(d, 1);
	r = adopt(o, parent, d, name, w, e);
	if (r < 0) {
		undo(d, name, w);
		d->count = -1;
	}
	return r;
}

/* The node of a file without a name: its handle is the only way to it. */
static int adopt_unnamed(struct ovl *o, struct node *parent, const struct newent *w,
			 struct fuse_entry_param *e)
{
	struct loc l = { w->fd, "" };
	struct statx stx;
	int r = owner_after_create(o, parent->dir->src[0].fd, l, w->ctx, w->mode, 0);

	if (r < 0 || (r = owner_stat(o, 0, l, &stx)) < 0)
		return r;
	int dev = node_dev(o, &stx);
	if (dev < 0)
		return dev;
	auto_close int handle = at_open(l, O_PATH);
	if (handle < 0)
		return handle;
	struct node_key key = { .ino = stx.stx_ino, .dev = (uint16_t)dev };
	struct node *n = node_new(o, parent, "", key, S_IFREG);
	if (!n)
		return -ENOMEM;
	n->fd = take_fd(&handle);
	n->flags |= NODE_NONAME;
	return lookup_reply_node(o, n, &stx, e);
}

int dirent_make_unnamed(struct ovl *o, struct node *parent, struct newent *w,
			struct fuse_entry_param *e)
{
	struct dir *d;
	int r = copyup_dir(o, parent, &d);

	w->fd = -1;
	if (r < 0 || (r = owner_become(o, w->ctx)) < 0)
		return r;
	/* whether it may get a name (O_EXCL) is for the kernel to say */
	int flags = create_flags(o, w) | O_TMPFILE | O_CLOEXEC;
	w->fd = openat(d->src[0].fd, ".", flags, w->mode & 07777);
	if (w->fd < 0)
		return errno == EISDIR || errno == ENOENT ? -EOPNOTSUPP : -errno;
	r = adopt_unnamed(o, parent, w, e);
	if (r < 0)
		(void)close(take_fd(&w->fd));
	return r;
}

/* --- removing -------------------------------------------------------------- */

/* The node of a name that is about to go, if the kernel knows it. */
static struct node *victim_of(struct ovl *o, struct node *parent, const char *name,
			      const struct found *f)
{
	struct found real = *f;
	struct node *p = parent;
	const char *n = name;

	if (link_find_indexed(o, &p, &n, &real) < 0)
		return NULL;
	return lookup_known(o, &real);
}

int dirent_unlink(struct ovl *o, struct node *parent, const char *name)
{
	struct found f;
	struct dir *d;
	int r = dir_get(o, parent, &d);

	if (r < 0 || (r = lookup_find(o, d, name, &f)) < 0)
		return r;
	if (S_ISDIR(f.stx.stx_mode))
		return -EISDIR;
	int low = f.layer || !o->writable ? 1 : lookup_low_has(o, d, name);
	if (low < 0)
		return low;
	struct node *n = victim_of(o, parent, name, &f);
	r = copyup_dir(o, parent, &d);
	if (r < 0)
		return r;
	if (n && n->parent == parent && !strcmp(n->name, name) && (r = node_pin(o, n)) < 0)
		return r;
	if (low)
		r = whiteout_make(o, d, name, !f.layer);
	else
		r = unlinkat(d->src[0].fd, name, 0) ? -errno : 0;
	if (r < 0)
		return r;
	dir_changed(d);
	if (!n)
		return 0;
	bool last = f.stx.stx_nlink <= 1;
	if (n->flags & NODE_INDEXED) {
		if (f.layer)
			link_low_name_gone(o, n);
		last = link_drop_if_last(o, n);
	}
	node_lost_name(o, n, parent, name, last);
	return 0;
}

/* Take an upper folder away and leave a whiteout if something is below. */
static int move_away(struct ovl *o, struct dir *d, const char *name, bool low, const char *tmp)
{
	int upfd = d->src[0].fd;

	if (low && !o->char_wh) {
		int r = whiteout_make(o, d, name, false);

		if (r < 0)
			return r;
		low = false;
	}
	if (!renameat2(upfd, name, o->workfd, tmp, low ? RENAME_WHITEOUT : 0))
		return 0;
	if (!low || (errno != EINVAL && errno != ENOSYS))
		return -errno;
	int r = whiteout_make_device(o, o->workfd, tmp);
	if (r < 0)
		return r;
	return renameat2(upfd, name, o->workfd, tmp, RENAME_EXCHANGE) ? -errno : 0;
}

static int remove_upper_dir(struct ovl *o, struct dir *d, const char *name, bool low)
{
	char tmp[OVL_TMP_MAX];

	if (!low) {
		if (!unlinkat(d->src[0].fd, name, AT_REMOVEDIR))
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
	}
	ovl_tmp_name(o, tmp);
	int r = move_away(o, d, name, low, tmp);
	if (r < 0)
		return r;
	/* it is gone for everybody; what stays behind is only litter */
	auto_close int fd = at_open_dir(o->workfd, tmp);
	if (fd >= 0)
		(void)whiteout_remove_all(o, fd);
	(void)unlinkat(o->workfd, tmp, AT_REMOVEDIR);
	return 0;
}

int dirent_rmdir(struct ovl *o, struct node *parent, const char *name)
{
	struct found f;
	struct dir *d;
	struct node *n;
	int r = dir_get(o, parent, &d);

	if (r < 0 || (r = lookup_find(o, d, name, &f)) < 0)
		return r;
	if (!S_ISDIR(f.stx.stx_mode))
		return -ENOTDIR;
	r = lookup_node(o, parent, name, &f, &n);
	if (r < 0)
		return r;
	int empty = readdir_is_empty(o, n);
	if (empty <= 0)
		return empty < 0 ? empty : -ENOTEMPTY;
	int low = f.layer || !o->writable ? 1 : lookup_low_has(o, d, name);
	if (low < 0)
		return low;
	r = copyup_dir(o, parent, &d);
	if (r < 0 || (r = node_pin(o, n)) < 0)
		return r;
	r = f.layer ? whiteout_make(o, d, name, false) : remove_upper_dir(o, d, name, low);
	if (r < 0)
		return r;
	dir_changed(d);
	dir_count_add(d, -1);
	dir_drop(o, n);
	node_lost_name(o, n, parent, name, true);
	node_forget(o, n, 0);
	return 0;
}
