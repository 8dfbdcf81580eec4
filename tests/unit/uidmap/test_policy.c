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
#include "uidmap/idset.h"
#include "uidmap/kind.h"
#include "uidmap/policy.h"
#include "uidmap/subid.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

enum { OK, DENY, NOT_GRANTED, SHAPE, SYNTAX };

/**
 * struct call - one call of newuidmap or newgidmap
 * @grants:	lines of the subid file, ';' for newline, for alice, uid 1000
 * @words:	the words behind the target, for a caller with uid 1000, gid 100
 * @answer:	OK; DENY: allowed, and setgroups is denied first; or refused
 */
struct call {
	const char *grants;
	const char *words;
	int answer;
};

#define G "alice:100000:65536"

static const struct call uid_calls[] = {
	/* granted */
	{ G, "0 1000 1 1 100000 65536", OK },
	{ G, "0 100000 65536", OK },
	{ G, "0 100000 1", OK },
	{ G, "0 165535 1", OK },
	{ G, "7 130000 5", OK },
	{ G, "4294967294 100000 1", OK },
	{ G, "4294901759 100000 65536", OK },
	{ G, "0 100000 10 10 100010 10", OK },
	{ G, "10 100000 10 0 100010 10", OK },
	{ "1000:100000:65536", "0 100000 65536", OK },
	{ "alice:1:1;alice:3:1", "0 1 1 1 3 1", OK },
	{ "alice:100000:10;alice:100010:10", "0 100000 20", OK },
	{ "alice:100000:10;1000:100010:10", "0 100000 20", OK },
	{ "alice:100005:10;alice:100000:10", "0 100000 15", OK },
	{ "alice:100000:100;alice:100010:10", "0 100000 100", OK },
	{ "alice:1000:5", "0 1000 5", OK },
	/* the own id needs no grant */
	{ "", "0 1000 1", OK },
	{ "", "1000 1000 1", OK },
	{ "bob:100000:65536", "5 1000 1", OK },
	{ G, "0 1000 1", OK },
	/* not granted */
	{ "", "0 100000 1", NOT_GRANTED },
	{ "", "0 1000 2", NOT_GRANTED },
	{ "", "0 999 1", NOT_GRANTED },
	{ "", "0 100 1", NOT_GRANTED },
	{ "", "0 0 1", NOT_GRANTED },
	{ "", "0 65534 1", NOT_GRANTED },
	{ "bob:100000:65536", "0 100000 65536", NOT_GRANTED },
	{ "1001:100000:65536", "0 100000 65536", NOT_GRANTED },
	{ G, "0 99999 1", NOT_GRANTED },
	{ G, "0 165536 1", NOT_GRANTED },
	{ G, "0 99999 2", NOT_GRANTED },
	{ G, "0 165535 2", NOT_GRANTED },
	{ G, "0 100000 65537", NOT_GRANTED },
	{ G, "0 1000 1 1 100000 65536 65537 165536 1", NOT_GRANTED },
	{ G, "0 165536 1 1 100000 1", NOT_GRANTED },
	{ G, "0 1001 1 1 100000 65536", NOT_GRANTED },
	{ G, "0 0 4294967295", NOT_GRANTED },
	{ "alice:100000:10;alice:100011:10", "0 100000 20", NOT_GRANTED },
	{ "alice:100000:10;bob:100010:10", "0 100000 20", NOT_GRANTED },
	{ "alice:100000:0", "0 100000 1", NOT_GRANTED },
	{ "#alice:100000:65536", "0 100000 1", NOT_GRANTED },
	{ "alice:0x186a0:65536", "0 100000 1", NOT_GRANTED },
	{ "alice:0100000:65536", "0 100000 1", NOT_GRANTED },
	/* the real root is nobody's but root's */
	{ "alice:0:100", "0 0 1", NOT_GRANTED },
	{ "alice:0:100", "0 0 100", NOT_GRANTED },
	{ "alice:0:100", "1 1 99", OK },
	/* no kernel takes these */
	{ G, "0 100000 0", SHAPE },
	{ G, "0 1000 0", SHAPE },
	{ G, "0 1000 1 1 100000 0", SHAPE },
	{ G, "0 100000 10 5 100100 10", SHAPE },
	{ G, "0 100000 10 100 100005 10", SHAPE },
	{ G, "0 100000 10 0 100000 10", SHAPE },
	{ G, "0 1000 1 1 1000 1", SHAPE },
	{ G, "0 1000 1 0 100000 1", SHAPE },
	{ "alice:1000:5", "0 1000 1 1 1000 5", SHAPE },
	{ "alice:1:4294967294", "0 1 4294967295", SHAPE },
	{ "alice:1:4294967294", "4294967294 1 2", SHAPE },
	{ "alice:1:4294967294", "4294967295 1 1", SHAPE },
	{ "alice:1:4294967294", "0 4294967295 1", SHAPE },
	{ "alice:1:4294967294", "0 4294967294 2", SHAPE },
	{ "alice:1:4294967294", "0 4294967295 4294967295", SHAPE },
	{ "alice:1:4294967294", "0 1 4294967294", OK },
	/* no map at all */
	{ G, "", SYNTAX },
	{ G, "0", SYNTAX },
	{ G, "0 100000", SYNTAX },
	{ G, "0 100000 1 1", SYNTAX },
	{ G, "0 100000 -1", SYNTAX },
	{ G, "+0 100000 1", SYNTAX },
	{ G, "0 100000 1x", SYNTAX },
	{ G, "0 0x186a0 1", SYNTAX },
	{ G, "0 0100000 1", SYNTAX },
	{ G, "00 100000 1", SYNTAX },
	{ G, "0 100000 4294967296", SYNTAX },
	{ G, "0 18446744073709651616 1", SYNTAX },
	{ G, "0 4295067296 1", SYNTAX },
	{ G, "0 1e5 1", SYNTAX },
	{ G, "0 100000 ''", SYNTAX },
};

static const struct call gid_calls[] = {
	{ G, "0 100 1 1 100000 65536", OK },
	{ G, "0 100000 65536", OK },
	{ G, "0 100000 1 1 100 1", OK },
	{ "alice:100:5", "0 100 1", OK },
	{ "alice:0:5", "0 0 5", OK },
	{ "", "0 100 1", DENY },
	{ G, "0 100 1", DENY },
	{ "bob:100:1", "0 100 1", DENY },
	{ "100:100:1", "0 100 1", DENY },
	{ "", "0 1000 1", NOT_GRANTED },
	{ "", "0 100 2", NOT_GRANTED },
	{ "", "0 0 1", NOT_GRANTED },
	{ "", "0 27 1", NOT_GRANTED },
	{ G, "0 27 1 1 100000 65536", NOT_GRANTED },
	{ "100:100000:65536", "0 100000 1", NOT_GRANTED },
	{ "staff:100000:65536", "0 100000 1", NOT_GRANTED },
	{ G, "0 100 1 1 100 1", SHAPE },
	{ G, "0 100 0", SHAPE },
	{ G, "0 100 1 1", SYNTAX },
};

static int take(void *arg, const struct subid_line *line)
{
	return subid_owner_is(line, 1000, "alice") ? idset_add(arg, line->start, line->count) : 0;
}

static void read_grants(const char *lines, struct idset *ret)
{
	struct subid_scan scan = { .sink = { take, ret } };

	for (; *lines; lines++)
		assert_int_equal(subid_scan_feed(&scan, *lines == ';' ? "\n" : lines, 1), 0);
	assert_int_equal(subid_scan_end(&scan), 0);
	idset_normalise(ret);
}

static int answer(const struct idkind *kind, const struct call *call, struct err *e)
{
	static const struct policy_caller caller = { .uid = 1000, .gid = 100, .known = true,
						     .primary_gid = 100 };
	struct idset AUTO(idset_clear) grants = { 0 };
	char text[200], *words[40], *save = NULL;
	struct idmap map;
	bool deny = false;
	int n = 0, r;

	(void)snprintf(text, sizeof(text), "%s", call->words);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "''") == 0)
			*w = '\0';
		words[n++] = w;
	}
	if (idmap_parse(words, n, &map, e) < 0)
		return SYNTAX;
	read_grants(call->grants, &grants);
	r = policy_map_check(kind, &caller, &map, &grants, &deny, e);
	if (r == -EPERM)
		return NOT_GRANTED;
	return r < 0 ? SHAPE : deny ? DENY : OK;
}

static void check_calls(const struct idkind *kind, const struct call *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = { 0 };
		int got = answer(kind, &calls[i], &e);

		if (got != calls[i].answer)
			fail_msg("%s with '%s': '%s': %d, not %d (%s)", kind->prog,
				 calls[i].grants, calls[i].words, got, calls[i].answer, e.msg);
		if (got > DENY && !e.msg[0])
			fail_msg("%s '%s': refused without a word", kind->prog, calls[i].words);
	}
}

static void answers_newuidmap(void **state)
{
	(void)state;
	check_calls(&kind_uid, uid_calls, COUNT(uid_calls));
}

static void answers_newgidmap(void **state)
{
	(void)state;
	check_calls(&kind_gid, gid_calls, COUNT(gid_calls));
}

static void lets_root_map_root(void **state)
{
	static const struct policy_caller root = { .known = true };
	struct idset none = { 0 };
	struct idmap map = { .n = 1, .r = { { 0, 0, 1 } } };
	bool deny;

	(void)state;
	assert_int_equal(policy_map_check(&kind_uid, &root, &map, &none, &deny, NULL), 0);
	map.r[0].count = 2;
	assert_int_equal(policy_map_check(&kind_uid, &root, &map, &none, &deny, NULL), -EPERM);
}

static void knows_whose_target_it_is(void **state)
{
	static const struct policy_caller alice = { .uid = 1000, .gid = 100, .known = true,
						    .primary_gid = 100 };
	static const struct policy_caller aux = { .uid = 1000, .gid = 50, .known = true,
						  .primary_gid = 100, .aux_groups = true };
	static const struct policy_caller other_group = { .uid = 1000, .gid = 50, .known = true,
							  .primary_gid = 100 };
	static const struct policy_caller nameless = { .uid = 1000, .gid = 50 };
	static const struct {
		const struct policy_caller *caller;
		struct policy_target target;
		int answer;
		const char *words;
	} rows[] = {
		{ &alice, { "5", 1000, 100, true, false, true, 1000 }, 0, "" },
		{ &alice, { "5", 1000, 100, false, false, false, 0 }, 0, "" },
		{ &aux, { "5", 1000, 50, true, false, true, 1000 }, 0, "" },
		{ &nameless, { "5", 1000, 50, true, false, true, 1000 }, 0, "" },
		{ &alice, { "5", 0, 0, true, false, true, 1000 }, -EPERM, "different user" },
		{ &alice, { "5", 1001, 100, true, false, true, 1000 }, -EPERM, "different user" },
		{ &alice, { "5", 1000, 101, true, false, true, 1000 }, -EPERM, "different user" },
		{ &alice, { "5", 1001, 100, false, false, false, 0 }, -EPERM, "different user" },
		{ &aux, { "5", 1000, 100, true, false, true, 1000 }, -EPERM, "different user" },
		{ &other_group, { "5", 1000, 50, true, false, true, 1000 }, -EPERM,
		  "primary group" },
		{ &alice, { "5", 1000, 100, true, true, false, 0 }, -EPERM,
		  "own user namespace" },
		{ &alice, { "5", 1000, 100, true, false, true, 0 }, -EPERM, "owned by uid 0" },
		{ &alice, { "5", 1000, 100, true, false, true, 1001 }, -EPERM,
		  "owned by uid 1001" },
		{ &alice, { "5", 1000, 100, true, false, false, 1000 }, -EPERM, "not a child" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };

		assert_int_equal(policy_target_check(&kind_uid, rows[i].caller, &rows[i].target, &e),
				 rows[i].answer);
		if (!strstr(e.msg, rows[i].words))
			fail_msg("row %zu: no '%s' in '%s'", i, rows[i].words, e.msg);
	}
}

/* Scripts, shadow's own tests among them, look for these words. */
static void says_it_in_shadows_words(void **state)
{
	static const struct policy_caller alice = { .uid = 1000, .gid = 100 };
	static const struct policy_target root = { .name = "1" };
	struct err e = { 0 };

	(void)state;
	(void)policy_target_check(&kind_uid, &alice, &root, &e);
	assert_non_null(strstr(e.msg, "Target process 1 is owned by a different user"));
	(void)policy_target_check(&kind_gid, &alice, &root, &e);
	assert_non_null(strstr(e.msg, "Target 1 is owned by a different user"));
	assert_int_equal(answer(&kind_uid, &(struct call){ "", "0 5 2", 0 }, &e), NOT_GRANTED);
	assert_string_equal(e.msg, "uid range [0-2) -> [5-7) not allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_newuidmap),
		cmocka_unit_test(answers_newgidmap),
		cmocka_unit_test(lets_root_map_root),
		cmocka_unit_test(knows_whose_target_it_is),
		cmocka_unit_test(says_it_in_shadows_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
