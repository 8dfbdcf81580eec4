/* SPDX-License-Identifier: Apache-2.0
 *
 * middle - make a child, from inside other namespaces where needed
 *
 * How it works: setns into a pid or user namespace is for good, and the former
 * counts only for children. So a short-lived process does it: vfork-like, on a
 * stack of its own, with our descriptor table (CLONE_FILES). It makes the child
 * with CLONE_PARENT: ours to reap, its pidfd in our table.
 */
#include "runner/oci/middle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/userns.h"
#include "runner/oci/raw.h"

enum { STACK_SIZE = 256 * 1024 };

/* Shared with the intermediate process in either way of memory. */
struct page {
	const struct middle *m;
	struct err err;
	pid_t pid; /* as our own pid namespace sees it */
	int pidfd;
};

static long clone_child(const struct middle *m, uint64_t flags, int exit_signal, int *pidfd)
{
	struct clone_args a = {
		.flags = m->clone | flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND |
			 (m->cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = (uint64_t)(unsigned int)exit_signal,
		.cgroup = m->cgroup_fd >= 0 ? (uint64_t)(unsigned int)m->cgroup_fd : 0,
	};

	return raw_clone3(&a, sizeof(a));
}

static _Noreturn void enter_child(const struct middle *m)
{
	if (m->close_fd >= 0)
		(void)close(m->close_fd);
	m->child(m->arg, m->sync);
	_exit(1);
}

static int clone_error(const struct middle *m, int code, struct err *e)
{
	const char *advice = m->clone & CLONE_NEWUSER ? userns_advice(-code) : NULL;

	if (advice)
		return err_msg(e, code, "user namespace: not permitted on this host: an admin can: %s",
			       advice);
	return err_set(e, code, "clone%s",
		       code == -ENOSPC ? " (too many namespaces: /proc/sys/user)" : "");
}

int middle_direct(const struct middle *m, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	int pidfd = -1;
	long pid = clone_child(m, 0, SIGCHLD, &pidfd);

	if (pid < 0)
		return clone_error(m, -errno, e);
	if (pid == 0)
		enter_child(m);
	*ret_pid = (pid_t)pid;
	*ret_pidfd = pidfd;
	return 0;
}

static int join_all(const struct middle *m, struct err *e)
{
	for (size_t i = 0; i < m->n_join; i++)
		if (setns(m->join[i], m->join_flags[i]) < 0 && i < m->n_must)
			return err_set(e, -errno, "join the namespaces");
	return 0;
}

#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize_address))
#endif
static int middle_main(void *arg)
{
	struct page *pg = arg;
	const struct middle *m = pg->m;

	/* inherited by the child; not to be set any more once it is hidden */
	if (m->oom) {
		int r = io_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", m->oom);
		if (r < 0) {
			(void)err_set(&pg->err, r, "process.oomScoreAdj: %s", m->oom);
			_exit(1);
		}
	}
	if (m->cpus.n && syscall(SYS_sched_setaffinity, 0, m->cpus.n * sizeof(*m->cpus.v),
				 m->cpus.v) < 0) {
		(void)err_set(&pg->err, -errno, "process.execCPUAffinity.initial");
		_exit(1);
	}
	if (m->undumpable)
		(void)raw_prctl(PR_SET_DUMPABLE, 0, 0, 0);
	if (join_all(m, &pg->err) < 0)
		_exit(1);

	int pidfd = -1;
	long pid = clone_child(m, CLONE_PARENT, 0, &pidfd);
	if (pid < 0) {
		(void)err_set(&pg->err, -errno, "clone");
		_exit(1);
	}
	if (pid == 0)
		enter_child(m);
	pg->pidfd = pidfd;
	_exit(0);
}

/* "Pid:" of a pidfd's own information, in our pid namespace. */
static pid_t pidfd_pid(int pidfd)
{
	char path[64], *line;
	auto_free char *text = NULL;
	pid_t pid = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (io_read_file_at(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return -1;
	line = strstr(text, "\nPid:");
	return line && sscanf(line, "\nPid: %d", &pid) == 1 ? pid : -1;
}

int middle_spawn(const struct middle *m, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	struct page *pg = mmap(NULL, sizeof(*pg), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* private: the child runs on a copy of it while the maker still runs */
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (pg == MAP_FAILED || stack == MAP_FAILED)
		return err_set(e, -errno, "mmap");
	pg->m = m;
	pg->pidfd = -1;

	int dumpable = prctl(PR_GET_DUMPABLE);
	int flags = CLONE_VFORK | CLONE_FILES | SIGCHLD | (m->share_memory ? CLONE_VM : 0);
	pid_t mid = clone(middle_main, stack + STACK_SIZE, flags, pg);
	int r = mid < 0 ? err_set(e, -errno, "clone") : 0;

	if (mid > 0) {
		while (waitpid(mid, NULL, 0) < 0 && errno == EINTR)
			;
		/* with shared memory the flag was ours too */
		if (m->undumpable && m->share_memory && dumpable == 1)
			(void)raw_prctl(PR_SET_DUMPABLE, 1, 0, 0);
		r = pg->err.code;
		if (r < 0 && e)
			*e = pg->err;
		if (r == 0 && pg->pidfd < 0)
			r = err_msg(e, -ECHILD, "the intermediate process died");
	}
	if (r == 0) {
		*ret_pidfd = pg->pidfd;
		*ret_pid = pidfd_pid(pg->pidfd);
	}
	(void)munmap(stack, STACK_SIZE);
	(void)munmap(pg, sizeof(*pg));
	return r;
}
