/* SPDX-License-Identifier: Apache-2.0
 *
 * rootless - become root of a user namespace with the best id map
 */
#ifndef RUNNER_ENGINE_ROOTLESS_H
#define RUNNER_ENGINE_ROOTLESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

struct engine;
struct err;

#define ID_RANGES_MAX 340	/* the kernel's limit on lines of an id map */

/**
 * struct id_range - one line of an id map
 * @inside:	first id in the namespace
 * @outside:	first id in the parent namespace
 * @count:	how many
 */
struct id_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/**
 * struct id_plan - what `uidmap plan` says that this user can have
 * @uid, @gid:	lines of the two maps
 * @n_uid, @n_gid: how many
 * @newuidmap, @newgidmap: helper programs; NULL: the map has one id and needs none
 * @together:	newuidmap writes both maps in one call
 */
struct id_plan {
	struct id_range *uid;
	size_t n_uid;
	struct id_range *gid;
	size_t n_gid;
	char *newuidmap;
	char *newgidmap;
	bool together;
};

void id_plan_clear(struct id_plan *plan);

/**
 * id_plan_parse() - read the JSON of `uidmap plan --json`
 * Return: 0, -EINVAL
 */
int id_plan_parse(const char *text, size_t len, struct id_plan *ret, struct err *e);

/**
 * id_plan_get() - the plan of this user, from the cache when nothing changed
 * Return: 0, -errno
 */
int id_plan_get(struct engine *eng, struct id_plan *ret, struct err *e);

/**
 * id_plan_forget() - the plan did not work: ask again next time
 */
void id_plan_forget(const struct engine *eng);

/**
 * rootless_begin() - learn the id map, and let helpers write it meanwhile
 *
 * The engine's ids and key of layers are known from here on, but this process
 * has no other ids yet. For real root the same as rootless_enter().
 * Return: 0, -errno
 */
int rootless_begin(struct engine *eng, struct err *e);

/**
 * rootless_abandon() - end what rootless_begin() started, if anything is left
 */
void rootless_abandon(struct engine *eng);

/**
 * rootless_join() - be in the user namespace, and in a mount namespace of our
 * own, though ids may not exist there yet (see rootless.c)
 *
 * Where rootless_waits() they do not: rootless_wait() is due.
 * Must be called while this process has one thread.
 * Return: 0, -errno
 */
int rootless_join(struct engine *eng, struct err *e);

/**
 * rootless_waits() - are ids still on their way?
 */
bool rootless_waits(const struct engine *eng);

/**
 * rootless_wait() - return when all ids exist, at once where they do
 *
 * Something is left to be cleaned up by rootless_abandon().
 * Return: 0, -errno; then there never will be any
 */
int rootless_wait(struct engine *eng, struct err *e);

/**
 * rootless_leave_to_parent() - for a fork of the process that has to wait:
 * rootless_overhear() is all that it may do
 */
void rootless_leave_to_parent(struct engine *eng);

/**
 * rootless_overhear() - in that fork: wait for the ids, too
 * Return: whether they exist; if not, the parent knows why
 */
bool rootless_overhear(struct engine *eng);

/**
 * rootless_enter() - enter a user namespace as its root, and a mount
 * namespace of our own
 *
 * Does nothing for real root but the mount namespace: rootless_join() and
 * rootless_wait(). Must be called while this process has one thread. Idempotent.
 * Return: 0, -errno
 */
int rootless_enter(struct engine *eng, struct err *e);

/**
 * rootless_has_id() - can this uid (or gid) exist in the namespace we are in
 */
bool rootless_has_id(const char *map_file, uint32_t id);

#endif
