/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/sock.h"
#include "common/str.h"

#define A(s) ((char *)(size_t)(s))

static void a_recorded_process_is_told_from_another(void **state)
{
	uint64_t start = 0;

	(void)state;
	assert_int_equal(proc_start_time(getpid(), &start), 0);
	assert_true(start > 0);
	assert_true(proc_is_alive(getpid(), start));
	assert_false(proc_is_alive(getpid(), start + 1));
	assert_int_equal(proc_pidfd_open(getpid(), start + 1), -ESRCH);

	auto_close int fd = proc_pidfd_open(getpid(), start);
	assert_true(fd >= 0);
	assert_int_equal(proc_pidfd_kill(fd, 0), 0);
	assert_int_equal(proc_start_time(-1, &start), -ESRCH);
}

static void a_debugger_is_noticed(void **state)
{
	(void)state;
	for (int traced = 0; traced < 2; traced++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? 77 : proc_is_traced());
		int code = proc_wait(pid);
		if (code == 77)
			skip();
		assert_int_equal(code, traced);
	}
}

static void spawn_places_stdio_and_reports_exec(void **state)
{
	int out[2];
	char text[64] = "";
	char *argv[] = { A("/bin/sh"), A("-c"), A("echo to-out; echo to-err >&2; exit 7"), NULL };

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct proc_spawn how = { .argv = argv, .stdio = { -1, out[1], out[1] } };
	pid_t pid = proc_spawn(&how);
	assert_true(pid > 0);
	(void)close(out[1]);
	assert_int_equal(proc_wait(pid), 7);
	assert_int_equal(io_read_all(out[0], text, sizeof(text)), 14);
	assert_string_equal(text, "to-out\nto-err\n");
	(void)close(out[0]);

	char *missing[] = { A("/nonexistent/program"), NULL };
	struct proc_spawn bad = { .argv = missing, .stdio = { -1, -1, -1 } };
	assert_int_equal(proc_spawn(&bad), -ENOENT);
}

static void spawn_keeps_only_what_is_listed(void **state)
{
	int keep[1], other;
	char script[128];
	char *argv[] = { A("/bin/sh"), A("-c"), script, NULL };

	(void)state;
	keep[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	other = open("/dev/null", O_RDONLY); /* not close-on-exec on purpose */
	(void)str_format(script, sizeof(script), "test -e /proc/self/fd/%d && test ! -e /proc/self/fd/%d",
			 keep[0], other);
	struct proc_spawn how = { .argv = argv, .stdio = { -1, -1, -1 }, .keep = keep, .n_keep = 1 };
	pid_t pid = proc_spawn(&how);
	assert_true(pid > 0);
	assert_int_equal(proc_wait(pid), 0);
	(void)close(keep[0]);
	(void)close(other);
}

/* In a user namespace without a map nobody is root, and an exec takes all. */
static int caps_after_exec(bool keep)
{
	char *const argv[] = { A("/bin/sh"), A("-c"),
			       A("grep -q '^CapEff:.*[1-9a-f]' /proc/self/status"), NULL };
	struct proc_spawn how = { .argv = argv, .stdio = { -1, -1, -1 }, .keep_caps = keep };
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(77);
		pid_t child = proc_spawn(&how);
		_exit(child < 0 ? 99 : proc_wait(child));
	}
	return proc_wait(pid);
}

static void spawn_keeps_capabilities_where_nobody_is_root(void **state)
{
	int code = caps_after_exec(true);

	(void)state;
	if (code == 77)
		skip();
	assert_int_equal(code, 0);
	assert_int_equal(caps_after_exec(false), 1);
}

static void wait_tells_signals(void **state)
{
	char *argv[] = { A("/bin/sh"), A("-c"), A("kill -TERM $$"), NULL };
	struct proc_spawn how = { .argv = argv, .stdio = { -1, -1, -1 } };

	(void)state;
	pid_t pid = proc_spawn(&how);
	assert_true(pid > 0);
	assert_int_equal(proc_wait(pid), 128 + SIGTERM);
}

static void descriptors_travel_over_sockets(void **state)
{
	int pair[2], got[SOCK_FDS_MAX], send[2];
	size_t n;
	char buf[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(send, O_CLOEXEC), 0);
	assert_int_equal(sock_send_fds(pair[0], "hi", 2, send, 2), 2);
	assert_int_equal(sock_recv_fds(pair[1], buf, sizeof(buf), got, 2, &n), 2);
	assert_int_equal(n, 2);
	assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	(void)close(got[0]);
	(void)close(got[1]);

	/* more than wanted: none is kept, none leaks */
	assert_int_equal(sock_send_fds(pair[0], "hi", 2, send, 2), 2);
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close(before);
	assert_int_equal(sock_recv_fds(pair[1], buf, sizeof(buf), got, 1, &n), -EMSGSIZE);
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close(after);
	assert_int_equal(before, after);
	for (int i = 0; i < 2; i++) {
		(void)close(send[i]);
		(void)close(pair[i]);
	}
}

static void sockets_at_long_paths(void **state)
{
	char dir[] = "/tmp/test_proc.XXXXXX", path[400], part[150];

	(void)state;
	assert_non_null(mkdtemp(dir));
	memset(part, 'd', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	assert_true(str_format(path, sizeof(path), "%s/%s", dir, part) > 108);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(str_format(path, sizeof(path), "%s/%s/sock", dir, part) > 108);

	auto_close int listening = sock_listen_unix(path, 1);
	assert_true(listening >= 0);
	auto_close int again = sock_listen_unix(path, 1);
	assert_true(again >= 0);
	auto_close int client = sock_connect_unix(path);
	assert_true(client >= 0);
	assert_int_equal(io_remove_tree_at(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_process_is_told_from_another),
		cmocka_unit_test(a_debugger_is_noticed),
		cmocka_unit_test(spawn_places_stdio_and_reports_exec),
		cmocka_unit_test(spawn_keeps_only_what_is_listed),
		cmocka_unit_test(spawn_keeps_capabilities_where_nobody_is_root),
		cmocka_unit_test(wait_tells_signals),
		cmocka_unit_test(descriptors_travel_over_sockets),
		cmocka_unit_test(sockets_at_long_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
