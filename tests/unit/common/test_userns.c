/* SPDX-License-Identifier: Apache-2.0
 *
 * userns: advice only where a switch of this host is the reason; the switches
 * themselves are turned in tests/vm/030-security.bats
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/userns.h"

static void test_advice(void **state)
{
	FILE *f = fopen("/proc/sys/user/max_user_namespaces", "re");
	long max = 0;

	(void)state;
	assert_null(userns_advice(EINVAL));
	assert_null(userns_advice(0));
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &max), 1);
	(void)fclose(f);
	if (max > 0)
		assert_null(userns_advice(ENOSPC));
	else
		assert_string_equal(userns_advice(ENOSPC), "sysctl -w user.max_user_namespaces=65536");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_advice) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
