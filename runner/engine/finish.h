/* SPDX-License-Identifier: Apache-2.0
 *
 * finish - the end of a run, and of a start that failed
 */
#ifndef RUNNER_ENGINE_FINISH_H
#define RUNNER_ENGINE_FINISH_H

#include <stdbool.h>

struct container;
struct err;
struct monitor;
struct store;

/**
 * finish_retire() - remove all that another command can notice;
 * container_purge() does the rest
 * @store:	NULL opens it when needed
 *
 * The lock must be held.
 * Return: 0, -errno
 */
int finish_retire(struct container *c, struct store *store, struct err *e);

/**
 * finish_unstarted() - let go of everything, as if nothing had been tried, and
 * tell the command why
 * @fresh:	the container was made for this start, and goes with it
 * @code:	-errno
 */
void finish_unstarted(struct monitor *m, bool fresh, int code, const struct err *e);

/**
 * finish_ended() - record how the program ended, tell everybody, let go
 */
void finish_ended(struct monitor *m);

#endif
