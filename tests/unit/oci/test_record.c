/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record - what is written is what is read back
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "runner/oci/record.h"

static void round_trip(void **state)
{
	(void)state;
	struct record a, b;
	struct err e = { 0 };

	record_init(&a);
	record_init(&b);
	a.id = "x";
	a.bundle = "/b \"quoted\"";
	a.cgroup = "/sys/fs/cgroup/x";
	a.pid = 42;
	a.start = 123456789012345;
	a.cgroup_ours = true;
	a.half_made = true;
	a.ns[SPEC_NS_PID] = (struct oci_ns_id){ 4, 4026531836 };
	char *text = record_print(&a);
	if (record_parse(text, strlen(text), &b, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(b.id, a.id);
	assert_string_equal(b.bundle, a.bundle);
	assert_string_equal(b.cgroup, a.cgroup);
	assert_int_equal(b.pid, a.pid);
	assert_true(b.start == a.start && b.cgroup_ours && b.half_made);
	assert_true(b.ns[SPEC_NS_PID].ino == a.ns[SPEC_NS_PID].ino);
	assert_true(b.ns[SPEC_NS_NETWORK].ino == 0);
	free(text);
	record_clear(&a);
	record_clear(&b);
}

static void refuses(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"", "[]", "{\"pid\":-1}", "{\"pid\":\"1\"}", "{\"pid\":99999999999}",
		"{\"cgroup\":\"relative\"}", "{\"cgroup\":\"/a/../b\"}", "{\"namespaces\":[]}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r;
		struct err e = { 0 };

		record_init(&r);
		if (record_parse(rows[i], strlen(rows[i]), &r, &e) == 0)
			fail_msg("accepted: %s", rows[i]);
		assert_true(e.msg[0]);
		record_clear(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
