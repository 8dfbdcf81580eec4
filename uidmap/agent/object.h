/* SPDX-License-Identifier: Apache-2.0
 *
 * object - a file, folder, link…: what the kernel says of it, and the record
 */
#ifndef UIDMAP_AGENT_OBJECT_H
#define UIDMAP_AGENT_OBJECT_H

#include "uidmap/agent/agent.h"

#define OBJECT_BY_ATTRIBUTE 1 /* it is in an attribute of the object's own */
#define OBJECT_STATX (STATX_BASIC_STATS | STATX_BTIME)

/**
 * struct object - an object by descriptor
 * @fd:		O_PATH; the caller's
 * @self:	"self/fd/N": for calls that take paths only
 * @st:		what the kernel says
 * @ov:		whose it is said to be; from @st where nothing is recorded
 * @recorded:	something is
 */
struct object {
	int fd;
	char self[24];
	struct statx st;
	struct override ov;
	bool recorded;
};

/**
 * object_read() - look at it
 * Return: 0, -errno
 */
int object_read(struct agent *a, int fd, struct object *ret);

/**
 * object_write() - record @ov; 0:0 of an object of its own type is no record
 * Return: 0, -EPERM where the object belongs to nobody that the container
 * knows, -EROFS, -ENOSPC …
 */
int object_write(struct agent *a, struct object *o, const struct override *ov);

/**
 * object_peek() - the record of what @loc names, without opening it
 * Return: 0, OBJECT_BY_ATTRIBUTE, -ENODATA when there is none, -ENOTSUP where the file system has no
 * attributes, -errno of the path
 */
int object_peek(struct agent *a, const char *loc, bool follow, struct override *ret);

#endif
