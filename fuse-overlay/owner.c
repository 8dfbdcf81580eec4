/* SPDX-License-Identifier: Apache-2.0
 *
 * owner - owners and modes of real objects, in the inode or recorded
 */
#include "fuse-overlay/owner.h"

#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuse-overlay/sidecar.h"

/* What a backing file gets in override mode, so that the server can use it. */
#define BACKING_MODE 0755U

int owner_parse(const char *text, size_t len, struct owner *ret)
{
	struct override ov;
	int r = override_parse(text, len, &ov);

	if (r < 0)
		return r;
	*ret = (struct owner){ .uid = ov.uid, .gid = ov.gid, .mode = ov.mode | ov.type,
			       .rdev_major = ov.major, .rdev_minor = ov.minor };
	return 0;
}

int owner_format(char buf[OVERRIDE_TEXT_MAX], const struct owner *ow)
{
	const struct override ov = {
		.uid = ow->uid, .gid = ow->gid, .mode = ow->mode & 07777,
		.type = ow->mode & S_IFMT, .major = ow->rdev_major, .minor = ow->rdev_minor,
	};

	return override_format(&ov, buf);
}

const char *owner_xattr(enum owner_mode ov)
{
	static const char *const names[OVERRIDE_MAX_] = {
		[OVERRIDE_PRIVILEGED] = "security.fuseoverlayfs.override_stat",
		[OVERRIDE_CONTAINERS] = OVERRIDE_XATTR,
		[OVERRIDE_USER] = "user.fuseoverlayfs.override_stat",
	};

	return names[ov];
}

enum owner_mode owner_probe(int fd)
{
	for (int i = OVERRIDE_NONE + 1; i < OVERRIDE_SIDECAR; i++)
		if (at_getxattr((struct loc){ fd, "" }, owner_xattr((enum owner_mode)i), NULL, 0) >= 0)
			return (enum owner_mode)i;
	return OVERRIDE_NONE;
}

static void apply(const struct owner *ow, struct statx *stx)
{
	uint32_t type = ow->mode & S_IFMT;

	/* only a file can stand for something else */
	if (!type || !S_ISREG(stx->stx_mode))
		type = stx->stx_mode & S_IFMT;
	stx->stx_uid = ow->uid;
	stx->stx_gid = ow->gid;
	stx->stx_mode = (uint16_t)(type | (ow->mode & 07777));
	if (S_ISBLK(type) || S_ISCHR(type)) {
		stx->stx_rdev_major = ow->rdev_major;
		stx->stx_rdev_minor = ow->rdev_minor;
	}
}

/* Only files and folders can have user attributes. */
static bool is_in_sidecar(enum owner_mode ov, uint32_t mode)
{
	return ov == OVERRIDE_SIDECAR ||
	       (ov != OVERRIDE_PRIVILEGED && !S_ISREG(mode) && !S_ISDIR(mode));
}

static int apply_override(const struct ovl *o, unsigned int layer, struct loc l,
			  struct statx *stx)
{
	char text[OVERRIDE_TEXT_MAX];
	struct owner ow;

	if (is_in_sidecar(o->layers[layer].override, stx->stx_mode)) {
		struct sidecar *records = o->layers[layer].owners;

		/* a whiteout has no owner, whoever had its inode before */
		if (records && !at_is_whiteout(stx) && !sidecar_get(records, stx->stx_ino, &ow))
			apply(&ow, stx);
		return 0;
	}
	ssize_t n = at_getxattr(l, owner_xattr(o->layers[layer].override), text, sizeof(text));
	if (n == -ENODATA || n == -ENOTSUP || n == -ERANGE)
		return 0;
	if (n < 0)
		return (int)n;
	/* what cannot be read is not believed; the file itself is still there */
	if (owner_parse(text, (size_t)n, &ow) < 0)
		return 0;
	apply(&ow, stx);
	return 0;
}

int owner_stat(const struct ovl *o, unsigned int layer, struct loc l, struct statx *ret)
{
	int r = at_stat(l, ret);

	if (r < 0 || o->layers[layer].override == OVERRIDE_NONE)
		return r;
	return apply_override(o, layer, l, ret);
}

/* File system ids belong to a thread; so does what we know of them. */
static _Thread_local struct {
	bool known;
	uid_t uid;
	gid_t gid;
} fsids;

static int set_fsids(uid_t uid, gid_t gid)
{
	if (!fsids.known) {
		fsids.uid = (uid_t)setfsuid((uid_t)-1);
		fsids.gid = (gid_t)setfsgid((gid_t)-1);
		fsids.known = true;
	}
	if (fsids.gid != gid) {
		(void)setfsgid(gid);
		fsids.gid = (gid_t)setfsgid((gid_t)-1);
	}
	if (fsids.uid != uid) {
		(void)setfsuid(uid);
		fsids.uid = (uid_t)setfsuid((uid_t)-1);
	}
	return fsids.uid == uid && fsids.gid == gid ? 0 : -EPERM;
}

static void set_umask(struct ovl *o, mode_t mask)
{
	if (o->umask_now == mask)
		return;
	(void)umask(mask);
	o->umask_now = mask;
}

int owner_become(struct ovl *o, const struct fuse_ctx *ctx)
{
	uid_t uid = idmap_to_disk(&o->conf->uids, ctx->uid);
	gid_t gid = idmap_to_disk(&o->conf->gids, ctx->gid);

	set_umask(o, ctx->umask);
	if (o->layers[0].override != OVERRIDE_NONE || o->conf->uids.squash >= 0)
		return 0;
	if (o->privileged)
		return set_fsids(uid, gid);
	return uid == o->fs_uid ? 0 : -EPERM;
}

void owner_become_self(struct ovl *o)
{
	set_umask(o, 0);
	if (o->privileged)
		(void)set_fsids(o->fs_uid, o->fs_gid);
}

/* Begin a sidecar file beside attributes; one of another folder is of no use. */
static int start_sidecar(struct layer *up)
{
	int r = sidecar_open(up->fd, true, true, &up->owners);

	if (r != -ESTALE)
		return r;
	if (unlinkat(up->fd, SIDECAR_NAME, 0))
		return -errno;
	return sidecar_open(up->fd, true, true, &up->owners);
}

static int write_sidecar(struct ovl *o, struct loc l, const struct owner *ow)
{
	struct layer *up = &o->layers[0];
	struct statx stx;
	struct owner was;
	int r = at_stat(l, &stx);

	if (r < 0)
		return r;
	/* then links stay the server's, rather than get another one's owner */
	if (up->override != OVERRIDE_SIDECAR && up->numbers == NUMBERS_CHANGE)
		return 0;
	/* where attributes are the rule, a link that is the server's needs no record */
	if (up->override != OVERRIDE_SIDECAR && ow->uid == stx.stx_uid && ow->gid == stx.stx_gid &&
	    (S_ISLNK(stx.stx_mode) || !((ow->mode ^ stx.stx_mode) & 07777)) &&
	    (!up->owners || sidecar_get(up->owners, stx.stx_ino, &was) < 0))
		return 0;
	if (!up->owners && (r = start_sidecar(up)) < 0)
		return r;
	return sidecar_put(up->owners, stx.stx_ino, ow);
}

static int write_override(struct ovl *o, struct loc l, const struct owner *ow)
{
	char text[OVERRIDE_TEXT_MAX];
	int r;

	if (o->layers[0].override == OVERRIDE_SIDECAR)
		return write_sidecar(o, l, ow);
	int len = owner_format(text, ow);
	if (len < 0)
		return len;
	r = at_setxattr(l, owner_xattr(o->layers[0].override), text, (size_t)len, 0);
	/* symbolic links cannot carry user attributes, nor can pipes and sockets
	 * of layers that another program wrote */
	if (r == -EPERM && is_in_sidecar(o->layers[0].override, ow->mode))
		return write_sidecar(o, l, ow);
	return r;
}

void owner_forget(struct ovl *o, uint64_t ino)
{
	if (o->writable && o->layers[0].owners)
		sidecar_drop(o->layers[0].owners, ino);
}

int owner_sync(struct ovl *o)
{
	if (o->layers[0].override == OVERRIDE_NONE)
		return 0;
	ovl_lock(o);
	struct sidecar *records = o->layers[0].owners;
	ovl_unlock(o);
	/* once there, it stays as long as the mount */
	return records ? sidecar_sync(records) : 0;
}

mode_t owner_backing_mode(const struct ovl *o, mode_t mode)
{
	if (o->layers[0].override == OVERRIDE_NONE || S_ISLNK(mode))
		return mode;
	return S_ISDIR(mode) ? mode : S_IFREG | BACKING_MODE;
}

int owner_after_create(struct ovl *o, int parentfd, struct loc l, const struct fuse_ctx *ctx,
		       mode_t mode, dev_t rdev)
{
	struct statx parent;

	if (o->layers[0].override == OVERRIDE_NONE)
		return 0;
	int r = owner_stat(o, 0, (struct loc){ parentfd, "" }, &parent);
	if (r < 0)
		return r;

	struct owner ow = {
		.uid = idmap_to_disk(&o->conf->uids, ctx->uid),
		.gid = idmap_to_disk(&o->conf->gids, ctx->gid),
		.mode = mode & ~ctx->umask,
		.rdev_major = major(rdev),
		.rdev_minor = minor(rdev),
	};

	if (parent.stx_mode & S_ISGID) {
		ow.gid = parent.stx_gid;
		ow.mode |= S_ISDIR(mode) ? S_ISGID : 0U;
	}
	if (!S_ISLNK(mode) && (r = at_chmod(l, (mode & 0777) | BACKING_MODE)) < 0)
		return r;
	return write_override(o, l, &ow);
}

static int set_recorded(struct ovl *o, struct loc l, const struct statx *now,
			const struct owner *want, unsigned int what)
{
	struct owner ow = {
		.uid = what & OWNER_UID ? want->uid : now->stx_uid,
		.gid = what & OWNER_GID ? want->gid : now->stx_gid,
		.mode = what & OWNER_MODE ? want->mode : now->stx_mode,
		.rdev_major = now->stx_rdev_major,
		.rdev_minor = now->stx_rdev_minor,
	};

	ow.mode = (ow.mode & 07777) | (now->stx_mode & S_IFMT);
	/* as chown(2) does for files */
	if ((what & (OWNER_UID | OWNER_GID)) && !(what & OWNER_MODE) && S_ISREG(ow.mode))
		ow.mode &= ow.mode & S_IXGRP ? ~(uint32_t)(S_ISUID | S_ISGID) : ~(uint32_t)S_ISUID;
	return write_override(o, l, &ow);
}

int owner_set(struct ovl *o, struct loc l, const struct statx *now, const struct owner *want,
	      unsigned int what)
{
	int r = 0;

	if (o->layers[0].override != OVERRIDE_NONE)
		return set_recorded(o, l, now, want, what);
	if ((what & (OWNER_UID | OWNER_GID)) && o->conf->uids.squash < 0 &&
	    o->conf->gids.squash < 0)
		r = at_chown(l, what & OWNER_UID ? want->uid : (uid_t)-1,
			     what & OWNER_GID ? want->gid : (gid_t)-1);
	if (r >= 0 && (what & OWNER_MODE) && !S_ISLNK(now->stx_mode))
		r = at_chmod(l, want->mode & 07777);
	return r;
}
