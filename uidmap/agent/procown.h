/* SPDX-License-Identifier: Apache-2.0
 *
 * procown - files of /proc/PID belong to who the process is said to be
 */
#ifndef UIDMAP_AGENT_PROCOWN_H
#define UIDMAP_AGENT_PROCOWN_H

#include "uidmap/agent/agent.h"

/**
 * procown_parse() - which process a path in /proc belongs to
 * @ret_pid:	as the container counts; 0 for "self"
 * @ret_rest:	what follows the process in @path
 * Return: 0, -ENOENT for what is no process's own file: a link that leads
 * out of /proc, or deeper folders
 */
int procown_parse(const char *path, pid_t *ret_pid, const char **ret_rest);

/**
 * procown_find() - owner of such a path
 * @path:	absolute, "/proc/…"
 * @ret_loc:	path that names it from where we stand; in j->loc
 * Return: 0, -ENOENT, -errno where the kernel translates no pids (before 6.11)
 */
int procown_find(struct job *j, const char *path, struct override *ret, const char **ret_loc);

/**
 * procown_find_at() - the same for what @loc names, if that is in /proc
 */
int procown_find_at(struct job *j, const char *loc, bool follow, struct override *ret,
		    const char **ret_loc);

#endif
