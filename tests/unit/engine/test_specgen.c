/* SPDX-License-Identifier: Apache-2.0
 *
 * specgen: capabilities, limits and security options to what they mean
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/specgen.h"
#include "runner/oci/spec.h"

static void list(struct strv *l, const char *words)
{
	if (*words)
		assert_int_equal(strv_split(l, words, ','), 0);
}

static void test_caps(void **state)
{
	static const struct engine eng = { .root_fd = -1, .runroot_fd = -1 };
	const struct {
		const char *add, *drop;
		bool privileged;
		uint64_t want;
	} rows[] = {
		{ "", "", false, spec_caps_default() },
		{ "", "ALL", false, 0 },
		{ "chown", "ALL", false, 1 },
		{ "CAP_CHOWN,cap_kill", "all", false, 1 | 1 << 5 },
		{ "ALL", "", false, spec_caps_all() },
		{ "ALL", "chown", false, spec_caps_all() & ~1ULL },
		{ "", "chown", false, spec_caps_default() & ~1ULL },
		{ "sys_admin", "", false, spec_caps_default() | 1ULL << 21 },
		{ "", "", true, spec_caps_all() },
	};
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(container_free) struct container *c = container_new(&eng);

		list(&c->config.cap_add, rows[i].add);
		list(&c->config.cap_drop, rows[i].drop);
		c->config.privileged = rows[i].privileged;
		assert_int_equal(specgen_caps(c, &got, NULL), 0);
		assert_true(got == rows[i].want);
	}
	AUTO(container_free) struct container *c = container_new(&eng);
	list(&c->config.cap_add, "nonsense");
	assert_int_equal(specgen_caps(c, &got, NULL), -EINVAL);
}

static void test_ulimit(void **state)
{
	static const char *const bad[] = { "", "nofile", "nofile=", "nofile=a", "nofile=1:a", "fnord=1",
					   "nofile=2:1", "nofile=-2", "=1", "nofile=1:2:3" };
	uint64_t soft, hard;
	int resource;

	(void)state;
	assert_int_equal(specgen_ulimit("nofile=64:128", &resource, &soft, &hard, NULL), 0);
	assert_int_equal(resource, RLIMIT_NOFILE);
	assert_true(soft == 64 && hard == 128);
	assert_int_equal(specgen_ulimit("core=0", &resource, &soft, &hard, NULL), 0);
	assert_true(resource == RLIMIT_CORE && soft == 0 && hard == 0);
	assert_int_equal(specgen_ulimit("memlock=-1", &resource, &soft, &hard, NULL), 0);
	assert_true(hard == RLIM_INFINITY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(specgen_ulimit(bad[i], &resource, &soft, &hard, &e), -EINVAL);
		assert_int_equal(e.code, -EINVAL);
	}
}

static void test_security(void **state)
{
	static const char *const good[] = { "no-new-privileges", "no-new-privileges=true",
					    "no-new-privileges:false", "seccomp=unconfined",
					    "seccomp=/x.json", "label=disable", "apparmor=unconfined" };
	static const char *const bad[] = { "", "fnord", "no-new-privileges=maybe", "apparmor=profile",
					   "label=type:x", "seccomp" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		AUTO(strv_clear) struct strv l = { 0 };

		assert_int_equal(strv_add(&l, good[i]), 0);
		assert_int_equal(specgen_security_check(&l, NULL), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		AUTO(strv_clear) struct strv l = { 0 };

		assert_int_equal(strv_add(&l, bad[i]), 0);
		assert_int_equal(specgen_security_check(&l, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_ulimit),
		cmocka_unit_test(test_security),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
