/* SPDX-License-Identifier: Apache-2.0
 *
 * proc - processes that cannot be mistaken for another
 */
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

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
#define STATUS_MAX (1 << 20) /* it names every group that we are in */
#define TRACER "\nTracerPid:"
#define SPAWN_STACK ((size_t)128 * 1024)

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

bool proc_is_traced(void)
{
	auto_free char *text = NULL;
	const char *line;

	if (io_read_file_at(AT_FDCWD, "/proc/self/status", STATUS_MAX, &text, /* ret_len */ NULL) < 0)
		return false;
	line = strstr(text, TRACER);
	if (!line)
		return false;
	line += strlen(TRACER);
	line += strspn(line, " \t");
	return *line >= '1' && *line <= '9';
}

void proc_take_children(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
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

static int keep_caps(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &hdr, d) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		d[i].inheritable = d[i].permitted;
	if (syscall(SYS_capset, &hdr, d) < 0)
		return -errno;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (d[CAP_TO_INDEX(cap)].permitted & CAP_TO_MASK(cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	return 0;
}

static int exec_child(const struct proc_spawn *how, pid_t parent)
{
	int keep[64];
	size_t n = how->n_keep;

	if (n > sizeof(keep) / sizeof(*keep))
		return -E2BIG;
	reset_signals();
	if (how->death_sig) {
		if (prctl(PR_SET_PDEATHSIG, how->death_sig) < 0)
			return -errno;
		/* the parent may have died before that took effect */
		if (getppid() != parent)
			return -ESRCH;
	}

	int r = how->keep_caps ? keep_caps() : 0;
	if (r == 0)
		r = place_stdio(how->stdio);
	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		keep[i] = how->keep[i];
		r = fd_set_cloexec(keep[i], 0);
		if (r)
			return r;
	}
	r = fd_close_from(3, keep, n);
	if (r)
		return r;
	execve(how->argv[0], how->argv, how->env ? how->env : environ);
	return -errno;
}

char *proc_stack_new(size_t size)
{
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	return stack == MAP_FAILED ? NULL : stack;
}

void proc_stack_free(char *stack, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	/* Frames that were never left are marked as out of bounds, and the next
	 * mapping at this place would be. */
	ASAN_UNPOISON_MEMORY_REGION(stack, size);
#endif
	(void)munmap(stack, size);
}

/**
 * struct spawn - what the child is told, and says
 * @how:	by the caller
 * @parent:	our pid
 * @r:		why there was no exec
 */
struct spawn {
	const struct proc_spawn *how;
	pid_t parent;
	int r;
};

static int spawn_child(void *arg)
{
	struct spawn *s = arg;

	s->r = exec_child(s->how, s->parent);
	_exit(127);
}

/* A fork would copy page tables, and every page that either side then writes:
 * CLONE_VFORK lets us sleep until the child has executed, so that it may use
 * our memory meanwhile, all but the stack. */
pid_t proc_spawn(const struct proc_spawn *how)
{
	struct spawn s = { .how = how, .parent = getpid() };
	char *stack = proc_stack_new(SPAWN_STACK);
	sigset_t all, old;
	pid_t pid;
	int code;

	if (!stack)
		return -errno;
	/* A handler of ours must not run in the child, in our memory. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = clone(spawn_child, stack + SPAWN_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
	code = errno;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	proc_stack_free(stack, SPAWN_STACK);
	if (pid < 0)
		return -code;
	if (s.r < 0) {
		(void)proc_wait(pid);
		return s.r;
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
