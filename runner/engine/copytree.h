/* SPDX-License-Identifier: Apache-2.0
 *
 * copytree - copy one folder onto another, whiteouts included
 */
#ifndef RUNNER_ENGINE_COPYTREE_H
#define RUNNER_ENGINE_COPYTREE_H

#include <sys/types.h>

struct err;

/**
 * copytree_apply() - lay a layer over what is in dst
 *
 * Owners, modes, times, extended attributes, hard links and holes are kept.
 * Files are shared (reflink) where the file system can. Whiteouts (char 0:0,
 * .wh.NAME) delete, opaque folders empty what lay below. Never follows a
 * symbolic link. Both descriptors stay the caller's.
 * Return: 0, -errno with the path in @e
 */
int copytree_apply(int src_fd, int dst_fd, struct err *e);

/**
 * copytree_data() - the bytes of a file: shared where the file system can,
 * with holes where it has them
 * @to:		empty and open for writing
 * Return: 0, -errno
 */
int copytree_data(int from, int to, off_t size);

#endif
