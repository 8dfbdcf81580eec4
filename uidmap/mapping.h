/* SPDX-License-Identifier: Apache-2.0
 *
 * mapping - put both maps of a plan on a process that waits for them
 */
#ifndef UIDMAP_MAPPING_H
#define UIDMAP_MAPPING_H

#include <sys/types.h>

struct err;
struct plan;

/**
 * mapping_apply() - write the uid map and the gid map of a process
 * @plan:	says the maps and who writes them: the helper, or this process
 * @pid:	process in a fresh user namespace, which cannot be reaped or
 *		replaced meanwhile (a child, or a parent that waits for us)
 * @e:		what failed; of a helper, its own line
 *
 * Return: 0 or -errno.
 */
int mapping_apply(const struct plan *plan, pid_t pid, struct err *e);

/**
 * mapping_try() - would it work? On a child that is thrown away
 * @plan:	the plan
 * @e:		what failed
 *
 * Return: 0; -ENOTSUP when no user namespace can be made, with the errno of
 * unshare(2) in @ret_unshare; what mapping_apply() returns.
 * @ret_unshare: errno of unshare(2), 0 when it worked
 */
int mapping_try(const struct plan *plan, int *ret_unshare, struct err *e);

#endif
