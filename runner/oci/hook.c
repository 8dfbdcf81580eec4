/* SPDX-License-Identifier: Apache-2.0
 *
 * hook - programs of the spec that run at points of a container's life
 *
 * How it works: fork and exec with the state file as stdin; the parent polls
 * the child's pidfd with the hook's time-out. A pipe that closes on exec tells
 * a hook that cannot be executed from one that fails.
 */
#include "runner/oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/oci/raw.h"

enum { HOOK_WORDS_MAX = 1024 };

static const char *const names[] = {
	[SPEC_HOOK_PRESTART] = "prestart",
	[SPEC_HOOK_CREATE_RUNTIME] = "createRuntime",
	[SPEC_HOOK_CREATE_CONTAINER] = "createContainer",
	[SPEC_HOOK_START_CONTAINER] = "startContainer",
	[SPEC_HOOK_POSTSTART] = "poststart",
	[SPEC_HOOK_POSTSTOP] = "poststop",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == SPEC_HOOK_MAX_, "a name for every kind");

/* argv or envp on the stack: the words are in the spec already. */
static int words(const struct spec_strv *l, const char *first, const char **out)
{
	size_t n = 0;

	if (l->n >= HOOK_WORDS_MAX)
		return -E2BIG;
	if (l->n == 0 && first)
		out[n++] = first;
	for (size_t i = 0; i < l->n; i++)
		out[n++] = l->v[i];
	out[n] = NULL;
	return 0;
}

static _Noreturn void child(const struct spec_hook *h, int state_fd, int report)
{
	const char *argv[HOOK_WORDS_MAX + 1], *envp[HOOK_WORDS_MAX + 1];
	sigset_t none;
	int code;

	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (state_fd >= 0) {
		/* an own open of the file: hooks share no read position */
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", state_fd);
		int in = open(path, O_RDONLY | O_CLOEXEC);
		if (in < 0) {
			(void)lseek(state_fd, 0, SEEK_SET);
			in = state_fd;
		}
		if (dup2(in, 0) < 0)
			goto fail;
	}
	(void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
	if (words(&h->args, h->path, argv) < 0 || words(&h->env, NULL, envp) < 0) {
		errno = E2BIG;
		goto fail;
	}
	/* no env at all means ours, as crun has it */
	(void)execve(h->path, (char *const *)(uintptr_t)argv,
		     h->env.n ? (char *const *)(uintptr_t)envp : environ);
fail:
	code = -errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static int wait_hook(int pidfd, pid_t pid, int timeout, struct err *e)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout > 0 ? timeout * 1000 : -1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		(void)raw_pidfd_send_signal(pidfd, SIGKILL);

	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, -errno, "wait");
	if (n == 0)
		return err_msg(e, -ETIMEDOUT, "killed after its time-out of %d s", timeout);
	if (WIFSIGNALED(status))
		return err_msg(e, -ECANCELED, "killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_msg(e, -ECANCELED, "exit code %d", WEXITSTATUS(status));
	return 0;
}

static int run_one(const struct spec_hook *h, int state_fd, struct err *e)
{
	int report[2], pidfd_raw = -1, code = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int r = report[0];
	auto_close int w = report[1];

	struct clone_args a = { .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd_raw,
				.exit_signal = SIGCHLD };
	long pid = raw_clone3(&a, sizeof(a));
	if (pid < 0)
		return err_set(e, -errno, "clone");
	if (pid == 0)
		child(h, state_fd, w);
	auto_close int pidfd = pidfd_raw;
	(void)close(take_fd(&w));

	int ret = wait_hook(pidfd, (pid_t)pid, h->timeout, e);
	if (read(r, &code, sizeof(code)) == sizeof(code))
		return err_set(e, code, "exec");
	return ret;
}

int hook_run_all(const struct spec *s, enum spec_hook_type type, int state_fd, struct err *e)
{
	for (size_t i = 0; i < s->hooks[type].n; i++) {
		const struct spec_hook *h = &s->hooks[type].v[i];

		if (run_one(h, state_fd, e) < 0)
			return err_wrap(e, "hooks.%s: %s", names[type], h->path);
	}
	return 0;
}

void hook_run_each(const struct spec *s, enum spec_hook_type type, int state_fd,
		   void (*warn)(void *ctx, const char *line), void *ctx)
{
	for (size_t i = 0; i < s->hooks[type].n; i++) {
		const struct spec_hook *h = &s->hooks[type].v[i];
		struct err e;

		if (run_one(h, state_fd, &e) < 0) {
			(void)err_wrap(&e, "hooks.%s: %s", names[type], h->path);
			if (warn)
				warn(ctx, e.msg);
		}
	}
}
