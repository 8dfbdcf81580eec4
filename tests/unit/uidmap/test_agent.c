/* SPDX-License-Identifier: Apache-2.0 */
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/idcalls.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/keep.h"
#include "uidmap/agent/rootowners.h"
#include "uidmap/agent/who.h"

/* --- the table ------------------------------------------------------------------ */

static void every_call_has_a_handler(void **state)
{
	struct agent *a = calloc(1, sizeof(*a));
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	assert_non_null(a);
	assert_int_equal(calls_init(a, &e), 0);
	for (int i = 0; i < NR_MAX; i++) {
		if (!a->by_nr[i])
			continue;
		assert_int_equal(a->by_nr[i]->nr, i);
		n++;
	}
	assert_true(n >= 40);
	free(a);
}

/* --- messages -------------------------------------------------------------------- */

#define MESSAGE(meta) "{\"ociVersion\":\"1.2.0\",\"fds\":[\"x\",\"seccompFd\"],\"pid\":7," meta "\"state\":{}}"

static void messages(void **state)
{
	static const struct {
		const char *text;
		int answer;
	} rows[] = {
		{ MESSAGE(""), 0 },
		{ MESSAGE("\"metadata\":\"\","), 0 },
		{ MESSAGE("\"metadata\":\"uid=33,gid=33\","), 0 },
		{ MESSAGE("\"metadata\":7,"), -EINVAL },
		{ MESSAGE("\"metadata\":\"uid=x\","), -EINVAL },
		{ "{\"fds\":[\"seccompFd\"],\"pid\":0}", 0 },
		{ "{\"fds\":[\"seccompFd\"],\"pid\":-1}", -EINVAL },
		{ "{\"fds\":[\"seccompFd\"],\"pid\":\"7\"}", -EINVAL },
		{ "{\"fds\":[\"seccompFd\"],\"pid\":99999999999}", -EINVAL },
		{ "{\"fds\":[\"seccompFd\"]}", -EINVAL },
		{ "{\"fds\":[7],\"pid\":7}", -EINVAL },
		{ "{\"pid\":7}", -EINVAL },
		{ "[]", -EINVAL },
		{ "{\"pid\":7", -EAGAIN },
		{ "", -EAGAIN },
		{ "no", -EINVAL },
	};
	struct hello *h = calloc(1, sizeof(*h));
	struct err e;

	(void)state;
	assert_non_null(h);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(proto_parse(rows[i].text, strlen(rows[i].text), true, h, &e),
				 rows[i].answer);
	assert_int_equal(proto_parse(MESSAGE(""), strlen(MESSAGE("")), true, h, &e), 0);
	assert_int_equal(h->pid, 7);
	assert_int_equal(h->fd_index, 1);
	free(h);
}

static void metadata(void **state)
{
	static const char *const bad[] = { "uid", "uid=", "uid=-1", "uid=4294967295", "uid=1,,", "x=1",
					   "groups=1+", "groups=a", "mode=slow", "uid=1;gid=2", "," };
	struct idmeta m = { .uid = 77 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(proto_metadata(bad[i], true, &m, &e), -EINVAL);
	assert_int_equal(m.uid, 77);
	assert_int_equal(proto_metadata("", false, &m, &e), 0);
	assert_int_equal(m.uid, 0);
	assert_false(m.full);
	assert_int_equal(proto_metadata("uid=33,gid=4294967294,groups=50+4,mode=full", false, &m, &e), 0);
	assert_int_equal(m.uid, 33);
	assert_int_equal(m.gid, 4294967294U);
	assert_int_equal(m.n_groups, 2);
	assert_int_equal(m.groups[0], 4); /* in order, as the kernel keeps them */
	assert_true(m.full);
}

static void too_many_groups(void **state)
{
	char *text = calloc(1, 3 * (PROTO_GROUPS_MAX + 2) + 16);
	struct idmeta m;
	struct err e;

	(void)state;
	assert_non_null(text);
	(void)strncat(text, "groups=1", 16);
	for (int i = 1; i < PROTO_GROUPS_MAX; i++)
		(void)strncat(text, "+1", 3);
	assert_int_equal(proto_metadata(text, true, &m, &e), 0);
	(void)strncat(text, "+1", 3);
	assert_int_equal(proto_metadata(text, true, &m, &e), -EINVAL);
	free(text);
}

/* --- records in processes ------------------------------------------------------------ */

static void limits_only_go_down(void **state)
{
	uint64_t v = RLIM64_INFINITY;

	(void)state;
	assert_int_equal(who_number(v, 5), 5);
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t next = who_value(v, i % 7 * 9362);

		assert_true(next < v);
		assert_int_equal(who_number(next, 99), i % 7 * 9362);
		v = next;
	}
	/* what a program may have set for itself is no record, and no way back up */
	assert_int_equal(who_number(1000000, 5), 5);
	assert_int_equal(who_value(1000000, 5), 0);
	assert_int_equal(who_number(0, 5), 5);
}

static void records_are_shared(void **state)
{
	uint32_t groups[] = { 1, 2 };
	struct idstate s;
	struct records r;

	(void)state;
	assert_int_equal(records_init(&r), 0);
	idstate_init(&s, 0, 0, 1);
	assert_int_equal(records_add(&r, &s, false), 0);
	assert_int_equal(records_add(&r, &s, true), 1);
	assert_int_equal(records_add(&r, &s, false), 0);
	s.groups = groups;
	s.n_groups = 2;
	assert_int_equal(records_add(&r, &s, false), 2);
	groups[1] = 3; /* the table has a copy */
	assert_int_equal(records_add(&r, &s, false), 3);
	assert_int_equal(records_get(&r, 2)->id.groups[1], 2);
	assert_null(records_get(&r, 4));
	records_clear(&r);
}

static void records_have_an_end(void **state)
{
	struct idstate s;
	struct records r;

	(void)state;
	assert_int_equal(records_init(&r), 0);
	for (uint32_t i = 0; i < RECORDS_MAX; i++) {
		idstate_init(&s, i, 0, 0);
		assert_int_equal(records_add(&r, &s, false), (int)i);
	}
	idstate_init(&s, RECORDS_MAX, 0, 0);
	assert_int_equal(records_add(&r, &s, false), -ENOMEM);
	idstate_init(&s, 5, 0, 0);
	assert_int_equal(records_add(&r, &s, false), 5);
	records_clear(&r);
}

/* --- owners ------------------------------------------------------------------------------ */

static void node_table(void **state)
{
	struct override ov = { .uid = 1 }, got;
	struct statx st = { .stx_mask = STATX_BTIME, .stx_dev_major = 8 };
	struct nodes t;

	(void)state;
	nodes_init(&t);
	assert_int_equal(nodes_get(&t, &st, &got), -ENOENT);
	for (uint32_t i = 0; i < 5000; i++) {
		st.stx_ino = i;
		ov.uid = i;
		assert_int_equal(nodes_put(&t, &st, &ov), 0);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		st.stx_ino = i;
		assert_int_equal(nodes_get(&t, &st, &got), 0);
		assert_int_equal(got.uid, i);
	}
	/* a number used again belongs to another object */
	st.stx_btime.tv_nsec = 1;
	assert_int_equal(nodes_get(&t, &st, &got), -ENOENT);
	nodes_clear(&t);
}

static void remembered_files(void **state)
{
	static struct statcache c;
	struct override ov = { .uid = 33, .mode = 0644 }, got;
	struct statkey k = { .dev = 8, .ino = 12, .sec = 1000, .nsec = 5 }, other;

	(void)state;
	/* the next change could have the same time */
	statcache_put(&c, &k, &ov, 1001);
	assert_false(statcache_get(&c, &k, &got));
	statcache_put(&c, &k, &ov, 1002);
	assert_true(statcache_get(&c, &k, &got));
	assert_int_equal(got.uid, 33);
	other = k;
	other.nsec++;
	assert_false(statcache_get(&c, &other, &got));
	other = k;
	other.sec--;
	assert_false(statcache_get(&c, &other, &got));
	other = k;
	other.dev++;
	assert_false(statcache_get(&c, &other, &got));
	other = k;
	other.ino += 4;
	assert_false(statcache_get(&c, &other, &got));
	/* one that takes its place */
	for (uint64_t i = 0; i < 8ull * STATCACHE_FILES; i++) {
		other.ino = 1000 + i;
		ov.uid = (uint32_t)i;
		statcache_put(&c, &other, &ov, 2000);
		assert_true(statcache_get(&c, &other, &got));
		assert_int_equal(got.uid, i);
	}
	assert_false(statcache_get(&c, &k, &got));
	assert_false(*statcache_hint(&c, "/etc/passwd"));
	*statcache_hint(&c, "/etc/passwd") = true;
	assert_true(*statcache_hint(&c, "/etc/passwd"));
}

static void owner_lines(void **state)
{
	char good[] = "0:42:0777 a b\\nc\\\\d", escape[] = "0:42:0777 a\\x", bare[] = "0:42:0777",
	     worse[] = "0:42 x";
	struct override ov;
	const char *path;

	(void)state;
	assert_int_equal(rootowners_line(good, &ov, &path), 0);
	assert_int_equal(ov.gid, 42);
	assert_string_equal(path, "a b\nc\\d");
	assert_int_equal(rootowners_line(escape, &ov, &path), -EINVAL);
	assert_int_equal(rootowners_line(bare, &ov, &path), -EINVAL);
	assert_int_equal(rootowners_line(worse, &ov, &path), -EINVAL);
}

/* --- owners from one run to the next -------------------------------------------------- */

static void keep_lines(void **state)
{
	static const char *const bad[] = { "", "1 2", "1 2 ", "1 2 3", "x 2 1:1:0644", "1 y 1:1:0644", "1 0 1:1:0644",
					   "1  1:1:0644", "-1 2 1:1:0644",
					   "11111111111111111111111111111 2 1:1:0644" };
	struct node n = { .ino = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(keep_line(bad[i], &n), -EINVAL);
	assert_int_equal(n.ino, 7);
	assert_int_equal(keep_line("12 1700000000123456789 33:34:0777", &n), 0);
	assert_int_equal(n.ino, 12);
	assert_int_equal(n.born, 1700000000123456789);
	assert_int_equal(n.ov.uid, 33);
	assert_int_equal(n.ov.gid, 34);
}

/* The table of the next run. */
static void kept_by(const char *path, int root, struct nodes *t)
{
	struct nodes kept;

	nodes_init(&kept);
	nodes_init(t);
	assert_int_equal(keep_open(&kept, path, NULL), 0);
	assert_int_equal(keep_begin(t, &kept, root, NULL), 0);
	nodes_clear(&kept);
}

/* An object of the container's root that carries no attribute. */
static void some_link(int root, uint32_t number, struct statx *st)
{
	assert_int_equal(statx(root, "", AT_EMPTY_PATH, STATX_INO, st), 0);
	st->stx_mask = STATX_INO | STATX_BTIME;
	st->stx_btime.tv_sec = 1000;
	st->stx_ino = number + 1;
}

static void keep_over_runs(void **state)
{
	char dir[] = "/tmp/test-agent-XXXXXX", name[64], aside[64];
	struct override ov = { .mode = 0777 }, got;
	int root = open("/", O_PATH | O_CLOEXEC), fd;
	struct statx st;
	struct stat was, is;
	struct nodes t;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(name, sizeof(name), "%s/owners", dir);
	(void)snprintf(aside, sizeof(aside), "%s/owners.new", dir);
	/* many changes of few objects, then half a line of a writer that died */
	kept_by(name, root, &t);
	for (uint32_t i = 0; i < 600; i++) {
		some_link(root, i % 3, &st);
		ov.uid = i;
		assert_int_equal(nodes_put(&t, &st, &ov), 0);
	}
	st.stx_dev_minor++;
	assert_int_equal(nodes_put(&t, &st, &ov), 0);
	nodes_clear(&t);
	fd = open(name, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "3 1000000000000 9", 17), 17);
	close(fd);
	assert_int_equal(stat(name, &was), 0);

	for (int again = 0; again < 2; again++) {
		kept_by(name, root, &t);
		assert_int_equal(t.n, 3);
		for (uint32_t i = 0; i < 3; i++) {
			some_link(root, i, &st);
			assert_int_equal(nodes_get(&t, &st, &got), 0);
			assert_int_equal(got.uid, 597 + i);
		}
		nodes_clear(&t);
	}
	/* another file, not the same one cut off */
	assert_int_equal(stat(name, &is), 0);
	assert_true(is.st_size < was.st_size / 100 && is.st_ino != was.st_ino);
	assert_int_equal(access(aside, F_OK), -1);
	close(root);
	unlink(name);
	rmdir(dir);
}

enum { LINKS = 400, KILLS = 150 };

/* Change owners, tell each change that is done, and begin anew all the time. */
static void change_until_killed(const char *path, int root, int told, uint32_t from)
{
	struct override ov = { .mode = 0777 };
	struct statx st;
	struct nodes t;

	for (uint32_t v = from;;) {
		kept_by(path, root, &t);
		/* more lines than a file may have before it is written anew */
		for (int i = 0; i < 3 * LINKS; i++, v++) {
			some_link(root, v % LINKS, &st);
			ov.uid = v;
			if (nodes_put(&t, &st, &ov) < 0 || write(told, &v, sizeof(v)) != sizeof(v))
				_exit(1);
		}
		nodes_clear(&t);
	}
}

/* kill -9 whenever: no change that was told is gone */
static void keep_over_crashes(void **state)
{
	char dir[] = "/tmp/test-agent-XXXXXX", name[64];
	int root = open("/", O_PATH | O_CLOEXEC);
	uint32_t next = 0, rewrites = 0;
	struct stat st = { 0 };
	ino_t file = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(name, sizeof(name), "%s/owners", dir);
	for (int round = 0; round < KILLS; round++) {
		uint32_t v, last = next;
		struct override got;
		struct statx stx;
		struct nodes t;
		int told[2];
		pid_t pid;

		assert_int_equal(pipe(told), 0);
		pid = fork();
		if (pid == 0)
			change_until_killed(name, root, told[1], next);
		assert_true(pid > 0);
		close(told[1]);
		/* from the middle of the first rewriting to some rounds later */
		usleep((useconds_t)(random() % 12000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(told[0], &v, sizeof(v)) == sizeof(v))
			last = v + 1;
		close(told[0]);

		kept_by(name, root, &t);
		for (v = last > LINKS ? last - LINKS : 0; v < last; v++) {
			some_link(root, v % LINKS, &stx);
			assert_int_equal(nodes_get(&t, &stx, &got), 0);
			/* one more may have been written and not told */
			assert_true(got.uid == v || got.uid == last);
		}
		nodes_clear(&t);
		next = last;
		assert_int_equal(stat(name, &st), 0);
		rewrites += st.st_ino != file;
		file = st.st_ino;
	}
	assert_true(next > KILLS && rewrites > 2);
	close(root);
	assert_int_equal(chdir(dir), 0);
	unlink("owners.new");
	unlink("owners");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_has_a_handler),
		cmocka_unit_test(messages),
		cmocka_unit_test(metadata),
		cmocka_unit_test(too_many_groups),
		cmocka_unit_test(limits_only_go_down),
		cmocka_unit_test(records_are_shared),
		cmocka_unit_test(records_have_an_end),
		cmocka_unit_test(node_table),
		cmocka_unit_test(remembered_files),
		cmocka_unit_test(owner_lines),
		cmocka_unit_test(keep_lines),
		cmocka_unit_test(keep_over_runs),
		cmocka_unit_test(keep_over_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
