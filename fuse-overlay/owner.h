/* SPDX-License-Identifier: Apache-2.0
 *
 * owner - owners and modes of real objects, in the inode or recorded
 *
 * A layer in override mode keeps owner and mode in an extended attribute,
 * "uid:gid:mode[:type]" as containers/storage writes it, because the server
 * may not give files away. Its root folder carries the attribute too, which
 * is how the mode is recognised. Where the file system has no user
 * attributes, the same text is in a file (sidecar.h); so it is for symbolic
 * links, which can have no user attributes anywhere.
 */
#ifndef FUSE_OVERLAY_OWNER_H
#define FUSE_OVERLAY_OWNER_H

#include "common/override.h"
#include "fuse-overlay/ovl.h"

/**
 * struct owner - what an override records
 * @uid, @gid:	as on disk
 * @mode:	permission bits, and S_IFMT bits when a type is recorded, else 0
 * @rdev_major, @rdev_minor: of devices
 */
struct owner {
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t rdev_major;
	uint32_t rdev_minor;
};

/**
 * owner_parse() - from the text of common/override.h, @len bytes
 * Return: 0, -EINVAL
 */
int owner_parse(const char *text, size_t len, struct owner *ret);

/**
 * owner_format() - to that text
 * Return: length
 */
int owner_format(char buf[OVERRIDE_TEXT_MAX], const struct owner *ow);

/**
 * owner_xattr() - name of the attribute of a mode, NULL where there is none
 */
const char *owner_xattr(enum owner_mode ov);

/**
 * owner_probe() - which mode a layer is in
 */
enum owner_mode owner_probe(int fd);

/**
 * owner_stat() - statx() of a real object, override applied
 * Return: 0, -errno
 */
int owner_stat(const struct ovl *o, unsigned int layer, struct loc l, struct statx *ret);

/**
 * owner_become() - make the next objects belong to a request's caller
 *
 * Sets the umask as well. The mount's ids are shifted to those on disk.
 * Return: 0, -EPERM when the server may not make files for that user
 */
int owner_become(struct ovl *o, const struct fuse_ctx *ctx);

/**
 * owner_become_self() - undo that, for objects that get an explicit owner
 */
void owner_become_self(struct ovl *o);

/**
 * owner_is_recorded() - does the upper layer keep owners in attributes
 */
static inline bool owner_is_recorded(const struct ovl *o)
{
	return o->writable && o->layers[0].override != OVERRIDE_NONE;
}

/**
 * owner_forget() - an upper inode goes
 */
void owner_forget(struct ovl *o, uint64_t ino);

/**
 * owner_sync() - what was recorded in a sidecar file is on the disk; call it
 * without the lock
 * Return: 0, -errno
 */
int owner_sync(struct ovl *o);

/**
 * owner_backing_mode() - type and mode to make an upper object with
 *
 * In override mode pipes, sockets and devices are files with the type
 * recorded: real ones could carry no record, devices could not be made.
 */
mode_t owner_backing_mode(const struct ovl *o, mode_t mode);

/**
 * owner_after_create() - record the owner of a new object in override mode
 * @parentfd:	the folder it is in, whose group it gets with the setgid bit
 * @mode:	with type
 * Return: 0, -errno
 */
int owner_after_create(struct ovl *o, int parentfd, struct loc l, const struct fuse_ctx *ctx,
		       mode_t mode, dev_t rdev);

/**
 * owner_set() - owner and mode of an upper object
 * @now:	what it has at the moment
 * @want:	ids on disk; mode with type
 * @what:	OWNER_UID | OWNER_GID | OWNER_MODE
 * Return: 0, -errno
 */
#define OWNER_UID 1U
#define OWNER_GID 2U
#define OWNER_MODE 4U
int owner_set(struct ovl *o, struct loc l, const struct statx *now, const struct owner *want,
	      unsigned int what);

#endif
