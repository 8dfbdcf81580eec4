/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#include "fuse-overlay/xattr.h"

static const struct {
	enum owner_mode ov;
	const char *shown;
	const char *disk;	/* NULL: not for users */
} rows[] = {
	{ OVERRIDE_NONE, "user.a", "user.a" },
	{ OVERRIDE_NONE, "security.capability", "security.capability" },
	{ OVERRIDE_NONE, "user.overlay.opaque", "user.overlay.overlay.opaque" },
	{ OVERRIDE_NONE, "user.overlay.overlay.opaque", "user.overlay.overlay.overlay.opaque" },
	{ OVERRIDE_NONE, "trusted.overlay.opaque", NULL },
	{ OVERRIDE_NONE, "user.fuseoverlayfs.origin", NULL },
	{ OVERRIDE_NONE, "user.containers.override_stat", "user.containers.override_stat" },
	{ OVERRIDE_CONTAINERS, "user.containers.override_stat", NULL },
	{ OVERRIDE_CONTAINERS, "user.containers.override_security.x", NULL },
	{ OVERRIDE_CONTAINERS, "security.capability",
	  "user.containers.override_security.capability" },
	{ OVERRIDE_CONTAINERS, "user.a", "user.a" },
};

static const struct {
	enum owner_mode ov;
	const char *disk;
} hidden[] = {
	{ OVERRIDE_NONE, "user.overlay.opaque" },
	{ OVERRIDE_NONE, "user.overlay.fuse.ino" },
	{ OVERRIDE_NONE, "trusted.overlay.origin" },
	{ OVERRIDE_NONE, "security.fuseoverlayfs.override_stat" },
	{ OVERRIDE_CONTAINERS, "security.selinux" },
	{ OVERRIDE_CONTAINERS, "user.containers.override_stat" },
};

static void test_both_ways(void **state)
{
	char buf[XATTR_NAME_BUF];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *disk = xattr_encode(rows[i].ov, rows[i].shown, buf);

		if (!rows[i].disk) {
			assert_null(disk);
			continue;
		}
		assert_non_null(disk);
		assert_string_equal(disk, rows[i].disk);
		const char *shown = xattr_decode(rows[i].ov, rows[i].disk, buf);
		assert_non_null(shown);
		assert_string_equal(shown, rows[i].shown);
	}
	for (size_t i = 0; i < COUNT(hidden); i++)
		assert_null(xattr_decode(hidden[i].ov, hidden[i].disk, buf));
}

static void test_too_long(void **state)
{
	char name[XATTR_NAME_BUF], buf[XATTR_NAME_BUF];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name, "user.overlay.", 13);
	assert_null(xattr_encode(OVERRIDE_NONE, name, buf));
	memcpy(name, "security.....", 13);
	assert_null(xattr_encode(OVERRIDE_CONTAINERS, name, buf));
}

static void test_acl_ids_shift(void **state)
{
	struct idrange r = { .disk = 1000, .shown = 0, .count = 10 };
	struct conf c = { .uids = { .ranges = &r, .n = 1, .squash = -1 },
			  .gids = { .squash = -1 } };
	struct ovl o = { .conf = &c };
	/* version 2; user 3: rw; group 1005: r; a cut-off entry */
	unsigned char acl[] = { 2, 0, 0, 0, 2, 0, 6, 0, 3,    0,    0, 0,
				8, 0, 4, 0, 0xed, 3, 0, 0, 2, 0, 6 };
	unsigned char same[sizeof(acl)];

	(void)state;
	memcpy(same, acl, sizeof(acl));
	xattr_shift_acl(&o, acl, sizeof(acl), true);
	assert_int_equal(acl[8] | acl[9] << 8, 1003);
	assert_int_equal(acl[16] | acl[17] << 8, 1005);
	xattr_shift_acl(&o, acl, sizeof(acl), false);
	assert_memory_equal(acl, same, sizeof(acl));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_acl_ids_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
