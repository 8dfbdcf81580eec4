/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup - a container's own group of processes, and its limits
 */
#ifndef RUNNER_OCI_CGROUP_H
#define RUNNER_OCI_CGROUP_H

#include "runner/oci/oci.h"

struct err;
struct plan;

/**
 * struct cgroup_ops - a manager of groups
 * @name:    as oci_cgroup_rung() tells it
 * @prepare: (before the clone) make or find the group; fills plan->c and
 *	     plan->cgroup_fd; -EOPNOTSUPP when this rung does not exist here
 * @attach:  (after the clone) move the process in, where the clone could not
 */
struct cgroup_ops {
	const char *name;
	int (*prepare)(struct plan *p, struct err *e);
	int (*attach)(struct plan *p, pid_t pid, struct err *e);
};

extern const struct cgroup_ops cgroup_fs, cgroup_systemd, cgroup_none;

/** cgroup_limit() - all limits of the spec; what cannot be is warned of, or fails */
int cgroup_limit(struct plan *p, int dir, struct err *e);

/**
 * cgroup_prepare() - choose a rung and make the group with its limits
 * @ret: what attaches the process later
 */
int cgroup_prepare(struct plan *p, const struct cgroup_ops **ret, struct err *e);

/** cgroup_attach() - after the clone: the process into the group of that rung */
int cgroup_attach(struct plan *p, const struct cgroup_ops *cg, struct err *e);

/**
 * cgroup_systemd_enter() - let systemd move a process of ours into a scope
 * @cgroup: the scope's folder, or one below it
 *
 * For callers in a group from which the kernel lets only root move: a login's.
 * Return: 0, -EOPNOTSUPP when that is no scope, -errno
 */
int cgroup_systemd_enter(const char *cgroup, pid_t pid, struct err *e);

/**
 * cgroup_systemd_update() - tell systemd of a scope's new limits
 * @cgroup: the scope's folder; any other is none of systemd's business
 *
 * So that it does not set them back. Nothing fails here: the group's files are
 * written by the caller, and say what counts.
 */
void cgroup_systemd_update(const char *cgroup, const struct spec_resources *res);

/** cgroup_pids() - the spec's number of processes as one that lets a container be made */
int64_t cgroup_pids(int64_t limit);

/** cgroup_weight() - the spec's CPU shares as cgroup2's weight, 1 to 10000 */
int64_t cgroup_weight(int64_t shares);

/** cgroup2_mount() - where cgroup2 is mounted, or NULL */
const char *cgroup2_mount(void);

/** cgroup_own() - folder of a process's group below that mount, absolute */
int cgroup_own(pid_t pid, char *ret, size_t size, struct err *e);

/**
 * cgroup_apply() - write limits into a group's files
 * @dir: the group
 * @ret_hard: the failure is of what was asked for by file name; may be NULL
 *
 * Return: 0, or -errno of the first that could not be set, named in @e.
 * All others are still tried.
 */
int cgroup_apply(int dir, const struct spec_resources *r, bool *ret_hard, struct err *e);

/**
 * cgroup_devices_apply() - attach the device rules as eBPF (cgroup_dev.c)
 *
 * Return: 0, -EPERM or -ENOSYS where programs cannot be loaded, -errno
 */
int cgroup_devices_apply(int dir, const struct spec_resources *r, struct err *e);

/**
 * cgroup_devices_lost() - is a container freer without its device rules?
 * @r:	       the rules
 * @nodes:     devices that the spec gives it
 * @can_mknod: its processes could make nodes
 *
 * Without mknod a rule that denies everything denies nothing but @nodes that
 * no later rule allows; one that names a device may mean a bind mount.
 */
bool cgroup_devices_lost(const struct spec_resources *r, const struct spec_device *nodes,
			 size_t n_nodes, bool can_mknod);

#endif
