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

#include "fuse-overlay/owner.h"

/* The text itself is tests/unit/common/test_override.c's. */
static const struct {
	const char *text;
	int ret;
	struct owner ow;
	const char *again;	/* what we write for it, NULL when not parsed */
} rows[] = {
	{ "33:34:0644", 0, { .uid = 33, .gid = 34, .mode = 0644 }, "33:34:0644" },
	{ "0:0:4755:file", 0, { .mode = 04755 }, "0:0:4755" },
	{ "0:0:0777:symlink", 0, { .mode = S_IFLNK | 0777 }, "0:0:0777:symlink" },
	{ "0:6:0660:block-8-1", 0,
	  { .gid = 6, .mode = S_IFBLK | 0660, .rdev_major = 8, .rdev_minor = 1 },
	  "0:6:0660:block-8-1" },
	{ "0:0", -EINVAL, { 0 }, NULL },
	{ "0:0:17777", -EINVAL, { 0 }, NULL },
};

static void test_parse_and_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct owner ow = { .uid = 7 };
		char text[OVERRIDE_TEXT_MAX];
		int r = owner_parse(rows[i].text, strlen(rows[i].text), &ow);

		if (r != rows[i].ret)
			fail_msg("%s: %d", rows[i].text, r);
		if (r < 0) {
			assert_int_equal(ow.uid, 7);
			continue;
		}
		assert_memory_equal(&ow, &rows[i].ow, sizeof(ow));
		assert_true(owner_format(text, &ow) > 0);
		assert_string_equal(text, rows[i].again);
	}
}

/* What an object is by itself is not written down. */
static void test_plain_types(void **state)
{
	struct owner ow = { .uid = 1, .mode = S_IFREG | 04755 };
	char text[OVERRIDE_TEXT_MAX];

	(void)state;
	assert_true(owner_format(text, &ow) > 0);
	assert_string_equal(text, "1:0:4755");
	ow.mode = S_IFDIR | 0750;
	assert_true(owner_format(text, &ow) > 0);
	assert_string_equal(text, "1:0:0750");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_format),
		cmocka_unit_test(test_plain_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
