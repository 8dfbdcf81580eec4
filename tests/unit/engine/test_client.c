/* SPDX-License-Identifier: Apache-2.0
 *
 * client: the detach keys are found in any cut of the stream, and nothing is lost
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "runner/engine/client.h"

static void test_parse(void **state)
{
	static const char *const bad[] = { "ctrl-", "ctrl-pq", "ab", "ctrl-p,", "ctrl-1", "a,,b",
					   "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q" };
	struct detach d;

	(void)state;
	assert_int_equal(detach_parse("ctrl-p,ctrl-q", &d, NULL), 0);
	assert_int_equal(d.n, 2);
	assert_int_equal(d.keys[0], 16);
	assert_int_equal(d.keys[1], 17);
	assert_int_equal(detach_parse("", &d, NULL), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(detach_parse("a,ctrl-@,ctrl-_", &d, NULL), 0);
	assert_int_equal(d.keys[1], 0);
	assert_int_equal(d.keys[2], 31);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(detach_parse(bad[i], &d, NULL), -EINVAL);
}

static void check(const char *keys, const char *in, const char *want, bool gone)
{
	/* whole, and cut at every place */
	for (size_t cut = 0; cut <= strlen(in); cut++) {
		struct detach d;
		char out[64];
		size_t n = 0, m = 0;
		bool left;

		assert_int_equal(detach_parse(keys, &d, NULL), 0);
		left = detach_feed(&d, in, cut, out, &n);
		if (!left)
			left = detach_feed(&d, in + cut, strlen(in) - cut, out + n, &m);
		assert_int_equal(left, gone);
		assert_int_equal(n + m, strlen(want));
		assert_memory_equal(out, want, n + m);
	}
}

static void test_feed(void **state)
{
	(void)state;
	check("ctrl-p,ctrl-q", "hello", "hello", false);
	check("ctrl-p,ctrl-q", "a\20\21b", "a", true);
	check("ctrl-p,ctrl-q", "a\20b", "a\20b", false);
	check("ctrl-p,ctrl-q", "\20\20\21", "\20", true);
	check("ctrl-p,ctrl-q", "\20", "", false);
	check("a,a,b", "aab", "", true);
	check("x", "abxc", "ab", true);
	check("", "a\20\21b", "a\20\21b", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_feed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
