/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lean - what is let go comes back unchanged
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/lean.h"

static int one(void)
{
	return 1;
}

static int two(void)
{
	return 2;
}

/* relocated when the program starts: must not be undone */
static int (*const table[])(void) = { one, two };
static int written = 1;

/* Kilobytes of clean file pages that are mapped. */
static long clean_file_kb(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[200];
	long rss = 0, anon = 0, n;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Rss: %ld", &n) == 1)
			rss = n;
		else if (sscanf(line, "Anonymous: %ld", &n) == 1)
			anon = n;
	}
	(void)fclose(f);
	return rss - anon;
}

static void test_all_is_still_there(void **state)
{
	char *heap = malloc(100);
	long before;

	(void)state;
	assert_non_null(heap);
	memcpy(heap, "kept", 5);
	written = 7;
	(void)clean_file_kb();
	before = clean_file_kb();
	lean_rest();
	assert_true(clean_file_kb() < before);
	assert_string_equal(heap, "kept");
	assert_int_equal(written, 7);
	for (int i = 0; i < 2; i++)
		assert_int_equal(table[i](), i + 1);
	free(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_is_still_there) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
