/* SPDX-License-Identifier: Apache-2.0
 *
 * moved - somebody in the container gets a root or mount namespace of its own
 *
 * From then on the agent has to stand in the root of each caller to
 * understand its paths (tracee_enter()). Before, it is spared that.
 */
#include <sys/syscall.h>

#include "uidmap/agent/agent.h"

static int64_t note(struct job *j)
{
	atomic_store_explicit(&j->agent->moved, true, memory_order_release);
	return JOB_CONTINUE;
}

static const struct handler rows[] = {
	{ SYS_chroot, "chroot", note },	  { SYS_pivot_root, "pivot_root", note },
	{ SYS_setns, "setns", note },	  { SYS_unshare, "unshare", note },
	{ SYS_clone, "clone", note },
};

const struct handlers moved_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
