/* SPDX-License-Identifier: Apache-2.0 */
/* which device rules matter where they cannot be loaded */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "runner/oci/cgroup.h"

enum { RULES = 3 };

#define DENY_ALL { false, 'a', -1, -1, true, true, true }
#define ALLOW_ALL { true, 'a', -1, -1, true, true, true }
#define FUSE(allow, r, w, m) { (allow), 'c', 10, 229, (r), (w), (m) }

static const struct {
	struct spec_dev_rule v[RULES];
	size_t n;
	bool root, none, fuse; /* lost for root; without nodes; with /dev/fuse given */
} rows[] = {
	{ { DENY_ALL }, 0, false, false, false },
	{ { DENY_ALL }, 1, true, false, true },
	{ { ALLOW_ALL }, 1, false, false, false },
	{ { DENY_ALL, FUSE(true, true, true, false) }, 2, true, false, false },
	{ { DENY_ALL, FUSE(true, true, false, false) }, 2, true, false, true },
	{ { DENY_ALL, { true, 'c', 10, -1, true, true, true } }, 2, true, false, false },
	{ { DENY_ALL, { true, 'c', -1, 229, true, true, true } }, 2, true, false, false },
	{ { DENY_ALL, { true, 'b', 10, 229, true, true, true } }, 2, true, false, true },
	{ { DENY_ALL, { true, 'c', 10, 200, true, true, true } }, 2, true, false, true },
	{ { DENY_ALL, ALLOW_ALL }, 2, false, false, false },
	{ { FUSE(false, true, true, true) }, 1, true, true, true },
	{ { FUSE(false, false, true, false) }, 1, true, true, true },
	{ { FUSE(false, false, false, true) }, 1, true, false, false },
	{ { ALLOW_ALL, { false, 'b', -1, -1, true, true, true } }, 2, true, true, true },
};

static void test_lost(void **state)
{
	static const struct spec_device fuse[] = { { .path = "/dev/fuse", .type = 'c', .major = 10, .minor = 229 },
						   { .path = "/run/fifo", .type = 'p' } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spec_resources r = { .devs = rows[i].v, .n_devs = rows[i].n };

		print_message("row %zu\n", i);
		assert_int_equal(cgroup_devices_lost(&r, NULL, 0, true), rows[i].root);
		assert_int_equal(cgroup_devices_lost(&r, NULL, 0, false), rows[i].none);
		assert_int_equal(cgroup_devices_lost(&r, fuse, 2, false), rows[i].fuse);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
