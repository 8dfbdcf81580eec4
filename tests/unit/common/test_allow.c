/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/allow.h"

static const uint16_t calls[] = { SYS_write, SYS_close, SYS_exit, SYS_exit_group, SYS_rt_sigreturn };
static const struct allow_list list = { calls, sizeof(calls) / sizeof(calls[0]) };
static const struct allow_rule rules[] = {
	{ SYS_socket, 0, UINT32_MAX, AF_UNIX, SECCOMP_RET_ALLOW },
	{ SYS_socket, 0, UINT32_MAX, AF_INET, SECCOMP_RET_ALLOW },
	{ SYS_socket, 0, UINT32_MAX, AF_INET6, SECCOMP_RET_ERRNO | ENOSYS },
	{ SYS_dup3, 1, 0xf0, 0x10, SECCOMP_RET_ALLOW },
};

/* In a process that may do no more than that. Return: as of waitpid() */
static int limited(uint32_t otherwise, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    allow_only(&list, rules, sizeof(rules) / sizeof(rules[0]), otherwise) < 0)
			_exit(99);
		_exit(fn());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int allowed(void)
{
	return write(-1, "", 1) == -1 && errno == EBADF ? 0 : 1;
}

static int refused(void)
{
	return syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : 1;
}

static int by_argument(void)
{
	/* either of two rules, another answer, no rule that holds */
	if (syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) < 0 || syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) < 0)
		return 1;
	if (syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0) != -1 || errno != ENOSYS)
		return 2;
	if (syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0) != -1 || errno != EXDEV)
		return 3;
	if (syscall(SYS_dup3, 0, 0x1f, 0) != 0x1f || syscall(SYS_dup3, 0, 0x2f, 0) != -1 || errno != EXDEV)
		return 4;
	/* the upper half does not count for an int */
	return syscall(SYS_dup3, 0, 0x100000015, 0) < 0 ? 5 : 0;
}

static int forbidden(void)
{
	(void)syscall(SYS_getppid);
	return 0;
}

static void only_what_is_named(void **state)
{
	int status;

	(void)state;
	assert_int_equal(limited(SECCOMP_RET_ERRNO | EXDEV, allowed), 0);
	assert_int_equal(limited(SECCOMP_RET_ERRNO | EXDEV, by_argument), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_int_equal(limited(SECCOMP_RET_ERRNO | EXDEV, refused), 0);
	status = limited(SECCOMP_RET_KILL_PROCESS, forbidden);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#else
	/* this one is also theirs */
	(void)status;
	(void)refused;
	(void)forbidden;
#endif
}

static void too_many(void **state)
{
	static const uint16_t many[ALLOW_CALLS_MAX + 1];
	const struct allow_list l = { many, ALLOW_CALLS_MAX + 1 };

	(void)state;
	assert_int_equal(allow_only(&l, NULL, 0, SECCOMP_RET_KILL_PROCESS), -E2BIG);
	assert_int_equal(allow_only(&list, rules, ALLOW_RULES_MAX + 1, SECCOMP_RET_KILL_PROCESS), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_named),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
