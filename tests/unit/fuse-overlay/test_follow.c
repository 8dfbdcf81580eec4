/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuse-overlay/follow.h"

#define REST "S 1 2 3 0 -1 4194560 9 0 0 0 1 2 0 0 20 0 1 0 77 4096 12 18446744073709551615 " \
	     "1 1 0 0 0 0 0 0 0 0 0 0 17 "

static void test_stat(void **state)
{
	char plain[] = "42 (cp) " REST "5 0 0\n";
	char odd[] = "42 (a) S 9 (b) " REST "0 0 0\n";
	char shorter[] = "42 (cp) S 1 2 3";
	char none[] = "no name";
	char huge[] = "42 (cp) " REST "99999 0 0\n";

	(void)state;
	assert_int_equal(follow_parse_stat(plain), 5);
	assert_int_equal(follow_parse_stat(odd), 0);
	assert_int_equal(follow_parse_stat(shorter), -EINVAL);
	assert_int_equal(follow_parse_stat(none), -EINVAL);
	assert_int_equal(follow_parse_stat(huge), -EINVAL);
}

static void test_one_client_is_followed_many_are_not(void **state)
{
	struct follow f;

	(void)state;
	follow_init(&f);
	if (CPU_COUNT(&f.all) < 2)
		skip();
	for (int i = 0; i < 1000; i++)
		follow_request(&f, getpid(), false);
	assert_true(f.cpu >= 0 && CPU_ISSET(f.cpu, &f.all));
	for (int i = 0; i < 1000; i++)
		follow_request(&f, i % 2 ? getpid() : getppid(), false);
	assert_int_equal(f.cpu, -1);
	/* nor is who reads large files */
	for (int i = 0; i < 1000; i++)
		follow_request(&f, getpid(), true);
	assert_int_equal(f.cpu, -1);
	/* the kernel's own requests decide nothing */
	for (int i = 0; i < 1000; i++)
		follow_request(&f, 0, false);
	assert_int_equal(f.cpu, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_one_client_is_followed_many_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
