/* SPDX-License-Identifier: Apache-2.0
 *
 * container: names are unique, records survive, leftovers are repaired
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"

static struct engine eng;
static char top[] = "/tmp/test-container.XXXXXX";

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(top));
	eng.root = xasprintf("%s/root", top);
	eng.runroot = xasprintf("%s/run", top);
	eng.uid = geteuid();
	eng.root_fd = eng.runroot_fd = -1;
	return engine_open(&eng, NULL);
}

static int teardown(void **state)
{
	(void)state;
	engine_clear(&eng);
	return io_remove_tree_at(AT_FDCWD, top);
}

static struct container *make(const char *name)
{
	struct container *c = container_new(&eng);

	c->name = name ? xstrdup(name) : NULL;
	assert_int_equal(container_claim(c, NULL), 0);
	assert_int_equal(container_save(c, NULL), 0);
	container_unlock(c);
	return c;
}

static void drop(struct container *c)
{
	assert_int_equal(container_lock(c, true, NULL), 0);
	assert_int_equal(container_delete(c, NULL), 0);
	container_free(c);
}

static int entries(const char *dir)
{
	auto_free char *path = xasprintf("%s/%s", top, dir);
	auto_dir DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	return n ? n - 2 : 0;
}

static void test_life(void **state)
{
	struct container *a = make("a"), *b = make(NULL), *found;
	struct container **list;

	(void)state;
	assert_non_null(b->name);
	assert_int_equal(container_find(&eng, "a", &found, NULL), 0);
	assert_string_equal(found->id, a->id);
	container_free(found);
	assert_int_equal(container_find(&eng, a->id, &found, NULL), 0);
	container_free(found);
	{
		auto_free char *start = xstrndup(a->id, 10);

		assert_int_equal(container_find(&eng, start, &found, NULL), 0);
		container_free(found);
	}
	assert_int_equal(container_find(&eng, "nobody", &found, NULL), -ENOENT);
	assert_int_equal(container_find(&eng, "../a", &found, NULL), -ENOENT);
	assert_int_equal(container_find(&eng, "", &found, NULL), -ENOENT);
	assert_int_equal(container_list(&eng, &list, NULL), 2);
	assert_string_equal(list[0]->id, a->id);
	container_free(list[0]);
	container_free(list[1]);
	free(list);
	drop(a);
	drop(b);
	assert_int_equal(entries("root/containers"), 0);
	assert_int_equal(entries("root/ctrnames"), 0);
	assert_int_equal(entries("run/containers"), 0);
}

/* From retire on the name is free and nobody sees it, whoever still has it open. */
static void test_retire(void **state)
{
	struct container *a = make("going"), *b, *found;

	(void)state;
	assert_int_equal(container_lock(a, true, NULL), 0);
	assert_int_equal(container_retire(a, NULL), 0);
	assert_int_equal(entries("root/containers"), 1);
	assert_int_equal(container_find(&eng, "going", &found, NULL), -ENOENT);
	assert_int_equal(container_find(&eng, a->id, &found, NULL), -ENOENT);
	assert_int_equal(container_reload(a, NULL), -ENOENT);
	b = make("going");
	assert_int_equal(container_purge(a, NULL), 0);
	assert_int_equal(entries("root/containers"), 1);
	assert_int_equal(entries("run/containers"), 1);
	container_free(a);
	drop(b);
}

/* The record is the old one until the commit, whatever happens to the staged. */
static void test_stage(void **state)
{
	struct container *a = make("staged"), *seen;

	(void)state;
	a->state.exit_code = 7;
	assert_int_equal(container_stage(a, NULL), 0);
	assert_int_equal(container_load(&eng, a->id, &seen, NULL), 0);
	assert_int_equal(seen->state.exit_code, 0);
	container_free(seen);
	assert_int_equal(container_commit(a, NULL), 0);
	assert_int_equal(container_load(&eng, a->id, &seen, NULL), 0);
	assert_int_equal(seen->state.exit_code, 7);
	container_free(seen);
	assert_int_equal(container_stage(a, NULL), 0);
	a->state.exit_code = 8;
	assert_int_equal(container_save(a, NULL), 0);
	{
		auto_free char *dir = xasprintf("root/containers/%s", a->id);

		assert_int_equal(entries(dir), 1);
	}
	assert_int_equal(container_load(&eng, a->id, &seen, NULL), 0);
	assert_int_equal(seen->state.exit_code, 8);
	container_free(seen);
	drop(a);
}

/* Every digit of an id survives its way through a link short enough for an inode. */
static void test_link(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct container *a = make("link"), *found;
		char link[100];
		ssize_t n = readlinkat(eng.root_fd, "ctrnames/link", link, sizeof(link));

		assert_in_range(n, 1, 59);
		assert_int_equal(container_find(&eng, "link", &found, NULL), 0);
		assert_string_equal(found->id, a->id);
		container_free(found);
		drop(a);
	}
}

/* As names were linked before; a link that is neither is nobody's. */
static void test_link_kinds(void **state)
{
	struct container *a = make("new"), *found;
	static const char *const rubbish[] = { "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/",
					       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0" };

	(void)state;
	assert_int_equal(symlinkat(a->id, eng.root_fd, "ctrnames/old"), 0);
	assert_int_equal(container_find(&eng, "old", &found, NULL), 0);
	assert_string_equal(found->id, a->id);
	container_free(found);
	assert_int_equal(unlinkat(eng.root_fd, "ctrnames/old", 0), 0);
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		assert_int_equal(symlinkat(rubbish[i], eng.root_fd, "ctrnames/odd"), 0);
		assert_int_equal(container_find(&eng, "odd", &found, NULL), -ENOENT);
		assert_int_equal(unlinkat(eng.root_fd, "ctrnames/odd", 0), 0);
	}
	drop(a);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", "-a", ".a", "a/b", "a b", "a:b", "\xc3\xa9" };
	struct container *a = make("same");
	struct container *b = container_new(&eng);

	(void)state;
	b->name = xstrdup("same");
	assert_int_equal(container_claim(b, NULL), -EEXIST);
	container_free(b);
	assert_int_equal(entries("root/containers"), 1);
	b = make("other");
	assert_int_equal(container_rename(b, "same", NULL), -EEXIST);
	assert_int_equal(container_rename(b, "third", NULL), 0);
	assert_int_equal(container_rename(a, "other", NULL), 0);
	drop(a);
	drop(b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(container_name_check(bad[i], NULL), -EINVAL);
	assert_int_equal(container_name_check("a", NULL), 0);
	assert_int_equal(container_name_check("A-1_b.c", NULL), 0);
}

static void test_lock(void **state)
{
	struct container *a = make("locked"), *again;

	(void)state;
	assert_int_equal(container_find(&eng, "locked", &again, NULL), 0);
	assert_int_equal(container_lock(a, true, NULL), 0);
	assert_int_equal(container_lock(again, false, NULL), -EBUSY);
	container_unlock(a);
	assert_int_equal(container_lock(again, false, NULL), 0);
	container_unlock(again);
	container_free(again);
	drop(a);
}

/* A dead monitor means that the container has ended. */
static void test_lost(void **state)
{
	struct container *a = make("lost"), *found;
	pid_t pid = fork();
	uint64_t start;

	(void)state;
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_int_equal(proc_start_time(pid, &start), 0);
	a->state.status = CONTAINER_RUNNING;
	a->state.monitor_pid = pid;
	a->state.monitor_start = (int64_t)start;
	a->state.boot_id = container_boot_id();
	assert_int_equal(container_save(a, NULL), 0);
	assert_int_equal(container_find(&eng, "lost", &found, NULL), 0);
	assert_int_equal(found->state.status, CONTAINER_RUNNING);
	container_free(found);
	/* the same pid with another start, or of another boot, is not it */
	a->state.monitor_start++;
	assert_false(container_alive(a));
	a->state.monitor_start--;
	a->state.boot_id[0] ^= 1;
	assert_false(container_alive(a));
	a->state.boot_id[0] ^= 1;
	assert_true(container_alive(a));
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(container_find(&eng, "lost", &found, NULL), 0);
	assert_int_equal(found->state.status, CONTAINER_EXITED);
	assert_int_equal(found->state.exit_code, 137);
	container_free(found);
	drop(a);
}

static void test_repair(void **state)
{
	struct container *a = make("kept");
	struct container *half = container_new(&eng);
	struct container *busy = container_new(&eng);

	(void)state;
	/* killed before the record was written: the lock is gone with it */
	half->name = xstrdup("half");
	assert_int_equal(container_claim(half, NULL), 0);
	/* what only some containers have */
	assert_int_equal(mknodat(half->run_fd, "agent", S_IFREG | 0600, 0), 0);
	container_free(half);
	assert_int_equal(mkdirat(eng.runroot_fd, "containers/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0700), 0);
	assert_int_equal(mknodat(eng.runroot_fd, "containers/00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff/agent", S_IFREG | 0600, 0), 0);
	/* killed in the middle of a removal */
	assert_int_equal(mkdirat(eng.root_fd, "containers/.rm-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 0700), 0);
	/* still at work */
	busy->name = xstrdup("busy");
	assert_int_equal(container_claim(busy, NULL), 0);
	/* a name whose folder is gone */
	assert_int_equal(symlinkat("fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
				   eng.root_fd, "ctrnames/stale"), 0);
	container_repair(&eng);
	assert_int_equal(entries("root/containers"), 2);
	assert_int_equal(entries("root/ctrnames"), 2);
	assert_int_equal(entries("run/containers"), 2);
	assert_int_equal(container_save(busy, NULL), 0);
	container_unlock(busy);
	drop(busy);
	drop(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life), cmocka_unit_test(test_retire), cmocka_unit_test(test_stage),
		cmocka_unit_test(test_link), cmocka_unit_test(test_link_kinds), cmocka_unit_test(test_names), cmocka_unit_test(test_lock),
		cmocka_unit_test(test_lost), cmocka_unit_test(test_repair),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
