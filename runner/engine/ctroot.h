/* SPDX-License-Identifier: Apache-2.0
 *
 * ctroot - a container's root file system as seen from outside
 */
#ifndef RUNNER_ENGINE_CTROOT_H
#define RUNNER_ENGINE_CTROOT_H

#include "runner/engine/rootfs.h"

struct container;
struct engine;
struct err;

/**
 * struct ctroot - an open root
 * @fd:		its top folder; paths below it by fd_open_in_root() only
 * @c:		locked while its root is mounted by us, else NULL
 * @mounted:	our mount, of one that does not run
 */
struct ctroot {
	int fd;
	struct container *c;
	struct rootfs mounted;
};

/**
 * ctroot_open() - open the root of a container, running or not
 *
 * Of one that runs with all its mounts, as its first process sees it; of one
 * that does not only its own files, and it cannot be started until
 * ctroot_close(). This process is in its user namespace afterwards.
 * Must be called while this process has one thread.
 * Return: 0, -errno; ctroot_close() is due in any case
 */
int ctroot_open(struct engine *eng, struct container *c, struct ctroot *ret, struct err *e);

/**
 * ctroot_close() - let go of it
 */
void ctroot_close(struct ctroot *r);

#endif
