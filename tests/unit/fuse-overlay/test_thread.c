// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/num.h"
#include "fuse-overlay/thread.h"

/* A thread that parts, tells its number, and stays until it is to end. */
struct parted {
	int keep[2];
	size_t n_keep;
	int result;
	sigset_t blocked;
	_Atomic int tid;
	_Atomic bool end;
};

static void *part(void *arg)
{
	struct parted *p = arg;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &p->blocked);
	p->result = thread_part_fds(p->keep, p->n_keep);
	p->tid = (int)syscall(SYS_gettid);
	while (!p->end)
		(void)poll(NULL, 0, 1);
	return NULL;
}

/* Descriptors of a thread as bits. */
static uint64_t table_of(int tid)
{
	char path[64];
	uint64_t bits = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/fd", tid);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));) {
		uint32_t fd;

		if (!num_u32(e->d_name, &fd) && fd < 64)
			bits |= 1ULL << fd;
	}
	assert_int_equal(closedir(d), 0);
	return bits;
}

static uint64_t parted_table(struct parted *p)
{
	pthread_t t;

	assert_int_equal(thread_start(&t, NULL, part, p), 0);
	while (!p->tid)
		(void)poll(NULL, 0, 1);
	uint64_t bits = table_of(p->tid);
	p->end = true;
	assert_int_equal(pthread_join(t, NULL), 0);
	return bits;
}

static void a_thread_keeps_what_it_names(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	struct parted p = { .keep = { -1, ends[0] }, .n_keep = 2 };
	uint64_t bits = parted_table(&p);
	if (p.result == -ENOSYS || p.result == -EINVAL)
		skip(); /* Linux before 5.9 */
	assert_int_equal(p.result, 0);
	assert_true(bits == 1ULL << ends[0]);
	/* its end ended nothing here, and nothing is left of it */
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	assert_int_equal(close(ends[0]), 0);
}

static void a_thread_without_descriptors_holds_nothing(void **state)
{
	struct parted p = { .n_keep = 0 };
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	pthread_t t;
	assert_int_equal(thread_start(&t, NULL, part, &p), 0);
	while (!p.tid)
		(void)poll(NULL, 0, 1);
	if (!p.result) {
		assert_true(table_of(p.tid) == 0);
		/* the end of a pipe is the end, while that thread still lives */
		assert_int_equal(close(ends[1]), 0);
		assert_int_equal(read(ends[0], &byte, 1), 0);
	}
	p.end = true;
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(close(ends[0]), 0);
}

static void no_signal_reaches_a_thread(void **state)
{
	struct parted p = { .keep = { STDERR_FILENO }, .n_keep = 1 };
	sigset_t before, after;

	(void)state;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
	(void)parted_table(&p);
	assert_int_equal(sigismember(&p.blocked, SIGTERM), 1);
	assert_int_equal(sigismember(&p.blocked, SIGUSR1), 1);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_keeps_what_it_names),
		cmocka_unit_test(a_thread_without_descriptors_holds_nothing),
		cmocka_unit_test(no_signal_reaches_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
