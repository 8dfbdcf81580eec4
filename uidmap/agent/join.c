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
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"

#define BIT(n) (UINT64_C(1) << (n))
/* to look at processes and files as their root could; to stand in a root; to bind devices */
#define CAPS_KEPT                                                                           \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |            \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP) | BIT(CAP_SYS_CHROOT) |        \
	 BIT(CAP_SYS_ADMIN))

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

static int drop_capabilities(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(CAPS_KEPT >> (32 * i));
		d[i].effective = d[i].permitted;
		d[i].inheritable = 0;
	}
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

static int enter(struct agent *a, pid_t pid, int user_ns, struct err *e)
{
	char root[32];
	int flags = CLONE_NEWNS | (user_ns ? 0 : CLONE_NEWUSER);

	(void)str_format(root, sizeof(root), "%d/root", pid);
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return err_set(e, -errno, "process %d", pid);
	if (setns(pidfd, flags) < 0)
		return err_set(e, -errno, "enter the namespaces of process %d", pid);
	auto_close int fd = openat(a->procfd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchdir(fd) < 0 || chroot(".") < 0 || fchdir(a->procfd) < 0)
		return err_set(e, -errno, "enter the root of process %d", pid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(e, -errno, "prctl");
	if (drop_capabilities() < 0)
		return err_set(e, -errno, "drop capabilities");
	a->rootfd = take_fd(&fd);
	return 0;
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
