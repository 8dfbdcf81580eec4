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

#include "fuse-overlay/conf.h"

/* What engines really send, and what people mistype. */
static const struct {
	const char *opts;
	int ret;
	size_t lowers;
	size_t warnings;
	const char *upper;
} rows[] = {
	{ "lowerdir=a,upperdir=u,workdir=w,,volatile", 0, 1, 0, "u" },
	{ "lowerdir=a:b:c,upperdir=u,workdir=w,", 0, 3, 0, "u" },
	{ "lowerdir=a:b", 0, 2, 0, NULL },
	{ "lowerdir=a,upperdir=u,workdir=w,,volatile,uidmapping=:0:1:1000,gidmapping=:0:1:1000", 0, 1,
	  0, "u" },
	{ "lowerdir=a\\:b:c,upperdir=u\\,v,workdir=w", 0, 2, 0, "u,v" },
	{ "lowerdir=a,metacopy=on,nfs_export=off", 0, 1, 2, NULL },
	{ "lowerdir=a,userxattr,index=off,xino=auto,ro,nodev,allow_other", 0, 1, 0, NULL },
	{ "lowerdir=a,plugins=x", 0, 1, 1, NULL },
	{ "lowerdir=a,threaded=0", 0, 1, 0, NULL },
	{ "lowerdir=a,threaded=1", 0, 1, 0, NULL },
	{ "lowerdir=a,noxattrs", 0, 1, 0, NULL },
	{ "upperdir=u,workdir=w", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,upperdir=u", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a::b", -EINVAL, 0, 0, NULL },
	{ "lowerdir=//zip//x", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,timeout=x", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,timeout=-1", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,timeout=nan", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,threaded=yes", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,xattr_permissions=3", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,raw_owners", 0, 1, 0, NULL },
	{ "lowerdir=a,raw_owners,xattr_permissions=2", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,busy_poll=1001", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,busy_poll=-1", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,busy_poll=0", 0, 1, 0, NULL },
	{ "lowerdir=a,passthrough=1,writeback=1", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,passthrough=1", 0, 1, 0, NULL },
	{ "lowerdir=a,redirect_dir=maybe", -EINVAL, 0, 0, NULL },
	{ "lowerdir=a,uidmapping=0:1", -EINVAL, 0, 0, NULL },
	{ "lowerdir", -EINVAL, 0, 0, NULL },
};

static void test_mount_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf c;
		struct err e = { 0 };

		conf_init(&c);
		int r = conf_parse_mountopts(&c, rows[i].opts, &e);
		if (!r)
			r = conf_check(&c, &e);
		if (r != rows[i].ret)
			fail_msg("%s: %d", rows[i].opts, r);
		if (r < 0)
			assert_true(e.msg[0]);
		if (!r) {
			assert_int_equal(c.lowers.n, rows[i].lowers);
			assert_int_equal(c.warnings.n, rows[i].warnings);
			if (rows[i].upper)
				assert_string_equal(c.upper, rows[i].upper);
		}
		conf_clear(&c);
	}
}

static void test_escapes(void **state)
{
	struct conf c;
	struct err e;

	(void)state;
	conf_init(&c);
	assert_int_equal(conf_parse_mountopts(&c, "lowerdir=a\\:b\\,c:d\\\\e", &e), 0);
	assert_int_equal(conf_check(&c, &e), 0);
	assert_string_equal(c.lowers.v[0], "a:b,c");
	assert_string_equal(c.lowers.v[1], "d\\e");
	conf_clear(&c);
}

static int parse(struct conf *c, const char *const *words, int n)
{
	char *argv[8], *copies[8]; /* parsing moves operands to the front */
	struct err e;

	conf_init(c);
	for (int i = 0; i < n; i++)
		argv[i] = copies[i] = strdup(words[i]);
	int r = conf_parse_args(c, n, argv, &e);
	/* the mount point is borrowed: compare before it goes */
	if (!r && c->mountpoint)
		assert_string_equal(c->mountpoint, "/m");
	for (int i = 0; i < n; i++)
		free(copies[i]);
	return r;
}

static void test_arguments(void **state)
{
	static const char *const plain[] = { "fuse-overlay", "-o", "lowerdir=a", "/m" };
	static const char *const mount8[] = { "fuse-overlay", "overlay", "/m", "-o", "lowerdir=a" };
	static const char *const fds[] = { "fuse-overlay", "--ready-fd", "5", "--exit-fd=6", "-f",
					   "-olowerdir=a", "/m" };
	static const char *const none[] = { "fuse-overlay", "-o", "lowerdir=a" };
	static const char *const many[] = { "fuse-overlay", "-o", "lowerdir=a", "x", "y", "z" };
	struct conf c;

	(void)state;
	assert_int_equal(parse(&c, plain, 4), 0);
	assert_int_equal(c.ready_fd, -1);
	conf_clear(&c);
	assert_int_equal(parse(&c, mount8, 5), 0);
	conf_clear(&c);
	assert_int_equal(parse(&c, fds, 7), 0);
	assert_int_equal(c.ready_fd, 5);
	assert_int_equal(c.exit_fd, 6);
	assert_true(c.foreground);
	conf_clear(&c);
	assert_int_equal(parse(&c, none, 3), -EINVAL);
	conf_clear(&c);
	assert_int_equal(parse(&c, many, 6), -EINVAL);
	conf_clear(&c);
}

static void test_volatile_means_no_sync(void **state)
{
	struct conf c;
	struct err e;

	(void)state;
	conf_init(&c);
	assert_int_equal(c.fsync, 1);
	assert_int_equal(conf_parse_mountopts(&c, "lowerdir=a,volatile", &e), 0);
	assert_int_equal(conf_check(&c, &e), 0);
	assert_int_equal(c.fsync, 0);
	conf_clear(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_volatile_means_no_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
