/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "uidmap/idset.h"
#include "uidmap/subid.h"

struct reader {
	const char *name;
	uint32_t uid;
	struct idset set;
};

static int take(void *arg, const struct subid_line *line)
{
	struct reader *r = arg;

	if (!subid_owner_is(line, r->uid, r->name))
		return 0;
	return idset_add(&r->set, line->start, line->count);
}

/* Read text in pieces of @piece bytes and print the grants of alice, 1000. */
static void read_text(const char *text, size_t len, size_t piece, char *out, size_t size)
{
	struct reader r = { .name = "alice", .uid = 1000 };
	struct subid_scan scan = { .sink = { take, &r } };
	size_t used = 0;

	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(subid_scan_feed(&scan, text + at,
						 len - at < piece ? len - at : piece),
				 0);
	assert_int_equal(subid_scan_end(&scan), 0);
	idset_normalise(&r.set);
	out[0] = '\0';
	for (size_t i = 0; i < r.set.n; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u+%u", i ? " " : "",
					 r.set.v[i].start, r.set.v[i].count);
	idset_clear(&r.set);
}

static void reads_what_admins_write(void **state)
{
	static const struct {
		const char *text;
		const char *grants;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "alice:100000:65536\n", "100000+65536" },
		{ "alice:100000:65536", "100000+65536" },
		{ "alice:100000:65536\r\n", "100000+65536" },
		{ "alice:100000:65536\r", "100000+65536" },
		{ "1000:100000:65536\n", "100000+65536" },
		{ "bob:100000:65536\n", "" },
		{ "1001:100000:65536\n", "" },
		{ "01000:100000:65536\n", "" },
		{ "# alice\nalice:5:1\n", "5+1" },
		{ "#alice:5:1\n", "" },
		{ "alice:5:1 # mine\n", "" },
		{ "alice: 5 :\t1 \n", "5+1" },
		{ " alice:5:1\n", "" },
		{ "alice :5:1\n", "" },
		{ "Alice:5:1\n", "" },
		{ "alicea:5:1\nalic:5:1\n", "" },
		{ "alice:5:1:2\n", "" },
		{ "alice:5\n", "" },
		{ "alice\n", "" },
		{ "alice:5:\nalice::1\n:5:1\n", "" },
		{ "alice:-5:1\nalice:+5:1\nalice:5:-1\n", "" },
		{ "alice:0x10:1\nalice:010:1\nalice:1e3:1\n", "" },
		{ "alice:5:0\n", "" },
		{ "alice:0:1\n", "0+1" },
		{ "alice:10:5\nalice:20:5\n", "10+5 20+5" },
		{ "alice:20:5\nalice:10:5\n", "10+5 20+5" },
		{ "alice:10:5\nalice:15:5\n", "10+10" },
		{ "alice:10:8\nalice:12:2\nalice:15:5\n", "10+10" },
		{ "alice:10:5\n1000:15:5\nbob:20:5\n", "10+10" },
		{ "alice:4294967290:100\n", "4294967290+5" },
		{ "alice:4294967294:1\n", "4294967294+1" },
		{ "alice:4294967295:1\n", "" },
		{ "alice:5:18446744073709551615\n", "5+4294967290" },
		{ "alice:5:18446744073709551616\n", "" },
		{ "alice:18446744073709551615:1\n", "" },
	};
	char got[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t piece = 1; piece < 30; piece += 3) {
			read_text(rows[i].text, strlen(rows[i].text), piece, got, sizeof(got));
			if (strcmp(got, rows[i].grants) != 0)
				fail_msg("'%s' in pieces of %zu: '%s', not '%s'", rows[i].text,
					 piece, got, rows[i].grants);
		}
}

static void keeps_nul_bytes_out_of_names_and_numbers(void **state)
{
	static const char text[] = "alice\0:5:1\nalice:6\0:1\nalice:7:1\0\n";
	char got[200];

	(void)state;
	read_text(text, sizeof(text) - 1, 7, got, sizeof(got));
	assert_string_equal(got, "");
}

/* What follows in an overlong line must not be taken for a line. */
static void passes_over_a_long_line_whole(void **state)
{
	static char text[8 * SUBID_LINE_MAX];
	char got[200];

	(void)state;
	for (size_t fill = SUBID_LINE_MAX - 40; fill < 3 * SUBID_LINE_MAX; fill += 13) {
		int n = snprintf(text, sizeof(text), "x:%0*d:1:alice:5:1\nalice:7:1\n", (int)fill,
				 1);

		for (size_t piece = 1; piece < 3 * SUBID_LINE_MAX; piece = piece * 5 + 1) {
			read_text(text, (size_t)n, piece, got, sizeof(got));
			assert_string_equal(got, "7+1");
		}
	}
}

/* Nor may what was read of it before it was seen to be too long. */
static void passes_over_the_start_of_a_long_line(void **state)
{
	char text[3 * SUBID_LINE_MAX];
	char got[200];
	int n = snprintf(text, sizeof(text), "alice:5:1%*s\nalice:7:1\n", 2 * SUBID_LINE_MAX, "");

	(void)state;
	for (size_t piece = 1; piece < 3 * SUBID_LINE_MAX; piece += 8) {
		read_text(text, (size_t)n, piece, got, sizeof(got));
		assert_string_equal(got, "7+1");
	}
}

static void takes_the_longest_line(void **state)
{
	char line[SUBID_LINE_MAX + 8];
	char got[200];
	int n;

	(void)state;
	/* blanks before the number fill the line up to the last byte allowed */
	n = snprintf(line, sizeof(line), "alice:%*d:1\n", SUBID_LINE_MAX - 9, 5);
	assert_int_equal(n, SUBID_LINE_MAX);
	read_text(line, (size_t)n, 100, got, sizeof(got));
	assert_string_equal(got, "5+1");
	n = snprintf(line, sizeof(line), "alice:%*d:1\n", SUBID_LINE_MAX - 8, 5);
	read_text(line, (size_t)n, 100, got, sizeof(got));
	assert_string_equal(got, "");
}

static void reads_a_huge_text(void **state)
{
	struct reader r = { .name = "alice", .uid = 1000 };
	struct subid_scan scan = { .sink = { take, &r } };
	char line[64];

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		int n = snprintf(line, sizeof(line), "user%u:%u:10\n", i, i);

		assert_int_equal(subid_scan_feed(&scan, line, (size_t)n), 0);
	}
	assert_int_equal(subid_scan_feed(&scan, "alice:7:1", 9), 0);
	assert_int_equal(subid_scan_end(&scan), 0);
	assert_int_equal(r.set.n, 1);
	assert_int_equal(r.set.v[0].start, 7);
	idset_clear(&r.set);
}

static void bounds_the_grants_of_one_user(void **state)
{
	struct idset AUTO(idset_clear) set = { 0 };

	(void)state;
	for (uint64_t i = 0; i < IDSET_MAX; i++)
		assert_int_equal(idset_add(&set, i * 2, 1), 0);
	assert_int_equal(idset_add(&set, 5000000, 1), -E2BIG);
	idset_normalise(&set);
	assert_int_equal(idset_size(&set), IDSET_MAX);
}

static void knows_what_is_in_a_set(void **state)
{
	struct idset AUTO(idset_clear) set = { 0 };

	(void)state;
	assert_false(idset_has(&set, 0, 1));
	assert_int_equal(idset_add(&set, 20, 10), 0);
	assert_int_equal(idset_add(&set, 10, 5), 0);
	assert_int_equal(idset_add(&set, UINT32_MAX - 5, 5), 0);
	idset_normalise(&set);
	assert_true(idset_has(&set, 10, 5));
	assert_true(idset_has(&set, 14, 1));
	assert_true(idset_has(&set, 20, 10));
	assert_true(idset_has(&set, UINT32_MAX - 5, 5));
	assert_false(idset_has(&set, 9, 2));
	assert_false(idset_has(&set, 14, 2));
	assert_false(idset_has(&set, 14, 7));
	assert_false(idset_has(&set, 10, 20));
	assert_false(idset_has(&set, 29, 2));
	assert_false(idset_has(&set, 30, 1));
	assert_false(idset_has(&set, 25, UINT32_MAX));
	assert_false(idset_has(&set, UINT32_MAX - 5, 6));
	assert_false(idset_has(&set, UINT32_MAX, 1));
	assert_false(idset_has(&set, 10, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_admins_write),
		cmocka_unit_test(keeps_nul_bytes_out_of_names_and_numbers),
		cmocka_unit_test(passes_over_a_long_line_whole),
		cmocka_unit_test(passes_over_the_start_of_a_long_line),
		cmocka_unit_test(takes_the_longest_line),
		cmocka_unit_test(reads_a_huge_text),
		cmocka_unit_test(bounds_the_grants_of_one_user),
		cmocka_unit_test(knows_what_is_in_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
