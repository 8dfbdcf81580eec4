/* SPDX-License-Identifier: Apache-2.0
 *
 * user: names and numbers from an image's passwd and group
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "runner/engine/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# no entry\n"
			     "broken\n"
			     "short:x\n"
			     "bad:x:abc:1:::\n"
			     "app:x:1000:1001:App:/home/app:/bin/sh\n"
			     "nohome:x:5:6:::\n"
			     "last:x:7:8:l:/l:/s";
static const char group[] = "root:x:0:\nstaff:x:50:app,other\nwheel:x:10:root\napps:x:60:xapp,appx\nopen:x:70:app";

static void test_good(void **state)
{
	static const struct {
		const char *spec;
		uid_t uid;
		gid_t gid;
		const char *home;
		size_t n;
		gid_t first;
	} rows[] = {
		{ "", 0, 0, "/root", 1, 10 },	    { "root", 0, 0, "/root", 1, 10 },
		{ "app", 1000, 1001, "/home/app", 2, 50 }, { "1000", 1000, 1001, "/home/app", 2, 50 },
		{ "app:staff", 1000, 50, "/home/app", 0, 0 }, { "app:99", 1000, 99, "/home/app", 0, 0 },
		{ "4242", 4242, 0, "/", 0, 0 },	    { "4242:70", 4242, 70, "/", 0, 0 },
		{ "nohome", 5, 6, "/", 0, 0 },	    { "last", 7, 8, "/l", 0, 0 },
		{ ":50", 0, 50, "/root", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u;

		assert_int_equal(user_parse(rows[i].spec, passwd, group, &u, NULL), 0);
		assert_int_equal(u.uid, rows[i].uid);
		assert_int_equal(u.gid, rows[i].gid);
		assert_string_equal(u.home, rows[i].home);
		assert_int_equal(u.n_gids, rows[i].n);
		if (rows[i].n)
			assert_int_equal(u.gids[0], rows[i].first);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = { "missing", "app:missing", "bad", "99999999999", "-1", "broken",
					      "4294967295", "0:4294967295" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u = { .uid = 77 };
		struct err e = { 0 };

		assert_int_equal(user_parse(rows[i], passwd, group, &u, &e), -ENOENT);
		assert_int_equal(u.uid, 77);
		assert_int_equal(e.code, -ENOENT);
	}
}

static void test_without_files(void **state)
{
	struct user u;

	(void)state;
	assert_int_equal(user_parse("", NULL, NULL, &u, NULL), 0);
	assert_int_equal(u.uid, 0);
	assert_int_equal(user_parse("3:4", NULL, NULL, &u, NULL), 0);
	assert_int_equal(u.gid, 4);
	assert_int_equal(user_parse("root", NULL, NULL, &u, NULL), -ENOENT);
}

static void test_add_group(void **state)
{
	struct user u = { 0 };

	(void)state;
	assert_int_equal(user_add_group(&u, "staff", group, NULL), 0);
	assert_int_equal(user_add_group(&u, "50", group, NULL), 0);
	assert_int_equal(u.n_gids, 1);
	assert_int_equal(user_add_group(&u, "nope", group, NULL), -ENOENT);
	for (unsigned int i = 1000; u.n_gids < USER_GROUPS_MAX; i++) {
		char n[16];

		(void)snprintf(n, sizeof(n), "%u", i);
		assert_int_equal(user_add_group(&u, n, group, NULL), 0);
	}
	assert_int_equal(user_add_group(&u, "9", group, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_without_files),
		cmocka_unit_test(test_add_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
