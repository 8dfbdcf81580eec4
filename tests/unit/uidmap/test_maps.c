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
#include "uidmap/advice.h"
#include "uidmap/idmap.h"
#include "uidmap/idset.h"
#include "uidmap/logindefs.h"
#include "uidmap/maps.h"
#include "uidmap/nss.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* "start+count start+count" */
static void read_set(const char *text, struct idset *ret)
{
	unsigned int start, count;
	int used;

	for (; sscanf(text, " %u+%u%n", &start, &count, &used) == 2; text += used)
		assert_int_equal(idset_add(ret, start, count), 0);
	idset_normalise(ret);
}

static void print_map(const struct idmap *map, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < map->n; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u:%u:%u", i ? " " : "",
				      map->r[i].inside, map->r[i].outside, map->r[i].count);
}

static void lays_out_grants(void **state)
{
	static const struct {
		enum maps_style style;
		uint32_t own;
		const char *grants;
		const char *map;
	} rows[] = {
		{ MAPS_ROOT, 1000, "", "0:1000:1" },
		{ MAPS_KEEP, 1000, "", "1000:1000:1" },
		{ MAPS_ROOT, 0, "", "0:0:1" },
		{ MAPS_KEEP, 0, "100000+65536", "0:0:1 1:100000:65536" },
		{ MAPS_ROOT, 1000, "100000+65536", "0:1000:1 1:100000:65536" },
		{ MAPS_ROOT, 1000, "10+5 20+5", "0:1000:1 1:10:5 6:20:5" },
		{ MAPS_KEEP, 1000, "100000+65536",
		  "1000:1000:1 0:100000:1000 1001:101000:64536" },
		{ MAPS_KEEP, 1000, "100000+1000", "1000:1000:1 0:100000:1000" },
		{ MAPS_KEEP, 1000, "100000+999", "1000:1000:1 0:100000:999" },
		{ MAPS_KEEP, 1000, "100000+1001", "1000:1000:1 0:100000:1000 1001:101000:1" },
		{ MAPS_KEEP, 1000, "5000+600 9000+600",
		  "1000:1000:1 0:5000:600 600:9000:400 1001:9400:200" },
		/* grants that have the own id in them */
		{ MAPS_ROOT, 1000, "1000+1", "0:1000:1" },
		{ MAPS_ROOT, 1000, "998+5", "0:1000:1 1:998:2 3:1001:2" },
		{ MAPS_KEEP, 1000, "1000+5", "1000:1000:1 0:1001:4" },
		/* ids that would not fit inside are left out */
		{ MAPS_ROOT, 5, "10+4294967285", "0:5:1 1:10:4294967285" },
		{ MAPS_ROOT, 4294967294, "0+4294967294", "0:4294967294:1 1:0:4294967294" },
		{ MAPS_KEEP, 4294967294, "0+10", "4294967294:4294967294:1 0:0:10" },
	};
	char got[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct idset AUTO(idset_clear) set = { 0 };
		struct idmap map;

		read_set(rows[i].grants, &set);
		maps_build(rows[i].style, rows[i].own, &set, &map);
		print_map(&map, got, sizeof(got));
		if (strcmp(got, rows[i].map) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, got, rows[i].map);
	}
}

/* A file with thousands of one-id grants still gives a map. */
static void leaves_out_what_the_kernel_does_not_take(void **state)
{
	struct idset AUTO(idset_clear) set = { 0 };
	struct idmap map;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(idset_add(&set, 4000000000 + 2 * i, 1), 0);
	idset_normalise(&set);
	maps_build(MAPS_ROOT, 1000, &set, &map);
	assert_int_equal(idmap_check(&map, "uid", NULL), 0);
	assert_true(map.n > 200);
}

static void hands_on_its_own_ids_line_by_line(void **state)
{
	char got[200];
	struct idmap map;

	(void)state;
	assert_int_equal(maps_parse_own("         0       1003          1\n"
					"         1     165536      65536\n", &map), 0);
	print_map(&map, got, sizeof(got));
	assert_string_equal(got, "0:0:1 1:1:65536");
	assert_int_equal(maps_parse_own("0 0 4294967295\n", &map), 0);
	print_map(&map, got, sizeof(got));
	assert_string_equal(got, "0:0:4294967295");
	assert_int_equal(maps_parse_own("", &map), 0);
	assert_int_equal(map.n, 0);
	assert_int_equal(maps_parse_own("0 0\n", &map), -EINVAL);
	assert_int_equal(maps_parse_own("x\n", &map), -EINVAL);
}

static void reads_a_line_of_a_map(void **state)
{
	static const char *const bad[] = { "", "0", "0:1", "0:1:2:3", "a:1:2", "0:1:0", "0:1:",
					   ":1:2", "-1:1:2", "0:1:4294967296", "0: 1:2" };
	struct idmap map = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(maps_parse_line("0:100000:65536", &map, &e), 0);
	assert_int_equal(map.n, 1);
	assert_int_equal(map.r[0].outside, 100000);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(maps_parse_line(bad[i], &map, &e), -EINVAL);
	assert_int_equal(map.n, 1);
}

static void chooses_who_to_be_inside(void **state)
{
	struct idmap map = { .n = 2, .r = { { 1000, 1000, 1 }, { 0, 100000, 1000 } } };

	(void)state;
	assert_int_equal(maps_inside(MAPS_ROOT, &map, 1000), 0);
	assert_int_equal(maps_inside(MAPS_KEEP, &map, 1000), 1000);
	map = (struct idmap){ .n = 1, .r = { { 5, 100, 10 } } };
	assert_int_equal(maps_inside(MAPS_ROOT, &map, 103), 8);
	assert_int_equal(maps_inside(MAPS_ROOT, &map, 1000), 5);
}

static void finds_room_for_a_grant(void **state)
{
	static const struct {
		const char *taken;
		uint32_t start;
	} rows[] = {
		{ "", 100000 },
		{ "0+1000", 100000 },
		{ "100000+65536", 165536 },
		{ "99999+1", 100000 },
		{ "99999+2", 100001 },
		{ "165535+1", 165536 },
		{ "165536+65536", 100000 },
		{ "100000+65536 165536+65536", 231072 },
		{ "100000+65536 300000+65536", 165536 },
		{ "100000+65536 231071+5", 231076 },
		{ "100000+4294800000", 4294900000 },
		{ "100000+4294801759", 4294901759 },
		{ "100000+4294801760", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct idset AUTO(idset_clear) set = { 0 };

		read_set(rows[i].taken, &set);
		if (advice_free_start(&set) != rows[i].start)
			fail_msg("'%s': %u, not %u", rows[i].taken, advice_free_start(&set),
				 rows[i].start);
	}
}

static void reads_login_defs(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} rows[] = {
		{ "", false },
		{ "K yes\n", true },
		{ "K yes", true },
		{ "\tK\t\tYES \n", true },
		{ "K \"yes\"\n", true },
		{ "K yes\r\n", true },
		{ "K no\n", false },
		{ "K\n", false },
		{ "K\nyes\n", false },
		{ "#K yes\n", false },
		{ "# K yes\n", false },
		{ "KK yes\n", false },
		{ "K yesno\n", false },
		{ "X K yes\n", false },
		{ "K no\nK yes\n", true },
		{ "K yes\nK no\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (logindefs_text_yes(rows[i].text, "K") != rows[i].yes)
			fail_msg("'%s': not %d", rows[i].text, rows[i].yes);
}

static void reads_nsswitch(void **state)
{
	static const struct {
		const char *text;
		const char *source;
	} rows[] = {
		{ "", NULL },
		{ "passwd: files sss\n", NULL },
		{ "subid: files\n", NULL },
		{ "subid: files sss\n", NULL },
		{ "subid: sss\n", "sss" },
		{ "subid:sss", "sss" },
		{ "subid:\t sss files\n", "sss" },
		{ "SUBID: sss\r\n", "sss" },
		{ "#subid: sss\n", NULL },
		{ " subid: sss\n", NULL },
		{ "subid:\nsubid: sss\n", "sss" },
		{ "subid: sss\nsubid: files\n", "sss" },
		{ "subid: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = 0;
		const char *got = nss_subid_source(rows[i].text, &len);

		if (!rows[i].source != !got)
			fail_msg("'%s': %s", rows[i].text, got ? "a source" : "no source");
		if (got)
			assert_true(len == strlen(rows[i].source) &&
				    memcmp(got, rows[i].source, len) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lays_out_grants),
		cmocka_unit_test(leaves_out_what_the_kernel_does_not_take),
		cmocka_unit_test(hands_on_its_own_ids_line_by_line),
		cmocka_unit_test(reads_a_line_of_a_map),
		cmocka_unit_test(chooses_who_to_be_inside),
		cmocka_unit_test(finds_room_for_a_grant),
		cmocka_unit_test(reads_login_defs),
		cmocka_unit_test(reads_nsswitch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
