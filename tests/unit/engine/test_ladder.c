/* SPDX-License-Identifier: Apache-2.0
 *
 * ladder: what is asked for is there, and a better rung is good enough
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ladder.h"

static void test_check(void **state)
{
	static const char *const bad[] = { "", "ids", "ids=", "ids=two", "rootfs=native overlay", "idsx=one",
					   "=one", "network=slirp-net", "rootfs=overlay " };
	static const char *const good[] = { "ids=host", "ids=range", "ids=recorded", "ids=one", "rootfs=overlay",
					    "rootfs=fuse-overlay", "rootfs=copy", "cgroups=cgroup2",
					    "cgroups=systemd", "cgroups=none", "network=host",
					    "network=splice", "network=tap", "network=packet",
					    "network=none" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ladder_check(bad[i], NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(ladder_check(good[i], NULL), 0);
}

static void test_require(void **state)
{
	static char range[] = "range", recorded[] = "recorded", one[] = "one", native[] = "native overlay", copy[] = "copy",
		    none[] = "none", splice[] = "splice", packet[] = "packet",
		    unknown[] = "slirp-net";
	static const struct {
		const char *require;
		char *ids, *rootfs, *cgroups;
		int want;
		char *network;
	} rows[] = {
		{ "ids=range", range, native, none, 0 },
		{ "ids=one", range, native, none, 0 },
		{ "ids=range", one, native, none, -ENOTSUP },
		{ "ids=range", recorded, native, none, -ENOTSUP },
		{ "ids=recorded", range, native, none, 0 },
		{ "ids=recorded", recorded, native, none, 0 },
		{ "ids=recorded", one, native, none, -ENOTSUP },
		{ "ids=one", recorded, native, none, 0 },
		{ "ids=host", range, native, none, -ENOTSUP },
		{ "rootfs=overlay", range, native, none, 0 },
		{ "rootfs=fuse-overlay", range, native, none, 0 },
		{ "rootfs=fuse-overlay", range, copy, none, -ENOTSUP },
		{ "rootfs=copy", range, copy, none, 0 },
		{ "cgroups=cgroup2", range, native, none, -ENOTSUP },
		{ "cgroups=none", range, native, none, 0 },
		{ "cgroups=none", range, native, NULL, -ENOTSUP },
		{ "fnord=none", range, native, none, -EINVAL },
		{ "network=splice", range, native, none, 0, splice },
		{ "network=tap", range, native, none, 0, splice },
		{ "network=splice", range, native, none, -ENOTSUP, packet },
		{ "network=tap", range, native, none, -ENOTSUP, packet },
		{ "network=packet", range, native, none, -ENOTSUP, none },
		{ "network=none", range, native, none, 0, packet },
		{ "network=none", range, native, none, -ENOTSUP, unknown },
		{ "network=host", range, native, none, -ENOTSUP, splice },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(strv_clear) struct strv l = { 0 };
		struct container_state st = { .rung_ids = rows[i].ids,
					      .rung_rootfs = rows[i].rootfs,
					      .rung_cgroups = rows[i].cgroups,
					      .rung_network = rows[i].network };

		assert_int_equal(strv_add(&l, rows[i].require), 0);
		assert_int_equal(ladder_require(&l, &st, NULL), rows[i].want);
	}
}

static void test_requires(void **state)
{
	static const struct {
		const char *require;
		bool want;
	} rows[] = {
		{ "cgroups=cgroup2", true }, { "cgroups=systemd", true }, { "cgroups=none", false },
		{ "ids=range", false },	     { "cgroups=fnord", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(strv_clear) struct strv l = { 0 };

		assert_int_equal(strv_add(&l, rows[i].require), 0);
		assert_int_equal(ladder_requires(&l, "cgroups"), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_require),
		cmocka_unit_test(test_requires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
