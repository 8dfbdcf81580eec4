/* SPDX-License-Identifier: Apache-2.0
 *
 * rlimit - RLIMIT_RTTIME is the agent's (who.h): programs see it unlimited
 *
 * Otherwise one that lowers it, as those do that set all limits, would lose
 * its record, or take another's.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "uidmap/agent/agent.h"
#include "uidmap/agent/tracee.h"

static const struct rlimit64 unlimited = { RLIM64_INFINITY, RLIM64_INFINITY };

static int64_t set(struct job *j, uint64_t addr)
{
	struct rlimit64 l;

	if (tracee_read(j, addr, &l, sizeof(l)) < 0)
		return -EFAULT;
	if (l.rlim_cur > l.rlim_max)
		return -EINVAL;
	return l.rlim_cur == RLIM64_INFINITY ? 0 : -EPERM;
}

static int64_t get(struct job *j, uint64_t addr)
{
	return tracee_write(j, addr, &unlimited, sizeof(unlimited));
}

static int64_t do_setrlimit(struct job *j)
{
	return set(j, j->arg[1]);
}

static int64_t do_getrlimit(struct job *j)
{
	return get(j, j->arg[1]);
}

static int64_t do_prlimit(struct job *j)
{
	int64_t r = 0;

	/* to ask for another process's tells nothing; there may be none of that number */
	if (j->arg[0] && !j->arg[2])
		return JOB_CONTINUE;
	if (j->arg[2])
		r = set(j, j->arg[2]);
	return r == 0 && j->arg[3] ? get(j, j->arg[3]) : r;
}

static const struct handler rows[] = {
	{ SYS_setrlimit, "setrlimit", do_setrlimit },
	{ SYS_getrlimit, "getrlimit", do_getrlimit },
	{ SYS_prlimit64, "prlimit64", do_prlimit },
};

const struct handlers rlimit_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
