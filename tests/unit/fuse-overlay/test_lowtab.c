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

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/whiteout.h"

static char dir[] = "/tmp/test-lowtab.XXXXXX";
static int layers[2];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (int i = 0; i < 2; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/%d", dir, i);
		if (mkdir(path, 0700))
			return -1;
		layers[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (layers[i] < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "both", "top", "low", ".wh.low", ".wh.top", "gone",
					     ".wh..wh..opq" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < COUNT(names); k++)
			(void)unlinkat(layers[i], names[k], 0);
		(void)close(layers[i]);
	}
	char path[64];
	(void)snprintf(path, sizeof(path), "%s/0", dir);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/1", dir);
	(void)rmdir(path);
	return rmdir(dir);
}

static void touch(int layer, const char *name)
{
	int fd = openat(layers[layer], name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}

static void test_union(void **state)
{
	struct dir *d = calloc(1, sizeof(*d) + 2 * sizeof(d->src[0]));
	struct ovl o = { 0 };
	struct ltable *t;

	(void)state;
	assert_non_null(d);
	touch(0, "both");
	touch(1, "both");
	touch(0, "top");
	touch(0, ".wh.top"); /* beside the file itself: the file is there */
	touch(1, "low");
	touch(0, ".wh.low");
	touch(1, "gone");
	bool device = !mknodat(layers[0], "gone", S_IFCHR, makedev(0, 0));

	d->n = 2;
	d->src[0].fd = layers[0];
	d->src[1].fd = layers[1];
	assert_int_equal(lowtab_get(&o, d, &t), 0);
	assert_int_equal(lowtab_find(t, "both")->src, 0);
	assert_int_equal(lowtab_find(t, "top")->type, DT_REG);
	assert_int_equal(lowtab_find(t, "low")->type, DT_WHT);
	if (device)
		assert_int_equal(lowtab_find(t, "gone")->type, DT_WHT);
	assert_null(lowtab_find(t, ".wh.low"));
	assert_null(lowtab_find(t, "none"));
	lowtab_shift(t);
	assert_int_equal(lowtab_find(t, "both")->src, 1);
	lowtab_free(d->low);
	free(d);
}

static void test_many(void **state)
{
	struct ltable t = { 0 };
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(lowtab_put(&t, name, (struct lowent){ .ino = i + 1 }), 0);
	}
	for (unsigned int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		const struct lowent *e = lowtab_find(&t, name);
		assert_non_null(e);
		assert_int_equal(e->ino, i + 1);
		assert_string_equal(lowtab_name(&t, e), name);
	}
	assert_null(lowtab_find(&t, "n20000"));
	lowtab_clear(&t);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(whiteout_is_reserved(".wh.a"));
	assert_false(whiteout_is_reserved(".wha"));
	assert_true(whiteout_is_marker(".wh..wh..opq"));
	assert_string_equal(whiteout_file_target(".wh.a"), "a");
	assert_string_equal(whiteout_file_target(".wh..hidden"), ".hidden");
	assert_null(whiteout_file_target(".wh..wh.plnk"));
	assert_null(whiteout_file_target(".wh."));
	assert_null(whiteout_file_target("a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
