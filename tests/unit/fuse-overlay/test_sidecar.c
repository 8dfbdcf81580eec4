/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of recorded owners: what is put is there after a restart, whatever
 * a crash or another program did to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io.h"
#include "fuse-overlay/sidecar.h"

struct place {
	char path[32];
	int fd;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->path, sizeof(p->path), "/tmp/sidecar.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	(void)close(p->fd);
	(void)io_remove_tree_at(AT_FDCWD, p->path);
	free(p);
	return 0;
}

static void add_text(const struct place *p, const char *text)
{
	int fd = openat(p->fd, SIDECAR_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static off_t file_size(const struct place *p)
{
	struct stat st;

	assert_int_equal(fstatat(p->fd, SIDECAR_NAME, &st, 0), 0);
	return st.st_size;
}

static void assert_uid(struct sidecar *s, uint64_t ino, uint32_t uid)
{
	struct owner ow;

	assert_int_equal(sidecar_get(s, ino, &ow), 0);
	assert_int_equal(ow.uid, uid);
}

static void keeps_what_was_put(void **state)
{
	const struct place *p = *state;
	struct owner ow = { .uid = 33, .gid = 44, .mode = S_IFIFO | 0640 };
	struct sidecar *s = NULL;
	struct owner got;

	assert_int_equal(sidecar_open(p->fd, true, false, &s), -ENODATA);
	assert_null(s);
	assert_int_equal(sidecar_open(p->fd, true, true, &s), 0);
	assert_int_equal(sidecar_put(s, 7, &ow), 0);
	for (uint64_t i = 100; i < 3000; i++) {
		ow.uid = (uint32_t)i;
		assert_int_equal(sidecar_put(s, i, &ow), 0);
	}
	sidecar_drop(s, 200);
	sidecar_drop(s, 200);
	sidecar_drop(s, 99999);
	assert_int_equal(sidecar_get(s, 200, &got), -ENODATA);
	assert_int_equal(sidecar_sync(s), 0);
	sidecar_free(s);

	assert_int_equal(sidecar_open(p->fd, false, false, &s), 0);
	assert_int_equal(sidecar_get(s, 7, &got), 0);
	assert_int_equal(got.uid, 33);
	assert_int_equal(got.gid, 44);
	assert_int_equal(got.mode, S_IFIFO | 0640);
	assert_int_equal(sidecar_get(s, 200, &got), -ENODATA);
	assert_uid(s, 2999, 2999);
	sidecar_free(s);
}

static void is_written_anew_when_most_is_old(void **state)
{
	const struct place *p = *state;
	struct owner ow = { .mode = 0644 };
	struct sidecar *s;

	assert_int_equal(sidecar_open(p->fd, true, true, &s), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		ow.uid = i;
		assert_int_equal(sidecar_put(s, 5, &ow), 0);
	}
	sidecar_free(s);
	assert_true(file_size(p) > 5000);
	assert_int_equal(sidecar_open(p->fd, true, false, &s), 0);
	assert_uid(s, 5, 999);
	ow.uid = 3;
	assert_int_equal(sidecar_put(s, 6, &ow), 0);
	sidecar_free(s);
	assert_true(file_size(p) < 200);
	assert_int_equal(sidecar_open(p->fd, true, false, &s), 0);
	assert_uid(s, 5, 999);
	assert_uid(s, 6, 3);
	sidecar_free(s);
}

static void survives_a_line_that_was_cut_off(void **state)
{
	const struct place *p = *state;
	struct owner ow = { .uid = 1, .mode = 0644 };
	struct sidecar *s;

	assert_int_equal(sidecar_open(p->fd, true, true, &s), 0);
	assert_int_equal(sidecar_put(s, 5, &ow), 0);
	sidecar_free(s);
	add_text(p, "6 2:2:06");
	/* a reader leaves it alone, a writer takes it away */
	assert_int_equal(sidecar_open(p->fd, false, false, &s), 0);
	assert_uid(s, 5, 1);
	assert_int_equal(sidecar_get(s, 6, &ow), -ENODATA);
	sidecar_free(s);
	assert_int_equal(sidecar_open(p->fd, true, false, &s), 0);
	ow.uid = 9;
	assert_int_equal(sidecar_put(s, 7, &ow), 0);
	sidecar_free(s);
	assert_int_equal(sidecar_open(p->fd, false, false, &s), 0);
	assert_uid(s, 5, 1);
	assert_uid(s, 7, 9);
	sidecar_free(s);
}

static void refuses_what_it_did_not_write(void **state)
{
	static const char *const bad[] = { "nonsense\n", "1\n", "x 0:0:0644\n", "0 0:0:0644\n",
					   "5 0:0\n", "5 0:0:0999\n", "5 0:0:0644:door\n" };
	const struct place *p = *state;
	struct sidecar *s = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)unlinkat(p->fd, SIDECAR_NAME, 0);
		assert_int_equal(sidecar_open(p->fd, true, true, &s), 0);
		sidecar_free(s);
		add_text(p, bad[i]);
		assert_int_equal(sidecar_open(p->fd, true, false, &s), -EBADMSG);
	}
	/* a copy: the top folder is another inode */
	assert_int_equal(io_write_file_at(p->fd, SIDECAR_NAME, "fuse-overlay owners 1 1\n"), 0);
	assert_int_equal(sidecar_open(p->fd, false, false, &s), -ESTALE);
	assert_int_equal(io_write_file_at(p->fd, SIDECAR_NAME, "fuse-overlay owners 2 1\n"), 0);
	assert_int_equal(sidecar_open(p->fd, false, false, &s), -EBADMSG);
	(void)unlinkat(p->fd, SIDECAR_NAME, 0);
	assert_int_equal(symlinkat("/etc/passwd", p->fd, SIDECAR_NAME), 0);
	assert_int_equal(sidecar_open(p->fd, true, true, &s), -ELOOP);
	(void)unlinkat(p->fd, SIDECAR_NAME, 0);
	assert_int_equal(mkdirat(p->fd, SIDECAR_NAME, 0700), 0);
	assert_true(sidecar_open(p->fd, false, false, &s) < 0);
}

static void keeps_the_former_record_without_space(void **state)
{
	const struct place *p = *state;
	struct owner ow = { .uid = 1, .mode = 0644 };
	struct rlimit old, small;
	struct sidecar *s;

	assert_int_equal(sidecar_open(p->fd, true, true, &s), 0);
	assert_int_equal(sidecar_put(s, 5, &ow), 0);
	/* the file may grow by four bytes: a write is cut short, then refused */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = (rlim_t)file_size(p) + 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	ow.uid = 2;
	assert_true(sidecar_put(s, 5, &ow) < 0);
	assert_true(sidecar_put(s, 6, &ow) < 0);
	assert_uid(s, 5, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(sidecar_put(s, 6, &ow), 0);
	sidecar_free(s);
	assert_int_equal(sidecar_open(p->fd, false, false, &s), 0);
	assert_uid(s, 5, 1);
	assert_uid(s, 6, 2);
	sidecar_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_what_was_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_written_anew_when_most_is_old, set_up, tear_down),
		cmocka_unit_test_setup_teardown(survives_a_line_that_was_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_it_did_not_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_the_former_record_without_space, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
