// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/spin.h"
#include "fuse-overlay/awake.h"

/* How many descriptors does a thread hold? */
static int count_fds(int tid)
{
	char path[64];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/fd", tid);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	assert_int_equal(closedir(d), 0);
	return n;
}

/* Wait up to a second until *word is value. */
static bool becomes(_Atomic uint32_t *word, uint32_t value)
{
	for (int i = 0; i < 200 && *word != value; i++)
		(void)poll(NULL, 0, 5);
	return *word == value;
}

static void keepers_run_while_requests_come(void **state)
{
	struct awake a;

	(void)state;
	awake_init(&a);
	if (!a.enabled)
		skip(); /* one processor, or limited */
	awake_at(&a, sched_getcpu());
	assert_true(a.keepers[0].started);
	for (int i = 0; i < 200 && !a.keepers[0].tid; i++)
		(void)poll(NULL, 0, 5);
	assert_int_equal(sched_getscheduler(a.keepers[0].tid), SCHED_IDLE);
	assert_int_equal(count_fds(a.keepers[0].tid), 0);
	/* a second call for the same processor needs no second keeper */
	awake_at(&a, a.keepers[0].cpu);
	assert_false(a.keepers[1].started);

	awake_touch(&a, spin_now() + 2000000000);
	(void)poll(NULL, 0, 20);
	assert_int_equal(a.on, 1);
	awake_touch(&a, spin_now());
	assert_true(becomes(&a.on, 0));
	awake_clear(&a);
}

static void least_used_keeper_moves(void **state)
{
	struct awake a;

	(void)state;
	awake_init(&a);
	if (!a.enabled)
		skip();
	awake_at(&a, 0);
	awake_at(&a, 1);
	awake_at(&a, 0);
	if (!a.keepers[1].started)
		skip(); /* may not run on those two */
	a.keepers[1].cpu = 7; /* as if it were elsewhere, and 1 had none */
	awake_at(&a, 1);
	assert_int_equal(a.keepers[0].cpu, 0);
	assert_int_equal(a.keepers[1].cpu, 1);
	awake_clear(&a);
}

static void nobody_is_kept_without_use(void **state)
{
	struct awake a;

	(void)state;
	awake_init(&a);
	a.enabled = false;
	awake_at(&a, 0);
	awake_touch(&a, spin_now());
	assert_false(a.keepers[0].started);
	assert_int_equal(a.on, 0);
	awake_clear(&a);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[128];

	assert_true(snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path));
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool limited(const char *text, const char *root)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "%s", text);
	return awake_line_is_limited(line, root);
}

static void limits_are_seen(void **state)
{
	char root[] = "/tmp/awake.XXXXXX", dir[64];

	(void)state;
	assert_non_null(mkdtemp(root));
	(void)snprintf(dir, sizeof(dir), "%s/a", root);
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(dir, sizeof(dir), "%s/a/b", root);
	assert_int_equal(mkdir(dir, 0700), 0);
	put(root, "a/cpu.max", "max 100000\n");
	assert_false(limited("0::/a/b\n", root));
	assert_false(limited("no colon", root));
	put(root, "a/cpu.max", "50000 100000\n");
	assert_true(limited("0::/a/b\n", root));
	assert_true(limited("0::/a\n", root));
	assert_false(limited("0::/\n", root));
	assert_false(limited("3:memory:/a\n", root));
	/* version 1 */
	(void)snprintf(dir, sizeof(dir), "%s/cpu", root);
	assert_int_equal(mkdir(dir, 0700), 0);
	put(root, "cpu/cpu.cfs_quota_us", "-1\n");
	assert_false(limited("4:cpu,cpuacct:/\n", root));
	put(root, "cpu/cpu.cfs_quota_us", "20000\n");
	assert_true(limited("4:cpu,cpuacct:/\n", root));
	assert_false(limited("4:cpuset:/\n", root));
	static const char *const files[] = { "a/cpu.max", "cpu/cpu.cfs_quota_us", "a/b", "a", "cpu", "" };
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(dir, sizeof(dir), "%s/%s", root, files[i]);
		assert_int_equal(remove(dir), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keepers_run_while_requests_come),
		cmocka_unit_test(least_used_keeper_moves),
		cmocka_unit_test(nobody_is_kept_without_use),
		cmocka_unit_test(limits_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
