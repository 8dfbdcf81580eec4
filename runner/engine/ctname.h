/* SPDX-License-Identifier: Apache-2.0
 *
 * ctname - the names of containers: links ROOT/ctrnames/NAME to an id
 */
#ifndef RUNNER_ENGINE_CTNAME_H
#define RUNNER_ENGINE_CTNAME_H

#include "runner/engine/container.h"

struct engine;
struct err;

/**
 * ctname_read() - whose name this is
 * @id:	whole id, also of a container that has gone
 * Return: 0, -ENOENT, -EBADMSG for a link that none of ours made, -errno
 */
int ctname_read(const struct engine *eng, const char *name, char id[CONTAINER_ID_LEN + 1]);

/**
 * ctname_take() - give a name to a container, taking it from one that has gone
 * Return: 0, -EEXIST, -errno
 */
int ctname_take(const struct engine *eng, const char *name, const char *id, struct err *e);

/**
 * ctname_release() - free a name if it is this container's
 */
void ctname_release(const struct engine *eng, const char *name, const char *id);

#endif
