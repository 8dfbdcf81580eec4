/* SPDX-License-Identifier: Apache-2.0
 *
 * override - the text in which an owner is recorded
 *
 * "uid:gid:mode[:type]" in the attribute user.containers.override_stat, as
 * containers/storage and fuse-overlayfs write it: ids decimal, mode octal,
 * type "char-MAJ-MIN", "block-MAJ-MIN", "pipe", "socket", "symlink", "dir"
 * or "file"; without one, the object's own type holds.
 */
#ifndef UIDMAP_AGENT_OVERRIDE_H
#define UIDMAP_AGENT_OVERRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define OVERRIDE_XATTR "user.containers.override_stat"
#define OVERRIDE_TEXT_MAX 64

/**
 * struct override - a recorded owner
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
 * override_parse() - @len bytes, not terminated
 * Return: 0, -EINVAL
 */
int override_parse(const char *text, size_t len, struct override *ret);

/**
 * override_format() - a type is written for devices only
 * Return: length
 */
int override_format(const struct override *ov, char buf[OVERRIDE_TEXT_MAX]);

#endif
