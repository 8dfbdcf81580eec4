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
#include "runner/image/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* text, canonical, familiar */
static const char *const good[][3] = {
	{ "hello", "docker.io/library/hello:latest", "hello" },
	{ "hello:1", "docker.io/library/hello:1", "hello" },
	{ "user/app", "docker.io/user/app:latest", "user/app" },
	{ "library/hello", "docker.io/library/hello:latest", "hello" },
	{ "a/b/c:2", "docker.io/a/b/c:2", "a/b/c" },
	{ "docker.io/hello", "docker.io/library/hello:latest", "hello" },
	{ "index.docker.io/hello", "docker.io/library/hello:latest", "hello" },
	{ "docker://quay.io/x/y", "quay.io/x/y:latest", "quay.io/x/y" },
	{ "localhost/x", "localhost/x:latest", "localhost/x" },
	{ "localhost:5000/x:tag", "localhost:5000/x:tag", "localhost:5000/x" },
	{ "localhost:5000", "docker.io/library/localhost:5000", "localhost" },
	{ "127.0.0.1:80/x", "127.0.0.1:80/x:latest", "127.0.0.1:80/x" },
	{ "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x" },
	{ "REG/x", "REG/x:latest", "REG/x" },
	{ "hello@sha256:" HEX, "docker.io/library/hello@sha256:" HEX, "hello" },
	{ "hello:1@sha256:" HEX, "docker.io/library/hello@sha256:" HEX, "hello" },
	{ "a-b--c_d__e.f:V_1.x-2", "docker.io/library/a-b--c_d__e.f:V_1.x-2", "a-b--c_d__e.f" },
	{ "x:" HUNDRED TEN TEN "aaaaaaaa", "docker.io/library/x:" HUNDRED TEN TEN "aaaaaaaa", "x" },
};

static const char *const bad[] = {
	"", ":", "@", "/", "a//b", "a/", "/a", "Upper", "a b", "a:b:c", "a:", "a:-x", "a:.x", "a@x",
	"a@sha256:0", "a@sha512:" HEX, "a@sha256:" HEX "0", "a..b", "a___b", "_a", "a_", "-a", "a.",
	"a.b:x/y", "a.b:99999/y", "-x.y/z", "x..y/z", "[::1/x", "[]/x", "[::1]5/x", "a\nb",
	"a.b/", "\xc3\xa4", "x:" HUNDRED TEN TEN TEN, HUNDRED HUNDRED HUNDRED, "a/../b", "./a",
};

static void test_good(void **state)
{
	char buf[REF_STR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct ref r;
		struct err e = { 0 };

		if (ref_parse(good[i][0], &r, &e))
			fail_msg("%s: %s", good[i][0], e.msg);
		assert_true(ref_canonical(&r, buf) > 0);
		assert_string_equal(buf, good[i][1]);
		assert_true(ref_familiar(&r, buf) > 0);
		assert_string_equal(buf, good[i][2]);

		/* a canonical name is its own */
		struct ref again;
		(void)ref_canonical(&r, buf);
		assert_int_equal(ref_parse(buf, &again, &e), 0);
		(void)ref_canonical(&again, buf);
		assert_string_equal(buf, good[i][1]);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ref r = { .tag = "untouched" };
		struct err e = { 0 };

		if (ref_parse(bad[i], &r, &e) != -EINVAL)
			fail_msg("'%s' is taken for an image name", bad[i]);
		assert_string_equal(r.tag, "untouched");
		assert_true(e.msg[0]);
	}
}

static void test_domain(void **state)
{
	char buf[REF_STR_MAX];
	struct ref r;

	(void)state;
	assert_int_equal(ref_parse("hello:1", &r, NULL), 0);
	assert_true(r.is_short);
	assert_int_equal(ref_set_domain(&r, "localhost"), 0);
	(void)ref_canonical(&r, buf);
	assert_string_equal(buf, "localhost/hello:1");
	assert_int_equal(ref_set_domain(&r, "docker.io"), 0);
	(void)ref_canonical(&r, buf);
	assert_string_equal(buf, "docker.io/library/hello:1");
	assert_int_equal(ref_parse("quay.io/library/x", &r, NULL), 0);
	assert_false(r.is_short);
	assert_int_equal(ref_set_domain(&r, "mirror.example"), 0);
	(void)ref_canonical(&r, buf);
	assert_string_equal(buf, "mirror.example/library/x:latest");
	assert_int_equal(ref_set_domain(&r, HUNDRED HUNDRED HUNDRED), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
