/* SPDX-License-Identifier: Apache-2.0
 *
 * whiteout - how a layer says that a name is deleted or a folder is opaque
 */
#include "fuse-overlay/whiteout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/scan.h"

#define WH_META ".wh..wh."
#define KEPT_WHITEOUT "#whiteout"
#define XATTR_LIST_MAX 65536

static const char *const whiteout_names[] = { XATTR_WHITEOUT, "trusted.overlay.whiteout" };
static const char *const opaque_names[] = {
	XATTR_OPAQUE,
	"trusted.overlay.opaque",
	"user.fuseoverlayfs.opaque",
};

bool whiteout_is_reserved(const char *name)
{
	return name[0] == '.' && str_starts(name, WH_PREFIX);
}

bool whiteout_is_marker(const char *name)
{
	return name[0] == '.' && str_starts(name, WH_META);
}

const char *whiteout_file_target(const char *name)
{
	if (name[0] != '.' || whiteout_is_marker(name))
		return NULL;
	const char *target = str_after(name, WH_PREFIX);
	return target && *target ? target : NULL;
}

/* Return: 0 when it fits a file name. */
static int wh_name(char buf[NAME_MAX + 1], const char *name)
{
	return str_format(buf, NAME_MAX + 1, WH_PREFIX "%s", name) < 0 ? -ENAMETOOLONG : 0;
}

int whiteout_file_exists(int fd, const char *name)
{
	char wh[NAME_MAX + 1];

	if (wh_name(wh, name) < 0)
		return 0;
	if (!faccessat(fd, wh, F_OK, AT_SYMLINK_NOFOLLOW))
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

static int stop_at_wh_file(void *arg, const struct rawent *e)
{
	(void)arg;
	return whiteout_file_target(e->name) ? 1 : 0;
}

int whiteout_scan_files(int fd)
{
	return scan_folder(fd, stop_at_wh_file, NULL);
}

bool whiteout_is(struct loc l, const struct statx *stx, bool xwh)
{
	if (at_is_whiteout(stx))
		return true;
	if (!xwh || !S_ISREG(stx->stx_mode) || stx->stx_size)
		return false;
	return at_getxattr(l, whiteout_names[0], NULL, 0) >= 0 ||
	       at_getxattr(l, whiteout_names[1], NULL, 0) >= 0;
}

bool whiteout_may_be(uint8_t type, bool xwh)
{
	return type == DT_CHR || type == DT_UNKNOWN || (xwh && type == DT_REG);
}

int whiteout_entry_type(int fd, const char *name, bool xwh)
{
	struct loc l = { fd, name };
	struct statx stx;
	int r = at_stat(l, &stx);

	if (r < 0)
		return r;
	return whiteout_is(l, &stx, xwh) ? DT_WHT : (int)IFTODT(stx.stx_mode);
}

int whiteout_resolve(const struct ovl *o, const struct dsrc *src, struct rawent *e)
{
	if (whiteout_is_marker(e->name))
		return 0;
	const char *hidden = whiteout_file_target(e->name);
	if (hidden) {
		e->name = hidden;
		e->type = DT_WHT;
	} else if (!src->layer && whiteout_is_ours(o, e->ino)) {
		e->type = DT_WHT;
	} else if (whiteout_may_be(e->type, src->xwh)) {
		int k = whiteout_entry_type(src->fd, e->name, src->xwh);

		if (k < 0)
			return k == -ENOENT ? 0 : k;
		e->type = (uint8_t)k;
	}
	return 1;
}

/* The value of a mark of one letter, '\0' without. */
static char xattr_letter(int fd, const char *name)
{
	char v[2];

	return at_getxattr((struct loc){ fd, "" }, name, v, sizeof(v)) == 1 ? v[0] : '\0';
}

int whiteout_opacity(int fd)
{
	bool xwh = false;
	char names[1024];
	ssize_t len = at_listxattr((struct loc){ fd, "" }, names, sizeof(names));

	for (size_t i = 0; i < sizeof(opaque_names) / sizeof(opaque_names[0]); i++) {
		/* a list that did not fit says nothing */
		bool listed = len == -ERANGE;

		for (ssize_t p = 0; p < len && !listed; p += (ssize_t)strlen(names + p) + 1)
			listed = str_eq(names + p, opaque_names[i]);
		char c = listed ? xattr_letter(fd, opaque_names[i]) : '\0';
		if (c == 'y')
			return OPACITY_OPAQUE;
		xwh |= c == 'x';
	}
	if (!faccessat(fd, WH_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW))
		return OPACITY_OPAQUE;
	if (errno != ENOENT)
		return -errno;
	return xwh ? OPACITY_XWH : OPACITY_NONE;
}

bool whiteout_is_impure(int fd)
{
	return xattr_letter(fd, XATTR_IMPURE) == 'y';
}

/* A redirect is an absolute path without . and .., or one name. */
static bool redirect_is_sane(const char *s)
{
	if (!*s)
		return false;
	if (*s != '/')
		return !strchr(s, '/') && !str_eq(s, ".") && !str_eq(s, "..");
	return true; /* its parts are checked as they are walked */
}

ssize_t whiteout_redirect(int fd, char *buf, size_t size)
{
	ssize_t len = at_getxattr((struct loc){ fd, "" }, XATTR_REDIRECT, buf, size - 1);

	if (len == -ENOTSUP)
		return -ENODATA;
	if (len < 0)
		return len;
	buf[len] = '\0';
	if (strlen(buf) != (size_t)len || !redirect_is_sane(buf))
		return -EIO;
	return len;
}

int whiteout_set_opaque(struct ovl *o, int fd)
{
	(void)o;
	int r = at_setxattr((struct loc){ fd, "" }, XATTR_OPAQUE, "y", 1, 0);

	if (r != -ENOTSUP && r != -EPERM)
		return r;
	auto_close int f = openat(fd, WH_OPAQUE, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f < 0 ? -errno : 0;
}

/* The whiteout that the next ones are links of. */
static bool make_kept(struct ovl *o)
{
	struct statx stx;

	(void)unlinkat(o->workfd, KEPT_WHITEOUT, 0);
	o->wh_ino = 0;
	if (mknodat(o->workfd, KEPT_WHITEOUT, S_IFCHR | 0600, makedev(0, 0)))
		return false;
	if (!at_stat((struct loc){ o->workfd, KEPT_WHITEOUT }, &stx))
		o->wh_ino = stx.stx_ino;
	return true;
}

void whiteout_probe(struct ovl *o)
{
	o->char_wh = make_kept(o);
	o->link_wh = o->char_wh;
}

int whiteout_make_device(struct ovl *o, int fd, const char *name)
{
	if (o->link_wh) {
		if (!linkat(o->workfd, KEPT_WHITEOUT, fd, name, 0))
			return 0;
		if (errno == EMLINK) {
			/* all its links are used: the next ones go to a new one */
			o->link_wh = make_kept(o);
		} else if (errno == EEXIST || errno == ENOSPC || errno == EDQUOT) {
			return -errno;
		} else {
			o->link_wh = false;
		}
		if (o->link_wh && !linkat(o->workfd, KEPT_WHITEOUT, fd, name, 0))
			return 0;
	}
	return mknodat(fd, name, S_IFCHR | 0600, makedev(0, 0)) ? -errno : 0;
}

static int make_file(struct ovl *o, struct dir *d, const char *name, bool replace)
{
	char wh[NAME_MAX + 1];
	int upfd = d->src[0].fd;
	int r = wh_name(wh, name);

	(void)o;
	if (r < 0)
		return r;
	auto_close int f = openat(upfd, wh, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f < 0)
		return -errno;
	d->wh_files = d->wh_known = true;
	/* until now the file itself came first */
	if (replace && unlinkat(upfd, name, 0)) {
		r = -errno;
		(void)unlinkat(upfd, wh, 0);
	}
	return r;
}

int whiteout_make(struct ovl *o, struct dir *d, const char *name, bool replace)
{
	char tmp[OVL_TMP_MAX];
	int upfd = d->src[0].fd;

	if (!o->char_wh)
		return make_file(o, d, name, replace);
	if (!replace)
		return whiteout_make_device(o, upfd, name);
	ovl_tmp_name(o, tmp);
	int r = whiteout_make_device(o, o->workfd, tmp);
	if (r < 0)
		return r;
	if (renameat(o->workfd, tmp, upfd, name)) {
		r = -errno;
		(void)unlinkat(o->workfd, tmp, 0);
	}
	return r;
}

void whiteout_remove_file(struct ovl *o, struct dir *d, const char *name)
{
	char wh[NAME_MAX + 1];

	if (d->has_upper && dir_is_merged(d) && dir_upper_has_wh_files(o, d) > 0 && !wh_name(wh, name))
		(void)unlinkat(d->src[0].fd, wh, 0);
}

/**
 * struct wipe - a folder being emptied of whiteouts
 */
struct wipe {
	const struct ovl *o;
	int fd;
	bool remove;
};

static int wipe_entry(void *arg, const struct rawent *e)
{
	const struct wipe *w = arg;

	if (!whiteout_is_reserved(e->name) && !whiteout_is_ours(w->o, e->ino)) {
		int type = whiteout_entry_type(w->fd, e->name, false);

		if (type < 0)
			return type == -ENOENT ? 0 : type;
		if (type != DT_WHT)
			return -ENOTEMPTY;
	}
	return w->remove && unlinkat(w->fd, e->name, 0) ? -errno : 0;
}

int whiteout_remove_all(const struct ovl *o, int fd)
{
	struct wipe w = { .o = o, .fd = fd };
	int r = scan_folder(fd, wipe_entry, &w);

	if (r < 0)
		return r;
	w.remove = true;
	return scan_folder(fd, wipe_entry, &w);
}
