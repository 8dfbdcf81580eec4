/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"

static void set_returns_code_and_explains(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, -ENOENT, "open %s", "/x"), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_string_equal(e.msg, "open /x: No such file or directory");
}

static void wrap_prepends(void **state)
{
	struct err e = { 0 };

	(void)state;
	(void)err_msg(&e, -EINVAL, "'' is not a port");
	assert_int_equal(err_wrap(&e, "--publish %s", "80::"), -EINVAL);
	assert_string_equal(e.msg, "--publish 80::: '' is not a port");
}

static void null_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EPERM, "x"), -EPERM);
	assert_int_equal(err_wrap(NULL, "x"), -EIO);
}

static void stays_one_line_and_bounded(void **state)
{
	struct err e = { 0 };
	char big[3 * ERR_MSG_MAX];

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	big[5] = '\n';
	(void)err_set(&e, -EINVAL, "%s", big);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	assert_null(strchr(e.msg, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_returns_code_and_explains),
		cmocka_unit_test(wrap_prepends),
		cmocka_unit_test(null_is_allowed),
		cmocka_unit_test(stays_one_line_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
