/* SPDX-License-Identifier: Apache-2.0
 *
 * store - the folder where runner-oci keeps its containers
 *
 * How it works: ROOT/ID/ holds
 *   state.json   the record, replaced atomically; absent while nothing exists
 *   config.json  the spec as it was at creation
 *   start        the socket on which the container's process waits for start
 * Whoever changes a container holds a flock on its folder. Status is never
 * written down: it is asked of the kernel (is the process there, does it still
 * listen on "start", is its cgroup frozen), so kill -9 cannot make it lie.
 */
#ifndef RUNNER_OCI_STORE_H
#define RUNNER_OCI_STORE_H

#include <stdbool.h>

#include "runner/oci/record.h"

struct err;

enum store_status {
	STORE_CREATING, /* being made, or abandoned half-made */
	STORE_CREATED,
	STORE_RUNNING,
	STORE_PAUSED,
	STORE_STOPPED,
	STORE_STATUS_MAX_,
};

/**
 * struct box - an opened container
 * @root_fd: of the store, borrowed
 * @fd:	     its folder
 * @pidfd:   its init, -1 when it is gone
 * @rec:     what is recorded
 */
struct box {
	int root_fd;
	int fd;
	int pidfd;
	struct record rec;
};

/** store_status_name() - as the runtime-spec spells it */
const char *store_status_name(enum store_status s);

/**
 * store_open() - the store's folder, made when absent
 * @root: --root, or NULL for the default of this user
 *
 * A folder in a place where others can write is only accepted when it is ours
 * alone.
 */
int store_open(const char *root, int *ret_fd, struct err *e);

/** store_check_id() - may this be the name of a container? */
int store_check_id(const char *id, struct err *e);

/** store_new() - make the folder of a new container, and lock it */
int store_new(int root_fd, const char *id, struct box *ret, struct err *e);

/**
 * box_open() - a container that exists
 * @lock: take the folder's lock
 *
 * Return: 0; -ENOENT when there is none
 */
int box_open(int root_fd, const char *id, bool lock, struct box *ret, struct err *e);

void box_close(struct box *b);

/** box_save() - write the record */
int box_save(struct box *b, struct err *e);

/** box_status() - ask the kernel */
enum store_status box_status(const struct box *b);

/** box_spec() - the spec of the creation; spec_clear() later */
int box_spec(const struct box *b, struct spec *ret, struct err *e);

/** box_listen() - the socket that the container's process will wait on */
int box_listen(const struct box *b, int *ret_fd, struct err *e);

/** box_connect() - connect to it; -ECONNREFUSED when nobody waits */
int box_connect(const struct box *b);

/** box_remove() - delete the folder */
int box_remove(struct box *b, const char *id, struct err *e);

/** box_require() - an error in words unless the status is one of the mask's bits */
int box_require(const struct box *b, unsigned int mask, struct err *e);

#define STORE_BIT(s) (1U << (s))

#endif
