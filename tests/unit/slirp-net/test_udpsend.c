/* SPDX-License-Identifier: Apache-2.0
 *
 * test_udpsend - which datagrams go together, and that they arrive apart
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "slirp-net/udpsend.h"

#define N 8

static uint8_t data[N][2000];
static struct iovec iov[N];
static struct mmsghdr msg[N];
static struct sockaddr_in to[N];

static void prepare(const size_t *sizes)
{
	for (int i = 0; i < N; i++) {
		memset(data[i], 'a' + i, sizeof(data[i]));
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(53) };
		iov[i] = (struct iovec){ data[i], sizes[i] };
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1,
						  .msg_name = &to[i],
						  .msg_namelen = sizeof(to[i]) };
	}
}

static void test_runs(void **state)
{
	static const struct {
		size_t sizes[N];
		unsigned int run;
	} rows[] = {
		{ { 9, 9, 9, 9, 9, 9, 9, 9 }, 8 },
		{ { 9, 9, 5, 5 }, 3 },	     /* a smaller one is the last */
		{ { 9, 9, 10, 9 }, 2 },	     /* a larger one begins anew */
		{ { 9, 9, 0, 9 }, 2 },	     /* an empty one cannot be a segment */
		{ { 0, 9, 9, 9 }, 1 },
		{ { 1500, 1500, 1500 }, 1 }, /* a path may be too narrow for these */
	};
	struct cmsghdr control = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		prepare(rows[i].sizes);
		assert_int_equal(udpsend_run(msg, N), rows[i].run);
	}
	prepare(rows[0].sizes);
	to[3].sin_port = htons(54);
	assert_int_equal(udpsend_run(msg, N), 3);
	msg[1].msg_hdr.msg_control = &control;
	msg[1].msg_hdr.msg_controllen = sizeof(control);
	assert_int_equal(udpsend_run(msg, N), 1);
	assert_int_equal(udpsend_run(msg, 1), 1);
}

/* Through real sockets, with and without segmentation: each as it was. */
static void arrive(bool no_gso)
{
	static const size_t sizes[N] = { 1400, 1400, 1400, 700, 0, 1900, 3, 3 };
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	uint8_t got[2000];
	unsigned int at = 0;

	assert_int_equal(bind(in, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(in, (struct sockaddr *)&a, &len), 0);
	prepare(sizes);
	for (int i = 0; i < N; i++)
		to[i] = a;
	while (at < N) {
		int r = udpsend(out, msg + at, N - at, &no_gso);

		assert_true(r > 0);
		at += (unsigned int)r;
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(recv(in, got, sizeof(got), MSG_DONTWAIT), sizes[i]);
		assert_memory_equal(got, data[i], sizes[i]);
	}
	assert_int_equal(recv(in, got, sizeof(got), MSG_DONTWAIT), -1);
	(void)close(in);
	(void)close(out);
}

static void test_arrive(void **state)
{
	(void)state;
	arrive(/* no_gso */ false);
	arrive(/* no_gso */ true);
}

static void test_error_of_the_first(void **state)
{
	static const size_t sizes[N] = { 9, 9, 9, 9, 9, 9, 9, 9 };
	bool no_gso = false;

	(void)state;
	prepare(sizes);
	assert_int_equal(udpsend(-1, msg, N, &no_gso), -EBADF);
	assert_false(no_gso);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_arrive),
		cmocka_unit_test(test_error_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
