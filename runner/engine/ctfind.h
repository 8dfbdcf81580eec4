/* SPDX-License-Identifier: Apache-2.0
 *
 * ctfind - which containers there are
 */
#ifndef RUNNER_ENGINE_CTFIND_H
#define RUNNER_ENGINE_CTFIND_H

#include <dirent.h>
#include <stdbool.h>

struct engine;

/**
 * ctfind_is_id() - has this text the form of a full id; pure
 */
bool ctfind_is_id(const char *s);

/**
 * ctfind_has_folder() - is there a folder of this id, with a record or without
 */
bool ctfind_has_folder(const struct engine *eng, const char *id);

/**
 * ctfind_open() - the folder @name below ROOT or RUNROOT, to be read
 * Return: stream, the caller's; NULL with errno
 */
DIR *ctfind_open(int root_fd, const char *name);

#endif
