/* SPDX-License-Identifier: Apache-2.0
 *
 * idplan: the answer of `uidmap plan --json` to a map
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "runner/engine/rootless.h"

#define MAPS "\"uid_map\":[{\"inside\":0,\"outside\":1000,\"count\":1},{\"inside\":1,\"outside\":100000,\"count\":65536}]," \
	     "\"gid_map\":[{\"inside\":0,\"outside\":1000,\"count\":1}]"

static int parse(const char *text, struct id_plan *plan, struct err *e)
{
	return id_plan_parse(text, strlen(text), plan, e);
}

static void test_good(void **state)
{
	struct id_plan p = { 0 };

	(void)state;
	assert_int_equal(parse("{\"version\":1,\"mode\":\"range\",\"newuidmap\":\"/u\",\"newgidmap\":\"/g\"," MAPS "}",
			       &p, NULL), 0);
	assert_int_equal(p.n_uid, 2);
	assert_int_equal(p.uid[1].outside, 100000);
	assert_int_equal(p.uid[1].count, 65536);
	assert_string_equal(p.newuidmap, "/u");
	assert_false(p.together);
	id_plan_clear(&p);
	assert_int_equal(parse("{\"version\":1,\"mode\":\"range\",\"newuidmap\":\"/u\",\"newgidmap\":\"/g\","
			       "\"together\":true," MAPS "}",
			       &p, NULL), 0);
	assert_true(p.together);
	id_plan_clear(&p);
	assert_int_equal(parse("{\"version\":1,\"mode\":\"single\",\"newuidmap\":null," MAPS "}", &p, NULL), 0);
	assert_null(p.newuidmap);
	id_plan_clear(&p);
}

static void test_none(void **state)
{
	struct id_plan p = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse("{\"version\":1,\"mode\":\"none\",\"uid_map\":[],\"gid_map\":[],"
			       "\"missing\":[{\"what\":\"userns\",\"why\":\"the limit is 0\"}]}", &p, &e), -EPERM);
	assert_non_null(strstr(e.msg, "the limit is 0"));
	assert_int_equal(parse("{\"version\":1,\"mode\":\"none\","
			       "\"missing\":[{\"what\":\"userns\",\"why\":\"the limit is 0\","
			       "\"line\":\"raise it\"}]}", &p, &e), -EPERM);
	assert_non_null(strstr(e.msg, "the limit is 0: an admin can: raise it"));
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"", "{}", "[]", "{\"version\":2,\"mode\":\"single\"," MAPS "}", "{\"version\":1," MAPS "}",
		"{\"version\":1,\"mode\":\"single\"}",
		"{\"version\":1,\"mode\":\"range\"," MAPS "}",
		"{\"version\":1,\"mode\":\"single\",\"uid_map\":[],\"gid_map\":[]}",
		"{\"version\":1,\"mode\":\"single\",\"uid_map\":[{\"inside\":-1,\"outside\":1,\"count\":1}],\"gid_map\":[]}",
		"{\"version\":1,\"mode\":\"single\",\"uid_map\":[{\"inside\":0,\"outside\":1,\"count\":0}],\"gid_map\":[]}",
		"{\"version\":1,\"mode\":\"single\",\"uid_map\":[{\"inside\":0,\"outside\":4294967296,\"count\":1}],\"gid_map\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct id_plan p = { 0 };
		struct err e = { 0 };

		assert_int_equal(parse(rows[i], &p, &e), -EINVAL);
		assert_int_equal(e.code, -EINVAL);
		assert_null(p.uid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
