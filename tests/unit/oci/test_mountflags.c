/* SPDX-License-Identifier: Apache-2.0
 *
 * test_mountflags - what the words of mount options add up to
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "runner/oci/mountflags.h"

static struct mountflags add(const char *words)
{
	struct mountflags f = { 0 };
	char copy[256];
	const char *sb;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = copy, *next; w; w = next) {
		next = strchr(w, ',');
		if (next)
			*next++ = '\0';
		if (!mountflags_add(&f, w, &sb))
			fail_msg("unknown word %s", w);
	}
	return f;
}

static void attributes(void **state)
{
	(void)state;
	struct mountflags f = add("nosuid,nodev,noexec,ro");

	assert_int_equal(f.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
					MOUNT_ATTR_RDONLY);
	assert_int_equal(f.clr, 0);

	/* the last word counts */
	f = add("ro,rw");
	assert_int_equal(f.set, 0);
	assert_int_equal(f.clr, MOUNT_ATTR_RDONLY);
	f = add("rw,ro");
	assert_int_equal(f.set, MOUNT_ATTR_RDONLY);
	assert_int_equal(f.clr, 0);

	/* atime is one field of three values */
	f = add("noatime,strictatime");
	assert_int_equal(f.set, MOUNT_ATTR_STRICTATIME);
	assert_int_equal(f.clr, MOUNT_ATTR__ATIME);
}

static void recursive(void **state)
{
	(void)state;
	struct mountflags f = add("rro,rnosuid,rexec");

	assert_int_equal(f.set, 0);
	assert_int_equal(f.rset, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	assert_int_equal(f.rclr, MOUNT_ATTR_NOEXEC);
}

static void others(void **state)
{
	(void)state;
	struct mountflags f = add("rbind,rslave");

	assert_true(f.bind && f.bind_rec && f.prop_rec);
	assert_int_equal(f.prop, MS_SLAVE);
	f = add("bind,private,ridmap");
	assert_true(f.bind && !f.bind_rec && !f.prop_rec && f.idmap && f.idmap_rec);

	const char *sb = NULL;
	assert_true(mountflags_add(&f, "dirsync", &sb));
	assert_string_equal(sb, "dirsync");
	assert_false(mountflags_add(&f, "size=64m", &sb));
	assert_false(mountflags_add(&f, "", &sb));
}

static void sorted(void **state)
{
	(void)state;
	for (unsigned int i = 1; mountflags_each(i); i++)
		assert_true(strcmp(mountflags_each(i - 1), mountflags_each(i)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(recursive),
		cmocka_unit_test(others),
		cmocka_unit_test(sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
