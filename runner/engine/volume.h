/* SPDX-License-Identifier: Apache-2.0
 *
 * volume - named and anonymous volumes, and sources of bind mounts
 */
#ifndef RUNNER_ENGINE_VOLUME_H
#define RUNNER_ENGINE_VOLUME_H

struct container;
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

#endif
