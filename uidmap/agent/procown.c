/* SPDX-License-Identifier: Apache-2.0
 *
 * procown - files of /proc/PID belong to who the process is said to be
 */
#include "uidmap/agent/procown.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/num.h"
#include "common/str.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* #syscalls openat newfstatat readlink readlinkat close geteuid */

/* Linux 6.11 */
#ifndef NS_GET_PID_FROM_PIDNS
#define NS_GET_PID_FROM_PIDNS _IOR(0xb7, 0x6, int)
#endif

int procown_parse(const char *path, pid_t *ret_pid, const char **ret_rest)
{
	static const char *const links[] = { "/exe", "/cwd", "/root" };
	const char *at = str_after(path, "/proc/"), *rest;
	char word[16];
	uint32_t pid = 0;

	if (!at)
		return -ENOENT;
	rest = at + strcspn(at, "/");
	if (str_format(word, sizeof(word), "%.*s", (int)(rest - at), at) < 0)
		return -ENOENT;
	if (!str_eq(word, "self") && (num_u32(word, &pid) < 0 || pid == 0 || pid > INT32_MAX))
		return -ENOENT;
	if (rest[0] && rest[1] && strchr(rest + 1, '/'))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (str_eq(rest, links[i]))
			return -ENOENT;
	*ret_pid = (pid_t)pid;
	*ret_rest = rest;
	return 0;
}

/* The number by which our /proc knows a process of the container. */
static int outside(struct job *j, pid_t inside, pid_t *ret)
{
	char name[32];
	int pid;

	(void)str_format(name, sizeof(name), "%d/ns/pid", j->tid);
	auto_close int fd = openat(j->agent->procfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	pid = ioctl(fd, NS_GET_PID_FROM_PIDNS, inside);
	if (pid <= 0)
		return pid < 0 ? -errno : -ESRCH;
	*ret = pid;
	return 0;
}

int procown_find(struct job *j, const char *path, struct override *ret, const char **ret_loc)
{
	const struct record *who;
	const char *rest;
	struct stat st;
	uint64_t own;
	pid_t pid;
	int r = procown_parse(path, &pid, &rest);

	if (r < 0)
		return r;
	if (pid) {
		pid_t their;

		r = outside(j, pid, &their);
		if (r < 0)
			return r;
		who = who_is_pid(j, their);
	} else {
		r = tracee_status(j->agent, j->tid, "NStgid:", 10, &own);
		if (r < 0)
			return r;
		who = who_is(j);
		pid = (pid_t)own;
	}
	char name[NAME_MAX + 1];
	if (str_format(name, sizeof(name), "%s", rest) < 0)
		return -ENOENT;
	(void)str_format(j->loc, sizeof(j->loc), "/proc/%d%s", pid, name);
	/* a process of somebody whom the container does not know stays that */
	if (lstat(j->loc, &st) < 0 || st.st_uid != geteuid() || S_ISLNK(st.st_mode))
		return -ENOENT;
	*ret = (struct override){ .uid = who->id.uid.e, .gid = who->id.gid.e,
				  .mode = st.st_mode & 07777U };
	*ret_loc = j->loc;
	return 0;
}

int procown_find_at(struct job *j, const char *loc, bool follow, struct override *ret,
		    const char **ret_loc)
{
	char path[PATH_MAX], self[32];
	ssize_t n;

	auto_close int fd = open(loc, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return -errno;
	(void)str_format(self, sizeof(self), "self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return procown_find(j, path, ret, ret_loc);
}
