/* SPDX-License-Identifier: Apache-2.0
 *
 * start - from a record to a running program with a monitor
 */
#ifndef RUNNER_ENGINE_START_H
#define RUNNER_ENGINE_START_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container;
struct engine;
struct err;
struct store;

/**
 * struct start_opts - how to start
 * @store:	open store to let go of the image on removal, or NULL
 * @attach:	the caller wants output from the first byte
 * @fresh:	made by this very command: a failed start removes it
 * @eng:	engine whose ids may be still on their way (rootless_join()); NULL:
 *		they are there
 * @rows, @cols: size of the caller's terminal, 0 when there is none
 */
struct start_opts {
	struct store *store;
	bool attach;
	bool fresh;
	struct engine *eng;
	uint16_t rows;
	uint16_t cols;
};

/**
 * start_container() - fork the monitor and wait until the program runs
 * @c:		locked; unlocked when this returns
 * @ret_fd:	connection to the monitor (ctl.h)
 * @ret_exit:	on failure: 125, 126 or 127
 *
 * We must be inside the user namespace, and wait for its ids where it has none.
 * Return: 0, -errno
 */
int start_container(struct container *c, const struct start_opts *opts, int *ret_fd, int *ret_exit,
		    struct err *e);

/**
 * start_destroy() - remove a container from disk and release its image
 * @store:	NULL opens it when needed
 *
 * The lock must be held and the container must not run.
 * Return: 0, -errno
 */
int start_destroy(struct container *c, struct store *store, struct err *e);

/**
 * start_repair() - container_repair(), and release images that are held for
 * containers that are gone
 */
void start_repair(const struct engine *eng, struct store *st);

#endif
