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
 * @name:    as options spell it
 * @prepare: (before the clone) make or find the group; fills plan->c and
 *	     plan->cgroup_fd; -EOPNOTSUPP when this rung does not exist here
 * @attach:  (after the clone) move the process in, where the clone could not
 * @remove:  undo
 */
struct cgroup_ops {
	const char *name;
	int (*prepare)(struct plan *p, struct err *e);
	int (*attach)(struct plan *p, pid_t pid, struct err *e);
};

extern const struct cgroup_ops cgroup_fs, cgroup_systemd, cgroup_none;

/**
 * cgroup_prepare() - choose a rung and make the group with its limits
 * @ret: what attaches the process later
 */
int cgroup_prepare(struct plan *p, const struct cgroup_ops **ret, struct err *e);

/** cgroup_own_path() - our group's folder below the cgroup2 mount, with "0::" */
int cgroup_own_path(pid_t pid, char *ret, size_t size, struct err *e);

/** cgroup2_mount() - where cgroup2 is mounted: unified hosts only, else NULL */
const char *cgroup2_mount(void);

#endif
