/* SPDX-License-Identifier: Apache-2.0
 *
 * rootfs - the root file system of a container, by the best rung that works
 */
#ifndef RUNNER_ENGINE_ROOTFS_H
#define RUNNER_ENGINE_ROOTFS_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct container;
struct err;

/**
 * struct rootfs - a root file system ready to be entered
 * @fd:		the mount's top folder: a detached mount, or a folder (then @path)
 * @detached:	@fd is a mount that is attached nowhere
 * @path:	absolute path when not detached, else ""
 * @rung:	"native overlay", "fuse-overlay" or "copy"
 * @foreign:	by a mount program that is not of this suite
 * @helper:	fuse-overlay's process, 0 when there is none
 * @exit_fd:	closing it makes the helper leave, or -1
 * @prepared:	the writable folders are new, and nothing is in them
 * @since:	st_ctim of the writable folder with a detached mount of it
 */
struct rootfs {
	int fd;
	int detached;
	char path[4096];
	const char *rung;
	bool foreign;
	pid_t helper;
	int exit_fd;
	bool prepared;
	struct timespec since;
};

/**
 * rootfs_init() - nothing to release yet
 */
void rootfs_init(struct rootfs *r);

/**
 * rootfs_prepare() - what can be done for a new container before ids exist
 *
 * What it cannot do rootfs_mount() will, or complain.
 */
void rootfs_prepare(const struct container *c, struct rootfs *r);

/**
 * rootfs_mount() - put the container's layers and its writable folder together
 * @ret:	rootfs_init() was called, and maybe rootfs_prepare()
 *
 * Called by the monitor inside the user namespace. The writable folder lives
 * in the container's folder; it is kept from one start to the next.
 * Return: 0, -errno
 */
int rootfs_mount(struct container *c, struct rootfs *ret, struct err *e);

/**
 * rootfs_release() - let go of the mount; the helper leaves
 */
void rootfs_release(struct rootfs *r);

#endif
