/* SPDX-License-Identifier: Apache-2.0
 *
 * volume - named and anonymous volumes, and sources of bind mounts
 */
#ifndef RUNNER_ENGINE_VOLUME_H
#define RUNNER_ENGINE_VOLUME_H

#include "common/str.h"

struct container;
struct engine;
struct err;
struct user;

/**
 * volume_prepare() - make the sources of all mounts ready
 * @root_fd:	the container's root: what it has at a new volume's path is
 *		copied into the volume, as Docker does
 *
 * A volume that does not exist is made; so is a missing folder of the host
 * that --volume names. Options U are carried out.
 * Return: 0, -ENOENT with the path, -errno
 */
int volume_prepare(const struct container *c, const struct user *user, int root_fd, struct err *e);

/**
 * volume_name_anonymous() - give every unnamed volume of a new container the
 * name "<container id>-<n>"
 */
int volume_name_anonymous(struct container *c, struct err *e);

/**
 * volume_retire_anonymous() - they go with their container: moved into its
 * folder, which is about to be removed
 */
void volume_retire_anonymous(const struct container *c);

/**
 * volume_list() - names of all volumes, sorted; anonymous ones as well
 * Return: 0, -errno
 */
int volume_list(const struct engine *eng, struct strv *ret, struct err *e);

/**
 * volume_create() - make one; its data folder comes with the first container
 * that uses it, filled with what the image has there
 * Return: 0 (also when there is one), -EINVAL for a bad name, -errno
 */
int volume_create(const struct engine *eng, const char *name, struct err *e);

/**
 * volume_remove() - remove it and all that is in it
 *
 * We must be inside the user namespace, where its files are ours to remove.
 * Return: 0, -ENOENT, -EBUSY when a container has it (running or not), -errno
 */
int volume_remove(const struct engine *eng, const char *name, struct err *e);

/**
 * volume_find() - is there one of that name
 * Return: 0, -ENOENT
 */
int volume_find(const struct engine *eng, const char *name, struct err *e);

#endif
