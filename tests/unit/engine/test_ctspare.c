/* SPDX-License-Identifier: Apache-2.0
 *
 * ctspare: only a folder that is as good as new is kept, and it is taken once
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
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctspare.h"
#include "runner/engine/engine.h"

#define OLD "containers/.rm-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct engine eng;
static char top[] = "/tmp/test-ctspare.XXXXXX";
static struct timespec since;

static int setup(void **state)
{
	(void)state;
	(void)umask(022);
	assert_non_null(mkdtemp(top));
	eng.root = xasprintf("%s/root", top);
	eng.runroot = xasprintf("%s/run", top);
	eng.uid = geteuid();
	eng.root_fd = eng.runroot_fd = -1;
	return engine_open(&eng, NULL) < 0 || io_mkdir_p_at(eng.root_fd, "containers", 0700) < 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_clear(&eng);
	return io_remove_tree_at(AT_FDCWD, top);
}

static void put(const char *path, const char *text)
{
	auto_close int fd = openat(eng.root_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool is_there(const char *path)
{
	return faccessat(eng.root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A retired container that wrote nothing, as the kernel and the monitor leave it. */
static int retired(void **state)
{
	static const char *const dirs[] = { OLD, OLD "/upper", OLD "/work", OLD "/work/work",
					    OLD "/work/work/incompat" };
	char text[16384] = "";
	struct stat st;

	(void)state;
	(void)io_remove_tree_at(eng.root_fd, OLD);
	(void)io_remove_tree_at(eng.root_fd, "spare");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdirat(eng.root_fd, dirs[i], 0755), 0);
	put(OLD "/work/work/incompat/volatile", "");
	assert_int_equal(fchmodat(eng.root_fd, OLD "/work/work", 0, 0), 0);
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = ' ';
	put(OLD "/container.json", text);
	put(OLD "/ctr.log", "said");
	assert_int_equal(fstatat(eng.root_fd, OLD "/upper", &st, 0), 0);
	since = st.st_ctim;
	return 0;
}

static void test_keep(void **state)
{
	struct container *c = container_new(&eng), *d = container_new(&eng);
	struct container *loaded;
	struct stat before, after, record;
	auto_free char *upper = NULL;
	auto_free char *json = NULL;

	(void)state;
	assert_int_equal(fstatat(eng.root_fd, OLD "/upper", &before, 0), 0);
	assert_true(ctspare_keep(&eng, OLD, &since));
	assert_false(is_there(OLD));
	assert_true(is_there("spare/upper"));
	assert_true(is_there("spare/work"));
	assert_false(is_there("spare/work/work"));
	assert_false(is_there("spare/container.json"));
	assert_int_equal(fstatat(eng.root_fd, "spare/" CTSPARE_RECORD, &record, 0), 0);
	assert_false(is_there("spare/ctr.log"));
	/* who does not ask for it gets a folder with nothing in it */
	assert_int_equal(container_claim(d, NULL), 0);
	assert_false(d->reused);
	assert_true(is_there("spare"));
	c->reuse = true;
	assert_int_equal(container_claim(c, NULL), 0);
	assert_true(c->reused);
	assert_false(is_there("spare"));
	upper = xasprintf("containers/%s/upper", c->id);
	assert_int_equal(fstatat(eng.root_fd, upper, &after, 0), 0);
	assert_true(before.st_ino == after.st_ino);
	/* the record is written over the old one, which was shorter or longer */
	json = xasprintf("containers/%s/container.json", c->id);
	assert_int_equal(container_save(c, NULL), 0);
	assert_int_equal(fstatat(eng.root_fd, json, &after, 0), 0);
	assert_true(after.st_ino == record.st_ino && after.st_size > 2 && after.st_size < record.st_size);
	assert_int_equal(container_load(&eng, c->id, &loaded, NULL), 0);
	assert_string_equal(loaded->name, c->name);
	container_free(loaded);
	assert_int_equal(container_save(c, NULL), 0);
	assert_int_equal(container_load(&eng, c->id, &loaded, NULL), 0);
	container_free(loaded);
	assert_int_equal(container_delete(c, NULL), 0);
	assert_int_equal(container_delete(d, NULL), 0);
	container_free(c);
	container_free(d);
}

static void test_second(void **state)
{
	(void)state;
	assert_true(ctspare_keep(&eng, OLD, &since));
	assert_int_equal(fchmodat(eng.root_fd, "spare/upper", 0711, 0), 0);
	assert_int_equal(mkdirat(eng.root_fd, OLD, 0755), 0);
	assert_int_equal(mkdirat(eng.root_fd, OLD "/upper", 0755), 0);
	assert_int_equal(mkdirat(eng.root_fd, OLD "/work", 0755), 0);
	assert_false(ctspare_keep(&eng, OLD, &since));
	assert_true(is_there(OLD));
	assert_int_equal(ctspare_take(&eng, "x"), 0);
	assert_int_equal(ctspare_take(&eng, "x"), -ENOENT);
	assert_int_equal(io_remove_tree_at(eng.root_fd, "containers/x"), 0);
}

static void refuses(void)
{
	assert_false(ctspare_keep(&eng, OLD, &since));
	assert_false(is_there("spare"));
	assert_true(is_there(OLD));
}

/* Each sees to the others' conditions, so that only its own is left to say no. */
static void now_is_since(void)
{
	struct stat st;

	assert_int_equal(fstatat(eng.root_fd, OLD "/upper", &st, 0), 0);
	since = st.st_ctim;
}

static void test_written(void **state)
{
	(void)state;
	put(OLD "/upper/file", "x");
	now_is_since();
	refuses();
}

static void test_changed(void **state)
{
	(void)state;
	/* there and back: only the time tells */
	since.tv_nsec ^= 1;
	refuses();
}

static void test_mode(void **state)
{
	(void)state;
	assert_int_equal(fchmodat(eng.root_fd, OLD "/upper", 0700, 0), 0);
	now_is_since();
	refuses();
}

static void test_xattr(void **state)
{
	auto_free char *path = xasprintf("%s/" OLD "/upper", eng.root);

	(void)state;
	if (setxattr(path, "user.overlay.uuid", "0123456789abcdef", 16, 0) < 0)
		skip();
	assert_int_equal(setxattr(path, "user.mine", "1", 1, 0), 0);
	now_is_since();
	refuses();
	assert_int_equal(removexattr(path, "user.mine"), 0);
	now_is_since();
	assert_true(ctspare_keep(&eng, OLD, &since));
}

static void test_more(void **state)
{
	(void)state;
	put(OLD "/owners", "x");
	refuses();
	assert_int_equal(unlinkat(eng.root_fd, OLD "/owners", 0), 0);
	put(OLD "/work/other", "x");
	refuses();
}

static void test_half(void **state)
{
	(void)state;
	assert_int_equal(io_remove_tree_at(eng.root_fd, OLD "/work"), 0);
	refuses();
}

/* Nobody knows of a descriptor that there is not, and what is mounted stays. */
static void test_watch(void **state)
{
	auto_close int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int watch = ctspare_watch(fd);

	(void)state;
	assert_false(ctspare_is_gone(-ENFILE));
	assert_true(watch >= 0);
	assert_false(ctspare_is_gone(watch));
	assert_true(ctspare_watch(-1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keep, retired), cmocka_unit_test_setup(test_second, retired),
		cmocka_unit_test_setup(test_written, retired), cmocka_unit_test_setup(test_changed, retired),
		cmocka_unit_test_setup(test_mode, retired), cmocka_unit_test_setup(test_xattr, retired),
		cmocka_unit_test_setup(test_more, retired), cmocka_unit_test_setup(test_half, retired),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
