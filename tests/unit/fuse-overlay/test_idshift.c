/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#include "fuse-overlay/idshift.h"

static const struct {
	const char *text;
	int ret;
	uint32_t disk, shown;
} rows[] = {
	{ "0:1:1004:1004:0:1:1005:1005:60000", 0, 1004, 0 },
	{ ":0:1:1004:1004:0:1:1005:1005:60000", 0, 0, 1 },
	{ ":0:1:1004:1004:0:1:1005:1005:60000", 0, 1003, 1004 },
	{ "0:0:10", 0, 10, IDSHIFT_OVERFLOW },
	{ "100000:0:65536", 0, 165535, 65535 },
	{ "100000:0:65536", 0, 99999, IDSHIFT_OVERFLOW },
	{ "", 0, 77, 77 },
	{ "0:1", -EINVAL, 0, 0 },
	{ "0:1:0", -EINVAL, 0, 0 },
	{ "a:1:1", -EINVAL, 0, 0 },
	{ "-1:1:1", -EINVAL, 0, 0 },
	{ "4294967295:0:2", -EINVAL, 0, 0 },
	{ "0:4294967295:2", -EINVAL, 0, 0 },
};

static void test_parse_and_map(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct idmap m = { .squash = -1 };
		struct err e;

		assert_int_equal(idmap_parse(&m, rows[i].text, &e), rows[i].ret);
		if (!rows[i].ret) {
			assert_int_equal(idmap_to_shown(&m, rows[i].disk), rows[i].shown);
			if (rows[i].shown != IDSHIFT_OVERFLOW)
				assert_int_equal(idmap_to_disk(&m, rows[i].shown), rows[i].disk);
		}
		idmap_clear(&m);
	}
}

static void test_squash(void **state)
{
	struct idmap m = { .squash = 0 };

	(void)state;
	assert_int_equal(idmap_to_shown(&m, 1234), 0);
	assert_int_equal(idmap_to_disk(&m, 1234), 1234);
	assert_false(idmap_is_plain(&m));
}

static void test_too_many(void **state)
{
	char text[IDSHIFT_RANGES_MAX * 12 + 24] = "";
	struct idmap m = { .squash = -1 };
	struct err e;

	(void)state;
	for (int i = 0; i <= IDSHIFT_RANGES_MAX; i++)
		(void)snprintf(text + strlen(text), 12, ":%d:%d:1", i, i);
	assert_int_equal(idmap_parse(&m, text, &e), -EINVAL);
	idmap_clear(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_map),
		cmocka_unit_test(test_squash),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
