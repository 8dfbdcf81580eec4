/* SPDX-License-Identifier: Apache-2.0
 *
 * device - nodes and links below the container's /dev
 */
#ifndef RUNNER_OCI_DEVICE_H
#define RUNNER_OCI_DEVICE_H

struct err;
struct init;
struct plan;

/** device_add_defaults() - null zero full random urandom tty, unless listed */
void device_add_defaults(struct plan *p);

/** device_check() - are the entries of linux.devices well formed? */
int device_check(const struct plan *p, struct err *e);

/**
 * device_make_ahead() - (parent) nodes for a container that cannot make any
 *
 * Only the host's root can; of everybody else's containers the nodes of the
 * host are bound, with the owners they have there.
 */
int device_make_ahead(struct plan *p, struct err *e);

/** device_open_sources() - (child, old root) open what will be bound */
int device_open_sources(struct init *i, struct err *e);

/** device_make_all() - (child) make or bind the nodes, and the usual links */
int device_make_all(struct init *i, struct err *e);

#endif
