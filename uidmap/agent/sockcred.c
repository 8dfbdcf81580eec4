/* SPDX-License-Identifier: Apache-2.0
 *
 * sockcred - answers to getsockopt(SO_PEERCRED)
 *
 * The kernel knows the process at the other end; its record says who it is
 * now. Where that process has gone, it was what the kernel says, 0:0.
 */
#include <errno.h>
#include <linux/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* #syscalls pidfd_open pidfd_getfd getsockopt geteuid close */

/* A descriptor of the target, as ours. */
static int copy_fd(struct job *j, int number)
{
	uint64_t tgid;
	int r = tracee_status(j->agent, j->tid, "Tgid:", 10, &tgid);

	if (r < 0)
		return r;
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)tgid, 0);
	if (pidfd < 0)
		return -errno;
	if (!tracee_is_valid(j))
		return -ESRCH;
	r = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return r < 0 ? -errno : r;
}

static int64_t do_getsockopt(struct job *j)
{
	struct ucred c;
	socklen_t len = sizeof(c), room;
	const struct idstate *peer;
	uint64_t pid;

	if ((int)j->arg[1] != SOL_SOCKET || (int)j->arg[2] != SO_PEERCRED)
		return JOB_CONTINUE;
	auto_close int fd = copy_fd(j, (int)j->arg[0]);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0 || c.pid <= 0)
		return JOB_CONTINUE;
	/* somebody outside of the container, or gone */
	if (c.uid != geteuid() || tracee_status(j->agent, c.pid, "NSpid:", 10, &pid) < 0)
		return JOB_CONTINUE;
	peer = &who_is_pid(j, c.pid)->id;
	c = (struct ucred){ (pid_t)pid, peer->uid.e, peer->gid.e };
	if (tracee_read(j, j->arg[4], &room, sizeof(room)) < 0)
		return -EFAULT;
	if ((int)room < 0)
		return -EINVAL;
	if (room > sizeof(c))
		room = sizeof(c);
	if (tracee_write(j, j->arg[3], &c, room) < 0)
		return -EFAULT;
	return tracee_write(j, j->arg[4], &room, sizeof(room));
}

static const struct handler rows[] = {
	{ SYS_getsockopt, "getsockopt", do_getsockopt },
};

const struct handlers sockcred_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
