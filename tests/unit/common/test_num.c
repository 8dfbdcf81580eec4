/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/num.h"

static void refuses_what_is_no_number(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1.0", "a", "1\n" };
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(num_u64(bad[i], &v), -EINVAL);
	assert_int_equal(num_u64(NULL, &v), -EINVAL);
	assert_int_equal(v, 77);
}

static void keeps_the_bounds(void **state)
{
	uint16_t u16 = 1;
	uint32_t u32 = 1;
	uint64_t u64 = 1;
	int32_t i32 = 1;

	(void)state;
	assert_int_equal(num_u16("65535", &u16), 0);
	assert_int_equal(u16, 65535);
	assert_int_equal(num_u16("65536", &u16), -ERANGE);
	assert_int_equal(num_u32("4294967295", &u32), 0);
	assert_int_equal(num_u32("4294967296", &u32), -ERANGE);
	assert_int_equal(num_id("4294967294", &u32), 0);
	assert_true(u32 == 4294967294u);
	assert_int_equal(num_id("4294967295", &u32), -ERANGE);
	assert_int_equal(num_id("0x1", &u32), -EINVAL);
	assert_true(u32 == 4294967294u);
	assert_int_equal(num_u64("18446744073709551615", &u64), 0);
	assert_true(u64 == UINT64_MAX);
	assert_int_equal(num_u64("18446744073709551616", &u64), -ERANGE);
	assert_int_equal(num_i32("-2147483648", &i32), 0);
	assert_true(i32 == INT32_MIN);
	assert_int_equal(num_i32("-2147483649", &i32), -ERANGE);
	assert_int_equal(num_i32("2147483648", &i32), -ERANGE);
	assert_int_equal(num_i32("-", &i32), -EINVAL);
}

static void octal_and_bytes(void **state)
{
	uint32_t mode = 0;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(num_octal("0755", &mode), 0);
	assert_int_equal(mode, 0755);
	assert_int_equal(num_octal("8", &mode), -EINVAL);
	assert_int_equal(num_octal("10000", &mode), -ERANGE);
	assert_int_equal(num_bytes("64k", &n), 0);
	assert_true(n == 65536);
	assert_int_equal(num_bytes("2G", &n), 0);
	assert_true(n == 2ULL << 30);
	assert_int_equal(num_bytes("1x", &n), -EINVAL);
	assert_int_equal(num_bytes("k", &n), -EINVAL);
	assert_int_equal(num_bytes("18446744073709551615k", &n), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(keeps_the_bounds),
		cmocka_unit_test(octal_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
