/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - links, pipes and sockets keep their owners when overlay copies them
 *
 * How it works: overlayfs copies a link of the image up when it gets another
 * name or other times. The copy was born now, and its number is that of the
 * original as long as the kernel remembers, later its own; nobody tells that
 * one beforehand. So the agent has it copied before the call (the kernel would
 * the next moment), and keeps the record twice: under old number and new birth,
 * and under an alias, a number made of the link's text, and new birth. Who is
 * not found by his number is looked for by his alias.
 */
#ifndef UIDMAP_AGENT_COPYUP_H
#define UIDMAP_AGENT_COPYUP_H

#include "uidmap/agent/object.h"

/**
 * copyup_now() - a call that copies it up comes next
 * @o:		what object_read() found, and then what it is now
 *
 * Nothing to do for what has no record, or has it in an attribute.
 */
void copyup_now(struct agent *a, struct object *o);

/**
 * copyup_find() - the record by alias
 * @fd:		O_PATH
 * Return: 0, -ENOENT
 */
int copyup_find(struct agent *a, int fd, const struct statx *st, struct override *ret);

/**
 * copyup_find_at() - the same for what @loc names
 */
int copyup_find_at(struct agent *a, const char *loc, bool follow, const struct statx *st,
		   struct override *ret);

/**
 * copyup_update() - it has another owner: so has its alias, if there is one
 */
void copyup_update(struct agent *a, const struct object *o, const struct override *ov);

#endif
