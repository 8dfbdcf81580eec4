/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"

struct dir {
	char path[64];
	int fd;
};

static int make_dir(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -1;
	(void)str_format(d->path, sizeof(d->path), "/tmp/test_io.XXXXXX");
	if (!mkdtemp(d->path))
		return -1;
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = d;
	return d->fd < 0;
}

static int remove_dir(void **state)
{
	struct dir *d = *state;
	int r = io_remove_tree_at(AT_FDCWD, d->path);

	(void)close(d->fd);
	free(d);
	return r;
}

static void replace_is_whole_and_leaves_nothing(void **state)
{
	struct dir *d = *state;
	auto_free char *text = NULL;
	size_t len;
	struct stat st;

	assert_int_equal(io_replace_file_at(d->fd, "f", "one", 3, 0600), 0);
	assert_int_equal(io_replace_file_at(d->fd, "f", "two!", 4, 0640), 0);
	assert_int_equal(io_read_file_at(d->fd, "f", 4, &text, &len), 0);
	assert_string_equal(text, "two!");
	assert_int_equal(len, 4);
	assert_int_equal(fstatat(d->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);

	/* a folder is in the way: the temporary file is gone again */
	assert_int_equal(mkdirat(d->fd, "dir", 0700), 0);
	assert_int_equal(io_replace_file_at(d->fd, "dir", "x", 1, 0600), -EISDIR);
	assert_int_equal(unlinkat(d->fd, "f", 0), 0);
	assert_int_equal(unlinkat(d->fd, "dir", AT_REMOVEDIR), 0);
	assert_int_equal(fstat(d->fd, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(unlinkat(AT_FDCWD, d->path, AT_REMOVEDIR), 0);
	assert_int_equal(mkdir(d->path, 0700), 0);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	struct dir *d = *state;
	char *text = (char *)d;

	assert_int_equal(io_replace_file_at(d->fd, "f", "12345", 5, 0600), 0);
	assert_int_equal(io_read_file_at(d->fd, "f", 4, &text, NULL), -EFBIG);
	assert_ptr_equal(text, d);
	assert_int_equal(io_read_file_at(d->fd, "none", 4, &text, NULL), -ENOENT);
}

static void trees_go_even_when_unwritable(void **state)
{
	struct dir *d = *state;
	char path[PATH_MAX];

	assert_int_equal(io_mkdir_p_at(d->fd, "a/b/c", 0700), 0);
	assert_int_equal(io_mkdir_p_at(d->fd, "a/b/c", 0700), 0);
	assert_int_equal(io_replace_file_at(d->fd, "a/b/c/f", "x", 1, 0), 0);
	assert_int_equal(symlinkat("/etc", d->fd, "a/b/link"), 0);
	assert_int_equal(fchmodat(d->fd, "a/b/c", 0, 0), 0);
	assert_int_equal(io_remove_tree_at(d->fd, "a"), 0);
	assert_int_equal(io_remove_tree_at(d->fd, "a"), 0);
	assert_true(access("/etc/passwd", F_OK) == 0);
	(void)str_format(path, sizeof(path), "%s/a", d->path);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_root_cannot_be_left(void **state)
{
	struct dir *d = *state;

	assert_int_equal(mkdirat(d->fd, "etc", 0700), 0);
	assert_int_equal(io_replace_file_at(d->fd, "etc/passwd", "inside", 6, 0600), 0);
	assert_int_equal(symlinkat("/etc", d->fd, "abs"), 0);
	assert_int_equal(symlinkat("../../../../etc", d->fd, "up"), 0);
	assert_int_equal(symlinkat("/proc/self/root/etc", d->fd, "magic"), 0);

	static const char *const ways[] = { "abs/passwd", "up/passwd", "../../etc/passwd" };
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char text[8] = "";
		auto_close int fd = fd_open_in_root(d->fd, ways[i], O_RDONLY, 0);

		assert_true(fd >= 0);
		assert_int_equal(io_read_all(fd, text, sizeof(text)), 6);
		assert_memory_equal(text, "inside", 6);
		assert_int_equal(fd_open_beneath(d->fd, ways[i], O_RDONLY, 0), -EXDEV);
	}
	assert_int_equal(fd_open_in_root(d->fd, "magic/passwd", O_RDONLY, 0), -ENOENT);

	auto_close int made = fd_mkdir_p_in_root(d->fd, "/up/new//deep/", 0755);
	assert_true(made >= 0);
	struct stat st;
	assert_int_equal(fstatat(d->fd, "etc/new/deep", &st, 0), 0);
}

static void kept_descriptors_survive_close_from(void **state)
{
	(void)state;
	int a = fd_dup(0), b = fd_dup(0), c = fd_dup(0);
	int keep[] = { c, a };

	assert_true(a >= 3 && b > a && c > b);
	assert_int_equal(fd_close_from(a, keep, 2), 0);
	assert_true(fcntl(a, F_GETFD) == FD_CLOEXEC);
	assert_int_equal(fcntl(b, F_GETFD), -1);
	assert_true(fcntl(c, F_GETFD) == FD_CLOEXEC);
	(void)close(a);
	(void)close(c);
	/* cmocka may hold descriptors of its own above: none does in 1.1 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replace_is_whole_and_leaves_nothing, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(trees_go_even_when_unwritable, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_root_cannot_be_left, make_dir, remove_dir),
		cmocka_unit_test(kept_descriptors_survive_close_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
