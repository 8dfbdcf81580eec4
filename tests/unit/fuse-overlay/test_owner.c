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

static const struct {
	const char *text;
	int ret;
	struct owner ow;
	const char *again;	/* what we write for it, NULL when not parsed */
} rows[] = {
	{ "0:0:755", 0, { .mode = 0755 }, "0:0:0755" },
	{ "33:34:0644", 0, { .uid = 33, .gid = 34, .mode = 0644 }, "33:34:0644" },
	{ "0:0:4755:file", 0, { .mode = S_IFREG | 04755 }, "0:0:4755" },
	{ "0:0:0755:dir", 0, { .mode = S_IFDIR | 0755 }, "0:0:0755" },
	{ "0:0:0777:symlink", 0, { .mode = S_IFLNK | 0777 }, "0:0:0777:symlink" },
	{ "0:0:0600:pipe", 0, { .mode = S_IFIFO | 0600 }, "0:0:0600:pipe" },
	{ "0:0:0600:socket", 0, { .mode = S_IFSOCK | 0600 }, "0:0:0600:socket" },
	{ "0:6:0660:block-8-1", 0,
	  { .gid = 6, .mode = S_IFBLK | 0660, .rdev_major = 8, .rdev_minor = 1 },
	  "0:6:0660:block-8-1" },
	{ "0:0:0666:char-1-3", 0, { .mode = S_IFCHR | 0666, .rdev_major = 1, .rdev_minor = 3 },
	  "0:0:0666:char-1-3" },
	{ "4294967295:0:0", 0, { .uid = 4294967295U }, "4294967295:0:0000" },
	{ "", -EINVAL, { 0 }, NULL },
	{ "0:0", -EINVAL, { 0 }, NULL },
	{ "0:0:", -EINVAL, { 0 }, NULL },
	{ "0:0:9", -EINVAL, { 0 }, NULL },
	{ "0:0:17777", -EINVAL, { 0 }, NULL },
	{ "-1:0:755", -EINVAL, { 0 }, NULL },
	{ "0:0:755:door", -EINVAL, { 0 }, NULL },
	{ "0:0:755:char", -EINVAL, { 0 }, NULL },
	{ "0:0:755:char-1", -EINVAL, { 0 }, NULL },
	{ "0:0:755:char-1-2-3", -EINVAL, { 0 }, NULL },
	{ "0:0:755:dir:x", -EINVAL, { 0 }, NULL },
};

static void test_parse_and_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct owner ow = { .uid = 7 };
		char text[OWNER_TEXT_MAX];
		int r = owner_parse(rows[i].text, &ow);

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse_and_format) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
