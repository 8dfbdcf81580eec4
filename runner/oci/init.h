/* SPDX-License-Identifier: Apache-2.0
 *
 * init - what the container's first process does before its program runs
 */
#ifndef RUNNER_OCI_INIT_H
#define RUNNER_OCI_INIT_H

#include <sys/types.h>

struct err;
struct plan;
struct plan_process;

/**
 * struct init - the child's own state
 * @p:		the plan
 * @sync:	socket to the parent
 * @root:	O_PATH descriptor of the container's root
 * @proc:	a procfs that nobody else can have tampered with
 * @null:	opened tree of the host's /dev/null
 * @empty:	detached empty read-only tmpfs, -1 until the first use
 * @master:	pty master to be sent, or -1
 */
struct init {
	struct plan *p;
	int sync, root, proc, null, empty, master;
};

/** init_run() - the child of a creation; never returns */
_Noreturn void init_run(struct plan *p, int sync);

/**
 * init_step - one named step of a list; the name prefixes its error
 */
struct init_step {
	const char *name;
	int (*fn)(struct init *i, struct err *e);
};

#endif
