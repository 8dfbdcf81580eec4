/* SPDX-License-Identifier: Apache-2.0
 *
 * guard - a process that does nothing until its maker is gone
 *
 * The kernel's PR_SET_PDEATHSIG would do, but it is forgotten when the
 * container's first process changes its ids, as many do. So a child of the
 * monitor sleeps in read(2) on a pipe whose other end only the monitor has.
 * End of file means: the monitor is dead; SIGKILL to the first process of the
 * pid namespace takes the whole container down, and with it its mounts and
 * its network. It is single-minded: every other descriptor is closed, every
 * signal blocked.
 */
#include "runner/engine/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/proc.h"

static void sleep_and_kill(int pidfd, int life)
{
	int keep[] = { pidfd, life };
	sigset_t all;
	char c;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "runner-guard");
	(void)fd_close_from(0, keep, 2);
	/* A byte means that the container has ended and all is well. */
	if (read(life, &c, 1) == 0)
		(void)proc_pidfd_kill(pidfd, SIGKILL);
	_exit(0);
}

int guard_start(struct guard *g, int pidfd, struct err *e)
{
	int life[2];
	pid_t pid;

	*g = (struct guard){ .life = -1 };
	if (pipe2(life, O_CLOEXEC) < 0)
		return err_set(e, -errno, "guard: pipe");
	pid = fork();
	if (pid < 0) {
		close(life[0]);
		close(life[1]);
		return err_set(e, -EAGAIN, "guard: fork");
	}
	if (pid == 0) {
		close(life[1]);
		sleep_and_kill(pidfd, life[0]);
	}
	close(life[0]);
	*g = (struct guard){ .pid = pid, .life = life[1] };
	return 0;
}

void guard_stop(struct guard *g)
{
	if (g->life >= 0) {
		(void)!write(g->life, "1", 1);
		close(g->life);
	}
	if (g->pid > 0)
		(void)proc_wait(g->pid);
	*g = (struct guard){ .life = -1 };
}
