/* SPDX-License-Identifier: Apache-2.0
 *
 * ctspare - a container's folder that nothing was written to, for the next one
 */
#ifndef RUNNER_ENGINE_CTSPARE_H
#define RUNNER_ENGINE_CTSPARE_H

#include <stdbool.h>
#include <time.h>

struct container;
struct engine;

/* A file of a kept folder that is to be written over, and to become the record. */
#define CTSPARE_RECORD "record.spare"

/**
 * ctspare_take() - the kept folder becomes ROOT/containers/ID
 *
 * In it are "upper" and "work", empty and as they are made, and perhaps
 * CTSPARE_RECORD; who is killed before there is a record leaves what
 * container_repair() removes.
 * Return: 0, -ENOENT when none is kept, -errno
 */
int ctspare_take(const struct engine *eng, const char *id);

/**
 * ctspare_watch() - to learn whether a mount's file system ends with our last hold of it
 * @mount_fd:	its top folder
 * Return: descriptor for ctspare_is_gone(), -errno
 */
int ctspare_watch(int mount_fd);

/**
 * ctspare_is_gone() - has it ended? Then it has for all, whatever descriptor or
 * namespace they had it by
 * @watch_take:	of ctspare_watch(), or negative: then nobody knows, and it is false
 */
bool ctspare_is_gone(int watch_take);

/**
 * ctspare_keep() - the folder of a retired container, if it is as good as new
 * @name:	of the folder, below ROOT
 * @since:	st_ctim of "upper" when it was mounted
 *
 * Nothing may be mounted there any more, and nobody else may be at it (the
 * container's lock). What cannot be kept is left for container_purge().
 * Return: whether it is kept
 */
bool ctspare_keep(const struct engine *eng, const char *name, const struct timespec *since);

#endif
