/* SPDX-License-Identifier: Apache-2.0
 *
 * each - commands that do the same to several containers or images
 */
#ifndef RUNNER_CMD_EACH_H
#define RUNNER_CMD_EACH_H

#include <stdbool.h>

#include "common/str.h"

struct container;
struct engine;
struct err;

/**
 * each_container() - call fn for every container named
 * @cmd:	name of the command, for the lines of failures
 * @fn:		gets the loaded container, unlocked; @ctx is passed through
 *
 * A failure is printed and the next container has its turn. A container is
 * named on stdout after success when @print is true.
 * Return: exit code, 125 when any failed
 */
int each_container(const struct engine *eng, const char *cmd, int argc, char **argv, bool print,
		   int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx);

/**
 * each_id() - ids of all containers that @pick accepts, oldest first
 * @pick:	NULL for all
 * Return: 0, -errno
 */
int each_id(const struct engine *eng, bool (*pick)(const struct container *c), struct strv *ret,
	    struct err *e);

/**
 * each_removal_code() - exit code of rm and rmi
 * @code:	of the removals so far, 0 at the beginning
 * @r:		of the next one: -ENOENT and -EBUSY have codes of their own
 * Return: the worse one
 */
int each_removal_code(int code, int r);

bool each_is_running(const struct container *c);

/**
 * each_connect() - a connection to the monitor of a running container
 * @c:	read anew when there is none
 * Return: descriptor, -ESRCH when it does not run any more, -errno
 */
int each_connect(struct container *c, struct err *e);

/**
 * each_stop() - stop a running container and wait until its end is recorded
 * @timeout:	seconds, -1 for the container's own
 * @sig:	first signal, 0 for the container's own
 * Return: 0 (also when it does not run), -errno
 */
int each_stop(struct container *c, int timeout, int sig, struct err *e);

#endif
