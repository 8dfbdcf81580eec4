/* SPDX-License-Identifier: Apache-2.0
 *
 * each - commands that do the same to several containers
 */
#ifndef RUNNER_CMD_EACH_H
#define RUNNER_CMD_EACH_H

#include <stdbool.h>

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
 * each_present() - keep the words that name a container
 * Return: how many are left at the front of @argv
 */
int each_present(const struct engine *eng, int argc, char **argv);

/**
 * each_listed() - the same over all containers that @pick accepts
 * @pick:	NULL for all
 */
int each_listed(const struct engine *eng, const char *cmd, bool print,
		bool (*pick)(const struct container *c),
		int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx);

bool each_is_running(const struct container *c);

/**
 * each_connect() - a connection to the monitor of a running container
 * @c:	read anew when there is none
 * Return: descriptor, -ESRCH when it does not run any more, -errno
 */
int each_connect(struct container *c, struct err *e);

/**
 * each_end() - wait until a container that was sent a signal has ended, and
 * its end is recorded; kill it when it takes too long
 * @fd:		connection to its monitor
 * @timeout:	seconds, -1 for the container's own
 * Return: 0, -ETIMEDOUT, -errno
 */
int each_end(const struct container *c, int fd, int timeout, struct err *e);

/**
 * each_stop() - stop a running container and wait until its end is recorded
 * @timeout:	seconds, -1 for the container's own
 * @sig:	first signal, 0 for the container's own
 * Return: 0 (also when it does not run), -errno
 */
int each_stop(struct container *c, int timeout, int sig, struct err *e);

#endif
