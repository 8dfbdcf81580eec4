/* SPDX-License-Identifier: Apache-2.0
 *
 * join - stand where the container stands
 *
 * In the container's namespaces, a path that a hostile program exchanges under
 * our hands leads to what that program could have reached itself. The memory of
 * the agent stays out of its reach: it was executed outside, so whoever wants
 * to trace it needs a capability there (it is not dumpable).
 */
#include "uidmap/agent/join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "uidmap/agent/confine.h"
#include "uidmap/agent/tracee.h"

/* #syscalls newfstatat */

/* Return: 1 for the same namespace, 0, -errno */
static int same_ns(const struct agent *a, pid_t pid, const char *ns)
{
	char theirs[40], ours[40];
	struct stat s, o;

	(void)str_format(theirs, sizeof(theirs), "%d/ns/%s", pid, ns);
	(void)str_format(ours, sizeof(ours), "self/ns/%s", ns);
	if (fstatat(a->procfd, theirs, &s, 0) < 0 || fstatat(a->procfd, ours, &o, 0) < 0)
		return -errno;
	return s.st_ino == o.st_ino && s.st_dev == o.st_dev;
}

static int enter(struct agent *a, pid_t pid, int user_ns, struct err *e)
{
	char root[32];
	int flags = CLONE_NEWNS | (user_ns ? 0 : CLONE_NEWUSER);
	uint64_t bounding;
	int r = tracee_status(a, pid, "CapBnd:", 16, &bounding);

	if (r < 0)
		return err_set(e, r, "status of process %d", pid);

	(void)str_format(root, sizeof(root), "%d/root", pid);
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return err_set(e, -errno, "process %d", pid);
	if (setns(pidfd, flags) < 0)
		return err_set(e, -errno, "enter the namespaces of process %d", pid);
	auto_close int fd = openat(a->procfd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchdir(fd) < 0 || chroot(".") < 0 || fchdir(a->procfd) < 0)
		return err_set(e, -errno, "enter the root of process %d", pid);
	r = confine_enter(bounding, e);
	if (r == 0)
		a->rootfd = take_fd(&fd);
	return r;
}

int join_container(struct agent *a, pid_t pid, struct err *e)
{
	int user_ns = same_ns(a, pid, "user");

	if (user_ns < 0)
		return err_set(e, user_ns, "namespaces of process %d", pid);
	if (a->rootfd >= 0)
		return user_ns ? 0 :
				 err_msg(e, -EXDEV, "process %d: not of the container that is served",
					 pid);
	return enter(a, pid, user_ns, e);
}
