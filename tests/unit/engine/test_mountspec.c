/* SPDX-License-Identifier: Apache-2.0
 *
 * mountspec: what --volume, --mount and --tmpfs accept, and the normal form
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/err.h"
#include "runner/engine/mountspec.h"

enum how { VOLUME, MOUNT, TMPFS };

static int parse(enum how how, const char *text, struct mountspec *m, struct err *e)
{
	return how == VOLUME ? mountspec_parse_volume(text, "/cwd", m, e) :
	       how == MOUNT  ? mountspec_parse(text, "/cwd", m, e) :
			       mountspec_parse_tmpfs(text, m, e);
}

static void test_good(void **state)
{
	static const struct {
		enum how how;
		const char *text, *normal;
	} rows[] = {
		{ VOLUME, "/a:/b", "type=bind,src=/a,dst=/b,create" },
		{ VOLUME, "/a:/b:ro,U", "type=bind,src=/a,dst=/b,ro,create,U" },
		{ VOLUME, "/a:/b:z,rslave", "type=bind,src=/a,dst=/b,create,rslave" },
		{ VOLUME, "./x:/b", "type=bind,src=/cwd/./x,dst=/b,create" },
		{ VOLUME, "name:/b", "type=volume,src=name,dst=/b,create" },
		{ VOLUME, "/b", "type=volume,dst=/b,create" },
		{ VOLUME, "/a,b:/c", "type=bind,src=/a,,b,dst=/c,create" },
		{ MOUNT, "type=bind,src=/a,dst=/b,ro", "type=bind,src=/a,dst=/b,ro" },
		{ MOUNT, "dst=/b,type=bind,source=/a,readonly=true", "type=bind,src=/a,dst=/b,ro" },
		{ MOUNT, "type=bind,src=/a,,b,target=/c", "type=bind,src=/a,,b,dst=/c" },
		{ MOUNT, "type=tmpfs,dst=/t,tmpfs-size=5m", "type=tmpfs,dst=/t,size=5m" },
		{ MOUNT, "src=v,dst=/b", "type=volume,src=v,dst=/b" },
		{ MOUNT, "type=bind,src=/a,dst=/b,bind-propagation=rshared",
		  "type=bind,src=/a,dst=/b,rshared" },
		{ TMPFS, "/t", "type=tmpfs,dst=/t" },
		{ TMPFS, "/t:size=1k,noexec", "type=tmpfs,dst=/t,size=1k,noexec" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 }, again = { 0 };
		AUTO(strbuf_clear) struct strbuf b = { 0 }, b2 = { 0 };

		assert_int_equal(parse(rows[i].how, rows[i].text, &m, NULL), 0);
		assert_int_equal(mountspec_format(&m, &b), 0);
		assert_string_equal(b.s, rows[i].normal);
		/* the normal form means the same again */
		assert_int_equal(mountspec_parse(b.s, NULL, &again, NULL), 0);
		assert_int_equal(mountspec_format(&again, &b2), 0);
		assert_string_equal(b2.s, b.s);
	}
}

static void test_bad(void **state)
{
	static const struct {
		enum how how;
		const char *text;
	} rows[] = {
		{ VOLUME, "" }, { VOLUME, "relative" }, { VOLUME, "/a:" }, { VOLUME, ":/b" },
		{ VOLUME, "/a:b" }, { VOLUME, "/a:/" }, { VOLUME, "/a:///" }, { VOLUME, "/a:/b:nonsense" },
		{ VOLUME, "/a:/b:ro:rw" }, { VOLUME, "-name:/b" }, { VOLUME, "a/b:/c" },
		{ VOLUME, "/a:/b:size=5" }, { MOUNT, "" }, { MOUNT, "type=warp,dst=/b" },
		{ MOUNT, "type=bind,dst=/b" }, { MOUNT, "type=bind,src=/a" },
		{ MOUNT, "type=bind,src=/a,dst=/b,ro=maybe" }, { MOUNT, "type=bind,src=/a,dst=/b,readonly=" },
		{ MOUNT, "type=tmpfs,src=/a,dst=/b" }, { MOUNT, "type=bind,src=/a,dst=/b,fnord=1" },
		{ TMPFS, "" }, { TMPFS, "t" }, { TMPFS, "/t:fnord" }, { TMPFS, "/t:size=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		struct err e = { 0 };

		assert_int_equal(parse(rows[i].how, rows[i].text, &m, &e), -EINVAL);
		assert_int_equal(e.code, -EINVAL);
		assert_null(m.dst);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
