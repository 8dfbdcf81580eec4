/* SPDX-License-Identifier: Apache-2.0 */
/* the value of idmap= */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "runner/oci/plan.h"

static const struct spec_idmap ns[] = { { 0, 1000, 1 }, { 1, 400000, 65535 } };

static const struct {
	const char *value, *want; /* "uids;gids" as a-b-c#..., NULL: refused */
} rows[] = {
	{ "uids=0-1-10;gids=2-3-4", "0-1-10;2-3-4" },
	{ "uids=0-1-10", "0-1-10;" },
	{ "uids=0-2-10#10-100-10;gids=+0-1-10", "0-2-10#10-100-10;0-1-10" },
	{ "uids=@0-0-1#@1-5-10;gids=@0-1-10", "0-1000-1#1-400004-10;0-400000-10" },
	{ "uids=@0-70000-1", "0-70000-1;" }, /* not of the container: as it is */
	{ "uids=0-4294967295-1", "0-4294967295-1;" },
	{ "uids=0-1", NULL },
	{ "uids=0-1-2-3", NULL },
	{ "uids=0-1-0", NULL },
	{ "uids=", NULL },
	{ "uids=0-1-x", NULL },
	{ "uids=0-1-4294967296", NULL },
	{ "uids=-1-1-1", NULL },
	{ "pids=0-1-1", NULL },
	{ ";", NULL },
};

static void print(const struct spec_idmaps *m, char *out, size_t size)
{
	for (size_t i = 0; i < m->n; i++)
		(void)snprintf(out + strlen(out), size - strlen(out), "%s%u-%u-%u", i ? "#" : "",
			       m->v[i].container, m->v[i].host, m->v[i].size);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = { .uidmap = { ns, 2 }, .gidmap = { ns, 2 } };
		struct spec_idmaps uids = { 0 }, gids = { 0 };
		struct err e = { 0 };
		char got[256] = "";

		spec_init(&p.mem);
		int r = plan_idmap_word(&p, rows[i].value, &uids, &gids, &e);
		if (rows[i].want) {
			assert_int_equal(r, 0);
			print(&uids, got, sizeof(got));
			(void)strncat(got, ";", sizeof(got) - strlen(got) - 1);
			print(&gids, got, sizeof(got));
			assert_string_equal(got, rows[i].want);
		} else {
			assert_true(r < 0);
			assert_non_null(strstr(e.msg, "idmap"));
		}
		spec_clear(&p.mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
