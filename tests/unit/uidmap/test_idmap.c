/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "uidmap/idmap.h"

static void puts_a_map_in_the_kernels_words(void **state)
{
	char *words[] = { (char[]){ "0" }, (char[]){ "1000" },	(char[]){ "1" },
			  (char[]){ "1" }, (char[]){ "100000" }, (char[]){ "65536" } };
	char text[IDMAP_TEXT_MAX];
	struct idmap map;
	int n;

	(void)state;
	assert_int_equal(idmap_parse(words, 6, &map, NULL), 0);
	n = idmap_format(&map, text);
	text[n] = '\0';
	assert_string_equal(text, "0 1000 1\n1 100000 65536\n");
}

static void takes_as_many_ranges_as_the_kernel(void **state)
{
	static char one[] = "1";
	char *words[3 * (IDMAP_MAX + 1)], *last[3 * (IDMAP_MAX + 1)];
	char number[IDMAP_MAX + 1][8];
	char text[IDMAP_TEXT_MAX];
	struct err e = { 0 };
	struct idmap map;

	(void)state;
	for (int i = 0; i <= IDMAP_MAX; i++) {
		(void)snprintf(number[i], sizeof(number[i]), "%d", i);
		words[3 * i] = words[3 * i + 1] = number[i];
		words[3 * i + 2] = one;
	}
	memcpy(last, words, sizeof(last));
	assert_int_equal(idmap_parse(words, 3 * IDMAP_MAX, &map, &e), 0);
	assert_int_equal(map.n, IDMAP_MAX);
	assert_int_equal(idmap_check(&map, "uid", &e), 0);
	assert_true(idmap_format(&map, text) > 0);
	assert_int_equal(idmap_parse(last, 3 * (IDMAP_MAX + 1), &map, &e), -E2BIG);
	assert_int_equal(idmap_add(&map, 0, 0, 1), -E2BIG);
}

/* 340 long lines are more than the kernel reads at once. */
static void refuses_a_text_longer_than_one_write(void **state)
{
	char text[IDMAP_TEXT_MAX];
	struct err e = { 0 };
	struct idmap map = { 0 };

	(void)state;
	for (uint32_t i = 0; i < IDMAP_MAX; i++)
		assert_int_equal(idmap_add(&map, 1000000000 + 2 * i, 2000000000 + 2 * i, 1), 0);
	assert_int_equal(idmap_format(&map, text), -E2BIG);
	assert_int_equal(idmap_check(&map, "uid", &e), -E2BIG);
	assert_non_null(strstr(e.msg, "4095"));
}

static void says_where_ranges_overlap(void **state)
{
	struct idmap map = { .n = 2, .r = { { 0, 100, 10 }, { 9, 200, 1 } } };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(idmap_check(&map, "uid", &e), -EEXIST);
	assert_string_equal(e.msg, "uid ranges overlap at inside id 9");
	map.r[1] = (struct idrange){ 10, 95, 6 };
	assert_int_equal(idmap_check(&map, "gid", &e), -EEXIST);
	assert_string_equal(e.msg, "gid ranges overlap at outside id 100");
	map.r[1] = (struct idrange){ 10, 95, 5 };
	assert_int_equal(idmap_check(&map, "gid", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_a_map_in_the_kernels_words),
		cmocka_unit_test(takes_as_many_ranges_as_the_kernel),
		cmocka_unit_test(refuses_a_text_longer_than_one_write),
		cmocka_unit_test(says_where_ranges_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
