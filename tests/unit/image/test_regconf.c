/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/io.h"
#include "runner/image/auth.h"
#include "runner/image/regconf.h"
#include "runner/image/unpack.h"

static void test_parse(void **state)
{
	static const char text[] =
		"# comment\n"
		"unqualified-search-registries = [ \"a.example\", # one\n 'b.example', ]\n"
		"short-name-mode=\"permissive\"\n"
		"[[registry]]\nprefix = \"example.com/x\"\nlocation = \"real.example/y\"\n"
		"insecure = true\n"
		"[[registry.mirror]]\nlocation = \"m1.example/z\"\n"
		"[[registry.mirror]]\nlocation = \"m2.example\"\ninsecure = true\n"
		"[[registry]]\nlocation = \"blocked.example\"\nblocked = true\n"
		"[aliases]\n\"short\" = \"a.example/long\"\nbare=\"b.example/bare\"";
	AUTO(regconf_clear) struct regconf c = { 0 };
	struct err e = { 0 };
	struct ref ref;
	struct ref at;
	char buf[REF_STR_MAX];

	(void)state;
	if (regconf_parse(text, "f", &c, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(c.search.n, 2);
	assert_string_equal(c.search.v[1], "b.example");
	assert_int_equal(c.n, 2);
	assert_int_equal(c.entries[0].n_mirrors, 2);
	assert_true(c.entries[0].mirrors[1].insecure);
	assert_true(c.entries[0].self.insecure);
	assert_string_equal(c.entries[1].prefix, "blocked.example");
	assert_true(c.entries[1].blocked);
	assert_int_equal(c.aliases.n, 2);

	assert_int_equal(ref_parse("example.com/x/app:7", &ref, NULL), 0);
	const struct reg_entry *r = regconf_find(&c, &ref);
	assert_ptr_equal(r, &c.entries[0]);
	assert_int_equal(regconf_place(&ref, r->prefix, &r->mirrors[0], &at, NULL), 0);
	(void)ref_canonical(&at, buf);
	assert_string_equal(buf, "m1.example/z/app:7");
	/* a prefix ends at a part of the name */
	assert_int_equal(ref_parse("example.com/xy", &ref, NULL), 0);
	assert_null(regconf_find(&c, &ref));
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"x", "x =", "x = 5", "[", "[x", "[[registry]", "[[registry]]\n", "[unknown]\n",
		"[registries.search]\nregistries=[]", "[[registry.mirror]]\nlocation=\"x\"",
		"unqualified-search-registries = \"x\"", "unqualified-search-registries = [\"x\"",
		"unqualified-search-registries = [x]", "unqualified-search-registries = [\"x\" \"y\"]",
		"unqualified-search-registries = [\"x", "[[registry]]\nlocation = true",
		"[[registry]]\nlocation = \"a\"\ninsecure = \"yes\"", "[[registry]]\nunknown = true",
		"[[registry]]\nprefix = \"*.example.com\"", "[aliases]\na = true",
		"short-name-mode = \"\"\"x\"\"\"", "short-name-mode = \"x\" y",
		"[[registry]]\nlocation=\"a\"\n[[registry.mirror]]\n", "short-name-mode = \"\\x\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO(regconf_clear) struct regconf c = { 0 };
		struct err e = { 0 };

		if (regconf_parse(bad[i], "file", &c, &e) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		assert_non_null(strstr(e.msg, "file: line "));
	}
}

static void test_auth(void **state)
{
	char folder[] = "/tmp/test-auth.XXXXXX";
	struct credentials c = { 0 };
	char *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	file = xasprintf("%s/sub/auth.json", folder);
	/* nothing there is no credentials, and no error */
	assert_int_equal(auth_find(file, "a.example", "x", &c, NULL), 0);
	assert_null(c.user);
	assert_int_equal(auth_save(file, "a.example", NULL, NULL, NULL), -ENOENT);

	assert_int_equal(auth_parse_pair("me:se:cret", &c, NULL), 0);
	assert_int_equal(auth_save(file, "a.example", &c, NULL, NULL), 0);
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "a.example", "team/x", &c, NULL), 0);
	assert_string_equal(c.user, "me");
	assert_string_equal(c.password, "se:cret");
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "b.example", "x", &c, NULL), 0);
	assert_null(c.user);

	/* the longest name wins; Docker's spellings count */
	static const char text[] =
		"{\"auths\":{\"a.example\":{\"auth\":\"YTpi\"},\"a.example/team\":{\"auth\":\"Yzpk\"},"
		"\"https://index.docker.io/v1/\":{\"auth\":\"ZTpm\"},\"t.example\":{\"identitytoken\":"
		"\"tok\"},\"bad.example\":{\"auth\":\"!!\"},\"odd.example\":5}}";
	assert_int_equal(io_replace_file_at(-100, file, text, strlen(text), 0600), 0);
	assert_int_equal(auth_find(file, "a.example", "team/x", &c, NULL), 0);
	assert_string_equal(c.user, "c");
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "a.example", "teamx/x", &c, NULL), 0);
	assert_string_equal(c.user, "a");
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "docker.io", "library/x", &c, NULL), 0);
	assert_string_equal(c.user, "e");
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "t.example", "x", &c, NULL), 0);
	assert_string_equal(c.token, "tok");
	credentials_clear(&c);
	assert_int_equal(auth_find(file, "bad.example", "x", &c, NULL), 0);
	assert_int_equal(auth_find(file, "odd.example", "x", &c, NULL), 0);
	assert_null(c.user);

	/* what is no JSON is said, not passed over */
	assert_int_equal(io_replace_file_at(-100, file, "{", 1, 0600), 0);
	assert_int_equal(auth_find(file, "a.example", "x", &c, NULL), -EINVAL);
	(void)io_remove_tree_at(-100, folder);
	free(file);
}

static void test_clean_path(void **state)
{
	static const char *const good[][2] = {
		{ "", "" },	     { ".", "" },	{ "/", "" },	    { "./", "" },
		{ "a", "a" },	     { "/a/b", "a/b" }, { "a//b/", "a/b" }, { "./a/./b", "a/b" },
		{ "a/../b", "b" },   { "a/..", "" },	{ "a/b/../..", "" }, { "..a/b..", "..a/b.." },
	};
	static const char *const bad[] = { "..", "/..", "a/../..", "../a", "./../a", "a/../../b" };
	char out[4096];
	char longest[4096 + 10];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(unpack_clean_path(good[i][0], out), 0);
		assert_string_equal(out, good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(unpack_clean_path(bad[i], out), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[256] = '\0';
	assert_int_equal(unpack_clean_path(longest, out), -ENAMETOOLONG);
	longest[255] = '\0';
	assert_int_equal(unpack_clean_path(longest, out), 0);
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 2 ? '/' : 'a';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(unpack_clean_path(longest, out), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_clean_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
