/* SPDX-License-Identifier: Apache-2.0
 *
 * moved - somebody in the container gets a root or mount namespace of its own
 *
 * From then on the agent has to stand in the root of each caller to
 * understand its paths (tracee_enter()). Before, it is spared that.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/str.h"
#include "uidmap/agent/agent.h"

/* #syscalls newfstatat */

#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif

static int64_t note(struct job *j)
{
	atomic_store_explicit(&j->agent->moved, true, memory_order_release);
	return JOB_CONTINUE;
}

/* clone3(2) does not show a filter its flags: who then mounts is noticed. */
static int64_t note_other(struct job *j)
{
	struct stat ours, theirs;
	char name[32];

	if (atomic_load_explicit(&j->agent->moved, memory_order_acquire))
		return JOB_CONTINUE;
	(void)str_format(name, sizeof(name), "%d/ns/mnt", j->tid);
	if (fstatat(j->agent->procfd, name, &theirs, 0) == 0 &&
	    fstatat(j->agent->procfd, "self/ns/mnt", &ours, 0) == 0 &&
	    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return JOB_CONTINUE;
	return note(j);
}

static const struct handler rows[] = {
	{ SYS_chroot, "chroot", note },	  { SYS_pivot_root, "pivot_root", note },
	{ SYS_setns, "setns", note },	  { SYS_unshare, "unshare", note },
	{ SYS_clone, "clone", note },	  { SYS_mount, "mount", note_other },
	{ SYS_umount2, "umount2", note_other }, { SYS_move_mount, "move_mount", note_other },
};

const struct handlers moved_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
