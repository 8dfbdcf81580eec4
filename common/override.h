/* SPDX-License-Identifier: Apache-2.0
 *
 * override - the text in which an owner is recorded
 *
 * "uid:gid:mode[:type]" in the attribute user.containers.override_stat, as
 * containers/storage and fuse-overlayfs write it: ids decimal, mode octal,
 * type "char-MAJ-MIN", "block-MAJ-MIN", "pipe", "socket" or "symlink" where a
 * file stands for such an object. "file" and "dir" say what the object is by
 * itself, and what follows a fourth part is for later readers.
 */
#ifndef COMMON_OVERRIDE_H
#define COMMON_OVERRIDE_H

#include <stddef.h>
#include <stdint.h>

/* Beside the owner, attributes that only the host's root may set are kept
 * under this prefix. */
#define OVERRIDE_PREFIX "user.containers.override_"
#define OVERRIDE_XATTR OVERRIDE_PREFIX "stat"
#define OVERRIDE_TEXT_MAX 64

/**
 * struct override - a recorded owner
 * @uid, @gid:	as the reader is to see them
 * @mode:	permission bits
 * @type:	S_IFMT bits, 0 when the object's own type holds
 * @major, @minor: of a recorded device
 */
struct override {
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t type;
	uint32_t major;
	uint32_t minor;
};

/**
 * override_parse() - read a record
 * @text:	@len bytes, need not be terminated
 *
 * Return: 0, -EINVAL
 */
int override_parse(const char *text, size_t len, struct override *ret);

/**
 * override_format() - write a record
 * @ov:		S_IFREG and S_IFDIR as its type count as none
 *
 * Return: length
 */
int override_format(const struct override *ov, char buf[OVERRIDE_TEXT_MAX]);

#endif
