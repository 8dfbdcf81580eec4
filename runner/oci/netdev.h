/* SPDX-License-Identifier: Apache-2.0
 *
 * netdev - network devices of the host that move into the container
 */
#ifndef RUNNER_OCI_NETDEV_H
#define RUNNER_OCI_NETDEV_H

#include <sys/types.h>

struct err;
struct spec;

/**
 * netdev_move_all() - linux.netDevices, each with its addresses, and up
 * @netns: network namespace of the container
 *
 * The caller's single thread is in that namespace for a moment. What has been
 * moved before a failure goes back by the end of the namespace, if the kernel
 * does that for its kind.
 */
int netdev_move_all(const struct spec *s, int netns, struct err *e);

#endif
