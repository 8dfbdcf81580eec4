/* SPDX-License-Identifier: Apache-2.0
 *
 * filecopy: every shape of a destination, and roots that a path does not leave
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "runner/engine/filecopy.h"

static char top[] = "/tmp/test_filecopy.XXXXXX";
static int root;

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, 04755), 0);
	close(fd);
}

static void has(const char *path, const char *text, mode_t mode)
{
	char *got = NULL;
	struct stat st;

	assert_int_equal(io_read_file_at(AT_FDCWD, path, 100, &got, NULL), 0);
	assert_string_equal(got, text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	free(got);
}

static int out(const char *from, const char *to)
{
	struct err e = { 0 };
	int r = filecopy(&(struct filecopy_side){ root, from }, &(struct filecopy_side){ -1, to }, &e);

	assert_int_equal(r, e.code);
	return r;
}

static int in(const char *from, const char *to)
{
	return filecopy(&(struct filecopy_side){ -1, from }, &(struct filecopy_side){ root, to }, NULL);
}

/* box: f, d/g, l -> ../outside, up -> / */
static int setup(void **state)
{
	(void)state;
	memcpy(top + sizeof(top) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(top));
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("box", 0755) | mkdir("box/d", 0750) | mkdir("outside", 0755), 0);
	put("box/f", "f");
	put("box/d/g", "g");
	put("outside/s", "s");
	assert_int_equal(symlink("../outside", "box/l") | symlink("/", "box/up"), 0);
	root = open("box", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(root);
	assert_int_equal(chdir("/"), 0);
	return io_remove_tree_at(AT_FDCWD, top);
}

static void test_destinations(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(out("/f", "new"), 0);
	has("new", "f", 0755);
	assert_int_equal(out("f", "outside"), 0);
	has("outside/f", "f", 0755);
	assert_int_equal(out("d", "."), 0);
	has("d/g", "g", 0755);
	assert_int_equal(stat("d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(out("/d/.", "made"), 0);
	has("made/g", "g", 0755);
	assert_int_equal(out("d/", "made/"), 0);
	has("made/d/g", "g", 0755);
	assert_int_equal(in("new", "/d/"), 0);
	has("box/d/new", "f", 0755);
	assert_int_equal(in("new", "/f"), 0);
	/* set-user-ID bits go in, and do not come out */
	put("set", "set");
	assert_int_equal(in("set", "/"), 0);
	has("box/set", "set", 04755);
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(out("none", "x"), -ENOENT);
	assert_int_equal(out("f", "none/x"), -ENOENT);
	assert_int_equal(out("f", "none/"), -ENOENT);
	assert_int_equal(out("f/.", "x"), -ENOTDIR);
	assert_int_equal(out("d", "outside/s"), -ENOTDIR);
	assert_int_equal(out("d/.", "outside/s"), -ENOTDIR);
	assert_int_equal(mkdir("outside/f", 0755), 0);
	assert_int_equal(out("f", "outside"), -EISDIR);
}

static void test_links(void **state)
{
	char target[32] = "";

	(void)state;
	/* a link is copied, and one on the way leads to the box's own root */
	assert_int_equal(out("l", "got"), 0);
	assert_int_equal(readlink("got", target, sizeof(target)), 10);
	assert_int_equal(out("l/s", "x"), -ENOENT);
	assert_int_equal(out("../outside/s", "x"), -ENOENT);
	assert_int_equal(out("up/up/../f", "x"), 0);
	assert_int_equal(in("outside/s", "l/s"), -ENOENT);
	put("new", "new");
	assert_int_equal(in("new", "../../outside/s"), -ENOENT);
	has("outside/s", "s", 04755);
	/* a link where a file goes is replaced, not followed */
	assert_int_equal(symlink("../outside/s", "box/d/s"), 0);
	assert_int_equal(in("new", "d/s"), 0);
	has("outside/s", "s", 04755);
	has("box/d/s", "new", 04755);
	/* and a folder does not go through one */
	assert_int_equal(symlink("outside", "d"), 0);
	assert_int_equal(out("d", "."), -ENOTDIR);
}

static void test_itself(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(out("d", "box/d"), 0);
	assert_int_equal(stat("box/d/d/g", &st), 0);
	assert_int_equal(stat("box/d/d/d", &st), -1);
	assert_int_equal(out("d/.", "box/d/sub"), 0);
	assert_int_equal(stat("box/d/sub/g", &st), 0);
	assert_int_equal(stat("box/d/sub/sub", &st), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_destinations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_itself, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
