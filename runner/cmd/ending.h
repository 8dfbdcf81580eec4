/* SPDX-License-Identifier: Apache-2.0
 *
 * ending - containers that are told to end, all of them before one is waited for
 */
#ifndef RUNNER_CMD_ENDING_H
#define RUNNER_CMD_ENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct container;
struct engine;

/* Connections held open at a time. */
#define ENDING_BATCH 128

/**
 * struct ending - a container on its way to its end
 * @c:		it, NULL when it was not found
 * @word:	how to name it on stdout
 * @fd:		connection to its monitor, which was told, or -1
 * @told:	when, in ms of CLOCK_MONOTONIC
 * @ignore:	that there is none is no failure
 * @r:		0 or what went wrong, told in @e
 */
struct ending {
	struct container *c;
	const char *word;
	int fd;
	int64_t told;
	bool ignore;
	int r;
	struct err e;
};

/**
 * ending_find() - the next of the words, at most ENDING_BATCH
 * Return: how many
 */
size_t ending_find(const struct engine *eng, char *const *words, size_t n, bool ignore,
		   struct ending *ret);

/**
 * ending_tell() - send a signal, if it runs
 * @remove:	the monitor is to remove it when it has ended
 * @sig:	0 for the container's own stop signal
 */
void ending_tell(struct ending *v, bool remove, int sig);

/**
 * ending_wait() - until the end is recorded; kill it when it takes too long
 * @timeout:	seconds since it was told, -1 for the container's own
 */
void ending_wait(struct ending *v, int timeout);

/**
 * ending_close() - name it on stdout, or say what went wrong, and release it
 * @cmd:	name of the command, for that line
 * Return: its @r, 0 for one that is missing and may be
 */
int ending_close(struct ending *v, const char *cmd);

#endif
