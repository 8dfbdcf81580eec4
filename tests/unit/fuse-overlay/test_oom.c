/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation fails once: requests answer -ENOMEM, what is there stays
 * there, and the next request works.
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io.h"
#include "fuse-overlay/attr.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dirent.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/layer.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/rename.h"
#include "fuse-overlay/xattr.h"
#include "tests/helpers/fail_alloc.h"

static char top[] = "/tmp/test-oom.XXXXXX";
static int topfd = -1;

static void put(const char *path, const char *text)
{
	int fd = openat(topfd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void make_layers(void)
{
	static const char *const dirs[] = { "l1", "l2", "u", "w", "l1/d", "l2/d", "l2/only",
					    "l2/only/deep" };

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(io_remove_tree_at(topfd, dirs[i]), 0);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdirat(topfd, dirs[i], 0755), 0);
	put("l1/d/a", "a");
	put("l2/d/b", "b");
	put("l2/only/deep/f", "deep");
	put("l2/only/g", "g");
	assert_int_equal(linkat(topfd, "l2/only/g", topfd, "l2/only/h", 0), 0);
}

static void open_mount(struct ovl *o, struct conf *c)
{
	char opts[512];
	struct err e;

	conf_init(c);
	(void)snprintf(opts, sizeof(opts),
		       "lowerdir=%s/l1:%s/l2,upperdir=%s/u,workdir=%s/w,volatile,redirect_dir=on",
		       top, top, top, top);
	assert_int_equal(conf_parse_mountopts(c, opts, &e), 0);
	assert_int_equal(conf_check(c, &e), 0);
	o->conf = c;
	assert_int_equal(layer_open_all(o, &e), 0);
	o->fs_uid = geteuid();
	o->fs_gid = getegid();
}

static int find(struct ovl *o, struct node *parent, const char *name, struct node **ret)
{
	struct fuse_entry_param e;
	int r = lookup_entry(o, parent, name, &e);

	if (r < 0)
		return r;
	if (!e.ino)
		return -ENOENT;
	*ret = node_of(o, e.ino);
	return 0;
}

static const struct fuse_ctx *me(void)
{
	static struct fuse_ctx ctx;

	ctx = (struct fuse_ctx){ .uid = geteuid(), .gid = getegid(), .umask = 022 };
	return &ctx;
}

static int make(struct ovl *o, struct node *parent, const char *name, mode_t mode)
{
	struct newent w = { .mode = mode, .want_fd = S_ISREG(mode), .flags = O_RDWR, .ctx = me() };
	struct fuse_entry_param e;
	int r = dirent_make(o, parent, name, &w, &e);

	if (r >= 0 && w.fd >= 0)
		(void)close(w.fd);
	return r;
}

static int open_for_writing(struct ovl *o, struct node *n)
{
	struct ofile *of;
	int r = file_open(o, n, O_WRONLY, &of);

	if (r >= 0)
		file_close(o, of);
	return r;
}

/* Requests of every kind, until one fails. */
static int requests(struct ovl *o)
{
	struct node *only, *deep, *d, *g, *h, *n = NULL;
	char buf[4096];
	struct stat mode = { .st_mode = 0600 };
	ssize_t len;
	int r;

	o->op++;
	if ((r = find(o, o->root, "only", &only)) < 0 || (r = find(o, only, "deep", &deep)) < 0 ||
	    (r = find(o, deep, "f", &n)) < 0 || (r = find(o, o->root, "d", &d)) < 0 ||
	    (r = find(o, only, "g", &g)) < 0 || (r = find(o, only, "h", &h)) < 0)
		return r;
	if ((len = readdir_fill(o, NULL, d, 0, sizeof(buf), false, buf)) < 0 ||
	    (len = readdir_fill(o, NULL, d, 0, sizeof(buf), true, buf)) < 0 ||
	    (len = readdir_fill(o, NULL, only, 0, sizeof(buf), true, buf)) < 0)
		return (int)len;
	if ((r = open_for_writing(o, n)) < 0 ||
	    (r = attr_set(o, g, &mode, FUSE_SET_ATTR_MODE, NULL)) < 0 ||
	    (r = xattr_set(o, n, "user.x", "y", 1, 0)) < 0 ||
	    (r = make(o, d, "new", S_IFREG | 0644)) < 0 ||
	    (r = make(o, d, "sub", S_IFDIR | 0755)) < 0 ||
	    (r = make(o, only, "fifo", S_IFIFO | 0644)) < 0 ||
	    (r = rename_entry(o, d, "new", only, "a-longer-name-than-before", 0)) < 0 ||
	    (r = rename_entry(o, o->root, "only", d, "moved", 0)) < 0 ||
	    (r = dirent_unlink(o, d, "a")) < 0 || (r = dirent_rmdir(o, d, "sub")) < 0)
		return r;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	topfd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return topfd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(topfd);
	return io_remove_tree_at(AT_FDCWD, top);
}

/* Whatever failed: lower files are as they were and the mount answers. */
static void check_after(struct ovl *o)
{
	struct node *n = NULL;
	char buf[4096];
	auto_free char *text = NULL;

	o->op++;
	assert_int_equal(find(o, o->root, "d", &n), 0);
	assert_true(readdir_fill(o, NULL, n, 0, sizeof(buf), true, buf) > 0);
	assert_int_equal(find(o, n, "b", &n), 0);
	assert_int_equal(open_for_writing(o, n), 0);
	assert_int_equal(make(o, o->root, "after", S_IFREG | 0644), 0);
	assert_int_equal(io_read_file_at(topfd, "l2/only/deep/f", 100, &text, NULL), 0);
	assert_string_equal(text, "deep");
}

static void test_every_allocation(void **state)
{
	(void)state;
	for (long n = 0;; n++) {
		struct ovl *o = calloc(1, sizeof(*o));
		struct conf c;

		assert_non_null(o);
		make_layers();
		open_mount(o, &c);
		failed = false;
		fail_in = n;
		int r = requests(o);
		fail_in = -1;
		/* some allocations are optional: the request worked without */
		if (r != 0 && r != -ENOMEM)
			fail_msg("allocation %ld: %s", n, strerror(-r));
		check_after(o);
		ovl_clear(o);
		conf_clear(&c);
		free(o);
		if (!failed) {
			assert_int_equal(r, 0);
			assert_true(n > 20);
			return;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
