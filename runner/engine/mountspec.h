/* SPDX-License-Identifier: Apache-2.0
 *
 * mountspec - --volume, --mount and --tmpfs, in one normal form
 *
 * The normal form is --mount's: "type=bind,src=/a,dst=/b,ro,rbind". A comma
 * inside a path is doubled, so that every path can be written.
 */
#ifndef RUNNER_ENGINE_MOUNTSPEC_H
#define RUNNER_ENGINE_MOUNTSPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct err;

enum mount_type {
	MOUNT_BIND,	/* a path of the host */
	MOUNT_VOLUME,	/* a named or anonymous volume */
	MOUNT_TMPFS,
	MOUNT_TYPE_MAX_,
};

/**
 * struct mountspec - one mount asked for
 * @type:	enum mount_type
 * @src:	host path, or volume name ("" for an anonymous one); NULL for tmpfs
 * @dst:	absolute path in the container
 * @ro:		read-only
 * @create:	make a missing host folder (--volume does, --mount does not)
 * @chown:	U: give the source to the container's user
 * @opts:	further option words for the mount
 */
struct mountspec {
	enum mount_type type;
	char *src;
	char *dst;
	bool ro;
	bool create;
	bool chown;
	struct strv opts;
};

void mountspec_clear(struct mountspec *m);
DEFINE_AUTO_CLEAR(struct mountspec, mountspec_clear);

/**
 * mountspec_parse_volume() - "[SRC:]DST[:OPTS]"; pure
 * @cwd:	what a relative source starts from, may be NULL
 * Return: 0, -EINVAL
 */
int mountspec_parse_volume(const char *text, const char *cwd, struct mountspec *ret, struct err *e);

/**
 * mountspec_parse() - "type=…,src=…,dst=…[,OPT…]"; pure
 */
int mountspec_parse(const char *text, const char *cwd, struct mountspec *ret, struct err *e);

/**
 * mountspec_parse_tmpfs() - "DST[:OPTS]"; pure
 */
int mountspec_parse_tmpfs(const char *text, struct mountspec *ret, struct err *e);

/**
 * mountspec_format() - the normal form
 * Return: 0, -ENOMEM
 */
int mountspec_format(const struct mountspec *m, struct strbuf *ret);

/**
 * mountspec_name_check() - may this be the name of a volume
 */
bool mountspec_is_volume_name(const char *s);

#endif
