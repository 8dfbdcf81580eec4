/* SPDX-License-Identifier: Apache-2.0
 *
 * proc - processes that cannot be mistaken for another
 */
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/local/libexec/runner"
#endif

#define STAT_MAX 4096
#define STAT_START_TIME 22

/* The fields behind the command name, which may itself hold ") ". */
static int stat_fields(pid_t pid, char **ret_text, char **ret_rest)
{
	char path[64];
	auto_free char *text = NULL;

	(void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int r = io_read_file_at(AT_FDCWD, path, STAT_MAX, &text, /* ret_len */ NULL);
	if (r)
		return r == -ENOENT ? -ESRCH : r;

	char *close_paren = strrchr(text, ')');
	if (!close_paren || close_paren[1] != ' ')
		return -EPROTO;
	*ret_rest = close_paren + 2;
	*ret_text = take_ptr(text);
	return 0;
}

static int start_and_state(pid_t pid, uint64_t *ret_start, char *ret_state)
{
	auto_free char *text = NULL;
	char *at;
	int r = stat_fields(pid, &text, &at);

	if (r)
		return r;

	char state = *at; /* field 3 */
	for (int field = 3; field < STAT_START_TIME; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EPROTO;
		at++;
	}
	*strchrnul(at, ' ') = '\0';

	uint64_t start;
	r = num_u64(at, &start);
	if (r)
		return r;
	*ret_start = start;
	*ret_state = state;
	return 0;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	char state;

	return start_and_state(pid, ret, &state);
}

int proc_pidfd_open(pid_t pid, uint64_t start)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	if (start) {
		uint64_t now;
		int r = proc_start_time(pid, &now);

		if (r)
			return r;
		if (now != start)
			return -ESRCH;
	}
	return take_fd(&fd);
}

bool proc_is_alive(pid_t pid, uint64_t start)
{
	uint64_t now;
	char state;

	if (pid <= 0 || start_and_state(pid, &now, &state))
		return false;
	return (!start || now == start) && state != 'Z' && state != 'X';
}

int proc_pidfd_kill(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int proc_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the wanted descriptors at 0, 1, 2. Sources are moved out of the way
 * first: one of them may be another's destination. */
static int place_stdio(const int stdio[3])
{
	int from[3];

	for (int i = 0; i < 3; i++) {
		int fd = stdio[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : stdio[i];

		from[i] = fd < 0 ? -errno : fd_dup(fd);
		if (from[i] < 0)
			return from[i];
	}
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return -errno;
	return 0;
}

static int exec_child(const struct proc_spawn *how, pid_t parent, int report)
{
	int keep[64];
	size_t n = how->n_keep;

	if (n + 1 > sizeof(keep) / sizeof(*keep))
		return -E2BIG;
	reset_signals();
	if (how->death_sig) {
		if (prctl(PR_SET_PDEATHSIG, how->death_sig) < 0)
			return -errno;
		/* the parent may have died before that took effect */
		if (getppid() != parent)
			return -ESRCH;
	}

	int r = place_stdio(how->stdio);
	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		keep[i] = how->keep[i];
		r = fd_set_cloexec(keep[i], 0);
		if (r)
			return r;
	}
	keep[n] = report;
	r = fd_close_from(3, keep, n + 1);
	if (r)
		return r;
	execve(how->argv[0], how->argv, how->env ? how->env : environ);
	return -errno;
}

pid_t proc_spawn(const struct proc_spawn *how)
{
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -errno;
	auto_close int in = pipefd[0];
	auto_close int out = pipefd[1];

	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		/* stdio below 3 must not swallow the report pipe */
		int report = fd_dup(out);
		int r = report < 0 ? report : exec_child(how, parent, report);

		(void)io_write_all(report < 0 ? out : report, &r, sizeof(r));
		_exit(127);
	}

	int failure;
	(void)close(take_fd(&out));
	ssize_t n = io_read_all(in, &failure, sizeof(failure));
	if (n == sizeof(failure)) {
		(void)proc_wait(pid);
		return failure < 0 ? failure : -EIO;
	}
	return pid;
}

int proc_self_dir(char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';

	char *slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	int r = str_format(buf, size, "%s", *path ? path : "/");
	return r < 0 ? r : 0;
}

static int try_program(const char *dir, size_t len, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];

	if (str_format(path, sizeof(path), "%.*s/%s", (int)len, dir, name) < 0 ||
	    access(path, X_OK) < 0)
		return -ENOENT;
	int r = str_format(buf, size, "%s", path);
	return r < 0 ? r : 0;
}

int proc_find_program(const char *name, char *buf, size_t size)
{
	char self[PATH_MAX];

	if (!proc_self_dir(self, sizeof(self)) &&
	    !try_program(self, strlen(self), name, buf, size))
		return 0;
	if (!try_program(LIBEXECDIR, strlen(LIBEXECDIR), name, buf, size))
		return 0;

	const char *path = getenv("PATH");
	while (path && *path) {
		const char *end = strchrnul(path, ':');

		if (end > path && !try_program(path, (size_t)(end - path), name, buf, size))
			return 0;
		path = *end ? end + 1 : end;
	}
	return -ENOENT;
}
