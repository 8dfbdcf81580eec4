/* SPDX-License-Identifier: Apache-2.0
 *
 * attr - attributes of nodes
 */
#include "fuse-overlay/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/killpriv.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/wire.h"

/* A directory in one layer has that one's link count; a merged one has two
 * and its subdirectories. */
static int dir_nlink(struct ovl *o, struct node *n, const struct statx *stx, nlink_t *ret)
{
	struct dir *d;

	*ret = stx->stx_nlink;
	if (o->conf->static_nlink) {
		*ret = 1;
		return 0;
	}
	if (n->flags & (NODE_NONAME | NODE_DEAD))
		return 0;
	if (!n->dir && n->parent->dir && n->parent->dir->n == 1 && !o->conf->redirect)
		return 0;
	int r = dir_get(o, n, &d);
	if (r == -ESTALE)
		return 0;
	if (r < 0 || !dir_is_merged(d))
		return r;
	int count = readdir_count_dirs(o, n);
	if (count < 0 && count != -ENODATA)
		return count;
	*ret = count < 0 ? 1 : (nlink_t)count + 2;
	return 0;
}

int attr_fill(struct ovl *o, struct node *n, const struct statx *stx, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = n->show_ino,
		.st_mode = stx->stx_mode,
		.st_nlink = stx->stx_nlink,
		.st_uid = idmap_to_shown(&o->conf->uids, stx->stx_uid),
		.st_gid = idmap_to_shown(&o->conf->gids, stx->stx_gid),
		.st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.st_size = (off_t)stx->stx_size,
		.st_blksize = S_ISREG(stx->stx_mode) ? OVL_BLKSIZE : (blksize_t)stx->stx_blksize,
		.st_blocks = (blkcnt_t)stx->stx_blocks,
		.st_atim = { stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec },
		.st_mtim = { stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec },
		.st_ctim = { stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec },
	};
	if (n->flags & NODE_INDEXED)
		ret->st_nlink = link_count(n, stx);
	return node_is_dir(n) ? dir_nlink(o, n, stx, &ret->st_nlink) : 0;
}

int attr_get(struct ovl *o, struct node *n, struct statx *ret)
{
	struct loc l;
	int r = node_loc(o, n, &l);

	return r < 0 ? r : owner_stat(o, n->layer, l, ret);
}

static int truncate_fd(int fd, off_t size)
{
	bool dropped = killpriv_begin(wire_request().kill_priv);
	int r = ftruncate(fd, size) ? -errno : 0;

	killpriv_end(dropped);
	return r;
}

static int set_size(struct ovl *o, struct node *n, struct ofile *of, off_t size)
{
	if (of && (of->flags & O_ACCMODE) != O_RDONLY) {
		int r = file_refresh(o, of);

		if (r < 0)
			return r;
		return truncate_fd(atomic_load(&of->fd), size);
	}

	struct loc l;
	int r = node_loc(o, n, &l);
	if (r < 0)
		return r;
	auto_close int fd = file_open_loc(o, l, O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	return truncate_fd(fd, size);
}

static int set_times(struct ovl *o, struct node *n, const struct stat *want, int to_set)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	struct loc l;

	if (to_set & FUSE_SET_ATTR_ATIME)
		ts[0] = want->st_atim;
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		ts[0].tv_nsec = UTIME_NOW;
	if (to_set & FUSE_SET_ATTR_MTIME)
		ts[1] = want->st_mtim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		ts[1].tv_nsec = UTIME_NOW;

	int r = node_loc(o, n, &l);
	return r < 0 ? r : at_utimens(l, ts);
}

static int set_owner(struct ovl *o, struct node *n, const struct stat *want, int to_set)
{
	struct owner ow = {
		.uid = idmap_to_disk(&o->conf->uids, want->st_uid),
		.gid = idmap_to_disk(&o->conf->gids, want->st_gid),
		.mode = want->st_mode,
	};
	unsigned int what = (to_set & FUSE_SET_ATTR_UID ? OWNER_UID : 0U) |
			    (to_set & FUSE_SET_ATTR_GID ? OWNER_GID : 0U) |
			    (to_set & FUSE_SET_ATTR_MODE ? OWNER_MODE : 0U);
	struct statx now;
	struct loc l;
	int r = node_loc(o, n, &l);

	if (r < 0)
		return r;
	now.stx_mode = n->type;
	if (o->layers[0].override != OVERRIDE_NONE && (r = owner_stat(o, 0, l, &now)) < 0)
		return r;
	return owner_set(o, l, &now, &ow, what);
}

/* Asked to change nothing, the server is to know that somebody is about to
 * write who may not leave setuid bits in place. The write would clear them too,
 * but the kernel goes by this answer until it asks again. */
static int kill_setuid(struct ovl *o, struct node *n)
{
	struct stat want = { 0 };
	struct statx stx;

	if (!o->kill_priv || !S_ISREG(n->type))
		return 0;
	int r = attr_get(o, n, &stx);
	if (r < 0)
		return r;
	mode_t gone = stx.stx_mode & S_ISUID;
	if ((stx.stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		gone |= S_ISGID;
	want.st_mode = stx.stx_mode & ~gone;
	if (!gone || (r = copyup_node(o, n, COPYUP_WHOLE)) < 0)
		return r < 0 ? r : 0;
	return set_owner(o, n, &want, FUSE_SET_ATTR_MODE);
}

int attr_set(struct ovl *o, struct node *n, const struct stat *want, int to_set,
	     struct ofile *of)
{
	const int owner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE;
	const int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW |
			  FUSE_SET_ATTR_MTIME_NOW;
	/* the kernel flushes the times of a file as it goes: not worth a copy */
	if (n->layer && n->flags & NODE_DEAD && !(to_set & (owner | FUSE_SET_ATTR_SIZE)))
		return 0;
	off_t keep = to_set & FUSE_SET_ATTR_SIZE ? want->st_size : COPYUP_WHOLE;

	if (!(to_set & (owner | times | FUSE_SET_ATTR_SIZE)))
		return kill_setuid(o, n);
	int r = copyup_node(o, n, keep);
	if (r >= 0 && (to_set & owner))
		r = set_owner(o, n, want, to_set);
	if (r >= 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = set_size(o, n, of, want->st_size);
	if (r >= 0 && (to_set & times))
		r = set_times(o, n, want, to_set);
	return r;
}

int attr_ioctl(struct ovl *o, struct node *n, unsigned int cmd, void *arg, size_t size)
{
	/* flags are an int, whatever the number of the command says */
	bool sets = cmd == FS_IOC_SETFLAGS || cmd == FS_IOC_FSSETXATTR;
	bool is_xattr = cmd == FS_IOC_FSGETXATTR || cmd == FS_IOC_FSSETXATTR;
	struct loc l;
	int r;

	if (!sets && !is_xattr && cmd != FS_IOC_GETFLAGS)
		return -ENOTTY;
	if (!S_ISREG(n->type) && !S_ISDIR(n->type))
		return -ENOTTY;
	if (size < (is_xattr ? sizeof(struct fsxattr) : sizeof(int)))
		return -EINVAL;
	if (sets && (r = copyup_node(o, n, COPYUP_WHOLE)) < 0)
		return r;
	r = node_loc(o, n, &l);
	if (r < 0)
		return r;
	auto_close int fd = *l.name || !S_ISDIR(n->type) ?
				    file_open_loc(o, l, O_RDONLY | O_NONBLOCK) :
				    at_open_dir(l.fd, ".");
	if (fd < 0)
		return fd;
	return ioctl(fd, cmd, arg) ? -errno : 0;
}
