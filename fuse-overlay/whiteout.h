/* SPDX-License-Identifier: Apache-2.0
 *
 * whiteout - how a layer says that a name is deleted or a folder is opaque
 *
 * Read: character device 0:0; a file .wh.NAME; an empty file with the xattr
 * overlay.whiteout in a folder whose overlay.opaque is "x" (Linux 6.8 reads
 * these too, in lower layers but the last); an opaque folder by the
 * xattrs of native overlay (user and trusted), of fuse-overlayfs, or the
 * file .wh..wh..opq. Written: the device where the file system lets us make
 * one (a hard link to a kept one), else .wh.NAME; user.overlay.opaque, else
 * .wh..wh..opq. Native overlay mounted with userxattr reads what the
 * first of each pair writes.
 */
#ifndef FUSE_OVERLAY_WHITEOUT_H
#define FUSE_OVERLAY_WHITEOUT_H

#include "fuse-overlay/ovl.h"

struct rawent;

#define WH_PREFIX ".wh."
#define WH_OPAQUE ".wh..wh..opq"

/**
 * whiteout_is_reserved() - may no file of the mount have this name
 */
bool whiteout_is_reserved(const char *name);

/**
 * whiteout_is_marker() - is it a marker that deletes no single name
 * (.wh..wh..opq and its kin)
 */
bool whiteout_is_marker(const char *name);

/**
 * whiteout_file_target() - the name that a .wh. file deletes
 * Return: pointer into name, NULL when it is no such file
 */
const char *whiteout_file_target(const char *name);

/**
 * whiteout_file_exists() - is there a .wh. file for name
 * Return: 0 or 1, -errno
 */
int whiteout_file_exists(int fd, const char *name);

/**
 * whiteout_scan_files() - are there any .wh. files in a folder
 * Return: 0 or 1, -errno
 */
int whiteout_scan_files(int fd);

/**
 * whiteout_is() - is an object a whiteout
 * @l:		where it is
 * @stx:	its attributes
 * @xwh:	dsrc.xwh of its folder
 */
bool whiteout_is(struct loc l, const struct statx *stx, bool xwh);

/**
 * whiteout_is_ours() - is an entry of a listing a link of our own whiteout
 *
 * Then nobody needs to ask what it is. Inode numbers are compared, so it
 * knows none where there is more than one file system.
 */
static inline bool whiteout_is_ours(const struct ovl *o, uint64_t ino)
{
	return o->wh_ino && ino == o->wh_ino && o->n_devs == 1;
}

/**
 * whiteout_may_be() - is an entry worth asking whiteout_entry_type()
 * @type:	DT_* as the file system lists it
 */
bool whiteout_may_be(uint8_t type, bool xwh);

/**
 * whiteout_entry_type() - DT_* of an entry, DT_WHT for a whiteout
 * Return: type, -errno
 */
int whiteout_entry_type(int fd, const char *name, bool xwh);

/**
 * whiteout_resolve() - what an entry of a source's folder says
 * @e:		as listed; then the name that it is about, and DT_WHT as its type
 *		where it deletes that
 * Return: 1; 0: nothing (a marker, or it went meanwhile); -errno
 */
int whiteout_resolve(const struct ovl *o, const struct dsrc *src, struct rawent *e);

/**
 * enum opacity - what the marks on a folder say
 */
enum opacity {
	OPACITY_NONE,
	OPACITY_OPAQUE,		/* nothing below it shows */
	OPACITY_XWH,		/* see dsrc.xwh */
};

/**
 * whiteout_opacity() - does a folder hide what is below it
 * Return: enum opacity, -errno
 */
int whiteout_opacity(int fd);

/**
 * whiteout_is_impure() - was something copied up and moved into the folder
 */
bool whiteout_is_impure(int fd);

/**
 * whiteout_redirect() - where a folder came from before it was renamed
 * Return: length, -ENODATA without, -EIO when it is not a sane path
 */
ssize_t whiteout_redirect(int fd, char *buf, size_t size);

/**
 * whiteout_set_opaque() - hide what is below the folder
 * Return: 0, -errno
 */
int whiteout_set_opaque(struct ovl *o, int fd);

/**
 * whiteout_make() - delete name in an upper folder
 * @replace:	there is a file (no folder) of that name, which goes atomically
 * Return: 0, -errno
 */
int whiteout_make(struct ovl *o, struct dir *d, const char *name, bool replace);

/**
 * whiteout_make_device() - a new whiteout device of that name
 * Return: 0, -errno
 */
int whiteout_make_device(struct ovl *o, int fd, const char *name);

/**
 * whiteout_remove_file() - remove the .wh. file of a name that exists again
 */
void whiteout_remove_file(struct ovl *o, struct dir *d, const char *name);

/**
 * whiteout_remove_all() - empty an upper folder that holds only whiteouts
 * Return: 0, -ENOTEMPTY, -errno
 */
int whiteout_remove_all(const struct ovl *o, int fd);

/**
 * whiteout_probe() - find out what can be made in the work folder
 */
void whiteout_probe(struct ovl *o);

#endif
