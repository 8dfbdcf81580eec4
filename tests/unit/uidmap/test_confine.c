/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "uidmap/agent/confine.h"

static int confined(uint64_t bounding, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (confine_enter(bounding, NULL) < 0)
			_exit(99);
		_exit(fn());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void *nothing(void *arg)
{
	return arg;
}

/* What answering takes. */
static int work(void)
{
	struct stat st;
	pthread_t t;
	char c;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &c, 1) != 1 || close(fd) < 0 || stat("/", &st) < 0)
		return 1;
	if (pthread_create(&t, NULL, nothing, NULL) || pthread_kill(t, 0) > ESRCH || pthread_join(t, NULL))
		return 2;
	return write(-1, "", 1) == -1 && errno == EBADF ? 0 : 3;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int do_exec(void)
{
	char *const argv[] = { strdup("true"), NULL };

	return execv("/bin/true", argv);
}
static int do_fork(void) { return fork() == 0 ? 0 : 1; }
static int do_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static int do_ptrace(void) { return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static int do_kill(void) { return kill(getpid(), 0); }
static int do_tgkill(void) { return (int)syscall(SYS_tgkill, getppid(), getppid(), 0); }
static int do_setns(void) { return (int)syscall(SYS_setns, 0, 0); }
static int do_unshare(void) { return unshare(CLONE_NEWUSER); }
static int do_mount(void) { return mount("x", "/", "tmpfs", 0, NULL); }
static int do_ioctl(void) { return (int)syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"); }
static int do_seccomp(void) { return (int)syscall(SYS_seccomp, 1, 0, NULL); }
static int do_unnamed(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }

static void other_calls_end_it(void **state)
{
	static int (*const fns[])(void) = { do_exec, do_fork, do_socket, do_ptrace, do_kill, do_tgkill,
					    do_setns, do_unshare, do_mount, do_ioctl, do_seccomp, do_unnamed };

	(void)state;
	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		int status = confined(UINT64_MAX, fns[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %zu: status %d", i, status);
	}
}
#endif

static void its_own_calls_work(void **state)
{
	(void)state;
	assert_int_equal(confined(UINT64_MAX, work), 0);
}

static uint64_t permitted(void)
{
	char text[4096], *at;
	auto_close int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "CapPrm:");
	return at ? strtoull(at + strlen("CapPrm:"), NULL, 16) : 0;
}

#define BIT(n) (UINT64_C(1) << (n))

static int few(void)
{
	return permitted() & (BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN) | BIT(CAP_SETUID)) ? 1 : 0;
}

static int few_and_mounts(void)
{
	return (permitted() & (BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN) | BIT(CAP_SETUID))) ==
			       BIT(CAP_SYS_ADMIN) ? 0 : 1;
}

/* Run as root it has them to lose. */
static void few_capabilities(void **state)
{
	(void)state;
	if (!(permitted() & BIT(CAP_SYS_ADMIN)) || !(permitted() & BIT(CAP_SETUID)))
		skip();
	assert_int_equal(confined(0, few), 0);
	assert_int_equal(confined(BIT(CAP_MKNOD), few_and_mounts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_own_calls_work),
		cmocka_unit_test(few_capabilities),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(other_calls_end_it),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
