/* SPDX-License-Identifier: Apache-2.0
 *
 * middle - make a child, from inside other namespaces where needed
 */
#ifndef RUNNER_OCI_MIDDLE_H
#define RUNNER_OCI_MIDDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/oci/spec.h"

struct err;

enum { MIDDLE_JOINS_MAX = 8 };

/**
 * struct middle - how the child is made
 * @clone:	  CLONE_NEW* of the child
 * @cgroup_fd:	  its cgroup, or -1
 * @child:	  runs in the child, never returns
 * @arg, @sync:	  handed to it
 * @close_fd:	  closed in the child first (our end of the pair)
 * @join, @join_flags, @n_join: descriptors and flags for setns, in order
 * @n_must:	  the first so many have to succeed
 * @share_memory: the intermediate process borrows our memory (fast); not
 *		  possible where a time namespace is joined
 * @oom:	  text for its oom_score_adj, or NULL
 * @cpus:	  where it may run before it is in the cgroup; n = 0: as we
 * @undumpable:	  hide the child from the processes it joins
 */
struct middle {
	uint64_t clone;
	int cgroup_fd;
	void (*child)(void *arg, int sync);
	void *arg;
	int sync, close_fd;
	int join[MIDDLE_JOINS_MAX], join_flags[MIDDLE_JOINS_MAX];
	size_t n_join, n_must;
	bool share_memory;
	const char *oom;
	struct spec_bits cpus;
	bool undumpable;
};

/** middle_direct() - clone3 in our own namespaces */
int middle_direct(const struct middle *m, pid_t *ret_pid, int *ret_pidfd, struct err *e);

/** middle_spawn() - through an intermediate process; the child is ours */
int middle_spawn(const struct middle *m, pid_t *ret_pid, int *ret_pidfd, struct err *e);

#endif
