/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuse-overlay/layer.h"

static void fuse_of_known_kinds_lasts(void **state)
{
	static const struct {
		const char *line;
		bool lasts;
	} lines[] = {
		{ "36 35 0:40 / /m rw,noatime shared:1 - fuse.fuse-overlay fuse-overlay rw", true },
		{ "36 35 0:40 / /m rw - virtiofs tag rw", true },
		{ "36 35 0:41 / /m rw - virtiofs tag rw", false },
		{ "36 35 1:40 / /m rw - virtiofs tag rw", false },
		{ "36 35 0:40 / /m rw - fuse.fuse-overlayfs fuse-overlayfs rw", false },
		{ "36 35 0:40 / /virtiofs rw - fuse.bindfs /virtiofs rw", false },
		{ "36 35 0:40 / /m rw - virtiofs", false },
		{ "36 35 0:40 / /m rw virtiofs", false },
		{ "- virtiofs ", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(layer_fuse_lasts(lines[i].line, 0, 40), lines[i].lasts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fuse_of_known_kinds_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
