/* SPDX-License-Identifier: Apache-2.0
 *
 * caps - answers to capget(2), capset(2) and what prctl(2) does to capabilities
 *
 * What is given up is also given up for real, by letting the kernel do the
 * call too: the kernel's sets always contain the recorded ones.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "uidmap/agent/agent.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* How many 32-bit words each set has; 0 for a version that nobody knows. */
static unsigned int words_of(uint32_t version)
{
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return 1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return 2;
	default:
		return 0;
	}
}

/* Is the pid of a capget or capset the caller's own? */
static bool is_self(const struct job *j, int pid)
{
	uint64_t inside;

	return pid == 0 ||
	       (tracee_status(j->agent, j->tid, "NSpid:", 10, &inside) == 0 && (int)inside == pid);
}

static int64_t do_capget(struct job *j)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = { 0 };
	const struct idcaps *c = &who_is(j)->id.cap;
	unsigned int words;

	if (tracee_read(j, j->arg[0], &h, sizeof(h)) < 0)
		return -EFAULT;
	words = words_of(h.version);
	/* a version to be asked for, or another process: the kernel knows */
	if (words == 0 || j->arg[1] == 0 || !is_self(j, h.pid))
		return JOB_CONTINUE;
	for (unsigned int i = 0; i < words; i++) {
		d[i].permitted = (uint32_t)(c->p >> (32 * i));
		d[i].effective = (uint32_t)(c->e >> (32 * i));
		d[i].inheritable = (uint32_t)(c->i >> (32 * i));
	}
	return tracee_write(j, j->arg[1], d, words * sizeof(d[0]));
}

static int64_t do_capset(struct job *j)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = { 0 };
	const struct record *before = who_is(j);
	struct idstate now = before->id;
	unsigned int words;
	int r;

	if (tracee_read(j, j->arg[0], &h, sizeof(h)) < 0)
		return -EFAULT;
	words = words_of(h.version);
	if (words == 0)
		return JOB_CONTINUE;
	if (!is_self(j, h.pid))
		return -EPERM;
	if (tracee_read(j, j->arg[1], d, words * sizeof(d[0])) < 0)
		return -EFAULT;
	r = idstate_capset(&now, (uint64_t)d[1].permitted << 32 | d[0].permitted,
			   (uint64_t)d[1].effective << 32 | d[0].effective,
			   (uint64_t)d[1].inheritable << 32 | d[0].inheritable);
	if (r == 0 && !idstate_equal(&now, &before->id))
		r = who_become(j, &now, before->fresh, NULL);
	return r < 0 ? r : JOB_CONTINUE;
}

static int64_t do_prctl(struct job *j)
{
	const struct record *before = who_is(j);
	struct idstate now = before->id;
	int64_t answer = idstate_prctl(&now, (int)j->arg[0], &j->arg[1]);
	int r;

	if (answer < 0 || idstate_equal(&now, &before->id))
		return answer;
	r = who_become(j, &now, before->fresh, NULL);
	if (r < 0)
		return r;
	return (int)j->arg[0] == PR_CAPBSET_DROP ? JOB_CONTINUE : answer;
}

static const struct handler rows[] = {
	{ SYS_capget, "capget", do_capget },
	{ SYS_capset, "capset", do_capset },
	{ SYS_prctl, "prctl", do_prctl },
};

const struct handlers caps_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
