/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/override.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *text;
	struct override ov;
	const char *again;	/* what we write for it */
} good[] = {
	{ "0:0:755", { .mode = 0755 }, "0:0:0755" },
	{ "33:34:0644", { .uid = 33, .gid = 34, .mode = 0644 }, "33:34:0644" },
	{ "33:4:4755", { .uid = 33, .gid = 4, .mode = 04755 }, "33:4:4755" },
	/* containers/storage writes these words for plain files and folders */
	{ "0:0:4755:file", { .mode = 04755 }, "0:0:4755" },
	{ "0:0:0755:dir", { .mode = 0755 }, "0:0:0755" },
	{ "0:0:0777:symlink", { .mode = 0777, .type = S_IFLNK }, "0:0:0777:symlink" },
	{ "0:0:0600:pipe", { .mode = 0600, .type = S_IFIFO }, "0:0:0600:pipe" },
	{ "0:0:0600:socket", { .mode = 0600, .type = S_IFSOCK }, "0:0:0600:socket" },
	{ "0:6:660:block-8-1", { .gid = 6, .mode = 0660, .type = S_IFBLK, .major = 8, .minor = 1 },
	  "0:6:0660:block-8-1" },
	{ "0:0:0666:char-1-3", { .mode = 0666, .type = S_IFCHR, .major = 1, .minor = 3 },
	  "0:0:0666:char-1-3" },
	{ "4294967295:0:0", { .uid = 4294967295U }, "4294967295:0:0000" },
	{ "0:0:0755:dir:more", { .mode = 0755 }, "0:0:0755" },
	{ "0:0:0666:char-1-3:", { .mode = 0666, .type = S_IFCHR, .major = 1, .minor = 3 },
	  "0:0:0666:char-1-3" },
};

static void reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct override ov = { .uid = 7 };
		char text[OVERRIDE_TEXT_MAX];

		if (override_parse(good[i].text, strlen(good[i].text), &ov) < 0)
			fail_msg("'%s' is not read", good[i].text);
		assert_memory_equal(&ov, &good[i].ov, sizeof(ov));
		assert_int_equal(override_format(&ov, text), strlen(good[i].again));
		assert_string_equal(text, good[i].again);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"", "1", "0:0", "0:0:", "1:2:8", "0:0:9", "0:0:17777", "1:2:0644:", "a:2:0644",
		"-1:2:0644", "1:2:0644:what", "0:0:755:char", "0:0:755:char-1", "0:0:755:char1-3",
		"0:0:755:char-1-2-3", "0:0:755:block--1-2", "4294967296:0:0644",
		"000000000000000000000000000000000000000000000000000000000:0:0644",
	};
	struct override ov = { .uid = 77 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (override_parse(bad[i], strlen(bad[i]), &ov) != -EINVAL)
			fail_msg("'%s' is read", bad[i]);
	assert_int_equal(override_parse("1:2:0644\0x", 10, &ov), -EINVAL);
	assert_int_equal(ov.uid, 77);
}

/* Attributes come without an end; what lies behind is not looked at. */
static void reads_no_further(void **state)
{
	struct override ov;

	(void)state;
	assert_int_equal(override_parse("1:2:0644567:what", 8, &ov), 0);
	assert_int_equal(ov.mode, 0644);
}

static void longest_and_plain_types(void **state)
{
	struct override ov = { UINT32_MAX, UINT32_MAX, 07777, S_IFBLK, UINT32_MAX, UINT32_MAX }, got;
	char text[OVERRIDE_TEXT_MAX];
	int len = override_format(&ov, text);

	(void)state;
	assert_int_equal(len, strlen(text));
	assert_int_equal(override_parse(text, (size_t)len, &got), 0);
	assert_memory_equal(&got, &ov, sizeof(ov));
	ov = (struct override){ .mode = 0644, .type = S_IFREG };
	(void)override_format(&ov, text);
	assert_string_equal(text, "0:0:0644");
	ov.type = S_IFDIR;
	(void)override_format(&ov, text);
	assert_string_equal(text, "0:0:0644");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(reads_no_further),
		cmocka_unit_test(longest_and_plain_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
