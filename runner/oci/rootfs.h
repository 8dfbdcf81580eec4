/* SPDX-License-Identifier: Apache-2.0
 *
 * rootfs - attach the container's root and make it the root
 */
#ifndef RUNNER_OCI_ROOTFS_H
#define RUNNER_OCI_ROOTFS_H

struct err;
struct init;

/** rootfs_isolate() - stop our mounts from reaching the host */
int rootfs_isolate(struct init *i, struct err *e);

/** rootfs_attach() - put the root in place; i->root becomes its descriptor */
int rootfs_attach(struct init *i, struct err *e);

/** rootfs_make_cwd() - the program's working folder, made when absent */
int rootfs_make_cwd(struct init *i, struct err *e);

/** rootfs_switch() - pivot_root, or move and chroot */
int rootfs_switch(struct init *i, struct err *e);

/** rootfs_finish() - propagation and read-only root */
int rootfs_finish(struct init *i, struct err *e);

#endif
