/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/str.h"

static void strbuf_grows_and_is_taken(void **state)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(strbuf_addf(&b, "%d,", i % 10), 0);
	assert_int_equal(b.len, 2000);
	assert_int_equal(strlen(b.s), 2000);

	auto_free char *s = strbuf_take(&b);
	assert_int_equal(strlen(s), 2000);
	assert_null(b.s);

	auto_free char *empty = strbuf_take(&b);
	assert_string_equal(empty, "");
}

static void strv_splits_and_keeps_empties(void **state)
{
	AUTO(strv_clear) struct strv l = { 0 };

	(void)state;
	assert_int_equal(strv_split(&l, "a,,b,", ','), 0);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.v[1], "");
	assert_string_equal(l.v[3], "");
	assert_null(l.v[4]);
	assert_true(strv_has(&l, "b") && !strv_has(&l, "c"));
}

static void environment_is_replaced_in_place(void **state)
{
	AUTO(strv_clear) struct strv env = { 0 };

	(void)state;
	assert_int_equal(strv_setenv(&env, "A=1"), 0);
	assert_int_equal(strv_setenv(&env, "AB=2"), 0);
	assert_int_equal(strv_setenv(&env, "A=3=4"), 0);
	assert_int_equal(env.n, 2);
	assert_string_equal(strv_getenv(&env, "A"), "3=4");
	assert_null(strv_getenv(&env, "B"));
	assert_int_equal(strv_setenv(&env, "=x"), -EINVAL);
	assert_int_equal(strv_setenv(&env, "x"), -EINVAL);
}

static void questions(void **state)
{
	char small[4];

	(void)state;
	assert_true(str_starts("sha256:x", "sha256:") && !str_starts("sha", "sha256:"));
	assert_true(str_ends("a.bats", ".bats") && !str_ends("s", ".bats"));
	assert_string_equal(str_after("a=b", "a="), "b");
	assert_null(str_after(NULL, "a"));
	assert_false(str_eq(NULL, NULL));
	assert_int_equal(str_format(small, sizeof(small), "%s", "abc"), 3);
	assert_int_equal(str_format(small, sizeof(small), "%s", "abcd"), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strbuf_grows_and_is_taken),
		cmocka_unit_test(strv_splits_and_keeps_empties),
		cmocka_unit_test(environment_is_replaced_in_place),
		cmocka_unit_test(questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
