/* SPDX-License-Identifier: Apache-2.0
 *
 * rootowners - files of recorded owners, for what carries no attribute
 *
 * A line is "uid:gid:mode[:type] PATH", PATH below the container's root, with
 * "\n" and "\\" for newline and backslash: the file "owners" that an unpacked
 * layer has beside its tree.
 */
#ifndef UIDMAP_AGENT_ROOTOWNERS_H
#define UIDMAP_AGENT_ROOTOWNERS_H

#include <stddef.h>

#include "uidmap/agent/agent.h"

#define ROOTOWNERS_SIZE_MAX (64U << 20)

/**
 * rootowners_line() - parse one line
 * @line:	changed: the path is unescaped in place
 * Return: 0, -EINVAL
 */
int rootowners_line(char *line, struct override *ret, const char **ret_path);

/**
 * rootowners_apply() - take over a file's lines; call it in the container
 * @text:	changed
 *
 * Paths that are gone, or now name what carries an attribute, are passed over.
 * Return: number of lines taken, -EINVAL with the line, -ENOSPC
 */
int rootowners_apply(struct agent *a, char *text, struct err *e);

#endif
