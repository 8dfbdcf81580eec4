/* SPDX-License-Identifier: Apache-2.0
 *
 * mount - the mounts of a container, made by its first process
 */
#ifndef RUNNER_OCI_MOUNT_H
#define RUNNER_OCI_MOUNT_H

#include <stdbool.h>

struct err;
struct init;

/**
 * mount_target() - the place in the container where something is to be mounted
 * @path:   absolute path in the container; made when absent
 * @is_dir: a folder, else a file
 * @real:   may not be a symbolic link at its end
 *
 * Return: O_PATH descriptor, or -errno. Links are resolved inside the root.
 */
int mount_target(const struct init *i, const char *path, bool is_dir, bool real, struct err *e);

/** mount_open_sources() - clone the trees that will be bound, in the old root */
int mount_open_sources(struct init *i, struct err *e);

/** mount_make_all() - the mounts of the spec, in order */
int mount_make_all(struct init *i, struct err *e);

/** mount_late() - /dev becomes read-only where asked for */
int mount_late(struct init *i, struct err *e);

/** mount_mask_all() - masked and read-only paths */
int mount_mask_all(struct init *i, struct err *e);

/** mount_setattr_fd() - flags of the mount an O_PATH descriptor is in */
int mount_setattr_fd(int fd, bool recursive, unsigned long long set, unsigned long long clr,
		     unsigned long prop, struct err *e);

#endif
