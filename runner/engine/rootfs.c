/* SPDX-License-Identifier: Apache-2.0
 *
 * rootfs - native overlay, else fuse-overlay, else a copy
 *
 * How it works
 *
 * Native overlay is made as a detached mount (fsopen, fsconfig, fsmount) and
 * handed to the runtime as a descriptor: no path of it exists anywhere, and
 * it is gone when its last user is. Layers are named through descriptors
 * ("/proc/self/fd/N"), so that long paths and colons in them do not matter.
 * In a user namespace "userxattr" is a must (without it, removing a merged
 * folder fails with EIO); "volatile" saves the sync of the host's file system
 * at the end. Volatile leaves a mark in the work folder that forbids the next
 * mount, so the work folder is made anew at every start.
 *
 * What the runtime mounts over (/proc, /etc/hosts, ...) it would have to make
 * in the upper folder where an image lacks it: with the copy of /etc, four
 * inodes to make and to remove for every start, which on some disks is a third
 * of its cost. So ROOT/mountpoints, a folder that has them, is the lowest layer.
 *
 * Kernels before 6.5 want all layers in one word of fsconfig(); when that is too
 * long, overlay_page.c has the other way.
 *
 * What rung worked is not remembered: the probe is the mount itself.
 */
#include "runner/engine/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/override.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/copytree.h"
#include "runner/engine/engine.h"
#include "runner/engine/overlay_page.h"

#define FUSE_READY_MS 20000
#define WORD_MAX 255 /* of fsconfig(), in bytes */

/* ------------------------------------------------------- native overlay -- */

static int config_str(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int config_dir(int fs, const char *key, int dir_fd)
{
	char path[32];

	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	return config_str(fs, key, path);
}

static int open_layer(const struct container *c, size_t i)
{
	int fd = openat(c->eng->root_fd, c->config.layers.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

#define MOUNTPOINTS "mountpoints"

/* Below the container's folder, then renamed: there is a whole one or none. */
static int make_mountpoints(const struct container *c)
{
	static const char *const dirs[] = { "dev", "etc", "proc", "sys" };
	static const char *const files[] = { "etc/hosts", "etc/hostname", "etc/resolv.conf" };
	auto_close int dir = -1;
	int r = 0;

	if (mkdirat(c->dir_fd, MOUNTPOINTS, 0755) < 0)
		return -errno;
	dir = openat(c->dir_fd, MOUNTPOINTS, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	for (size_t i = 0; dir >= 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdirat(dir, dirs[i], 0755) < 0)
			r = -errno;
	for (size_t i = 0; dir >= 0 && i < sizeof(files) / sizeof(files[0]); i++)
		if (mknodat(dir, files[i], S_IFREG | 0644, 0) < 0)
			r = -errno;
	if (dir >= 0 && r == 0 &&
	    renameat(c->dir_fd, MOUNTPOINTS, c->eng->root_fd, MOUNTPOINTS) == 0)
		return 0;
	r = r ? r : -errno;
	(void)io_remove_tree_at(c->dir_fd, MOUNTPOINTS);
	return r;
}

/* Return: descriptor of the lowest layer, -errno when there shall be none */
static int open_mountpoints(const struct container *c)
{
	for (int i = 0; i < 2 && !c->config.no_hosts; i++) {
		int fd = openat(c->eng->root_fd, MOUNTPOINTS, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		/* Another start may be quicker: then it is there. */
		if (i == 0)
			(void)make_mountpoints(c);
	}
	return -ENOENT;
}

struct lowers {
	int *fds;
	size_t n;
};

static void lowers_close(struct lowers *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->fds[i]);
	free(l->fds);
}
DEFINE_AUTO_CLEAR(struct lowers, lowers_close);

static int lowers_open(const struct container *c, struct lowers *ret)
{
	size_t n = c->config.layers.n;

	ret->fds = xcalloc(n + 1, sizeof(*ret->fds));
	for (size_t i = 0; i < n; i++) {
		int fd = open_layer(c, i);

		if (fd < 0)
			return fd;
		ret->fds[ret->n++] = fd;
	}
	int base = open_mountpoints(c);
	if (base >= 0)
		ret->fds[ret->n++] = base;
	return 0;
}

static int config_lowers(int fs, const struct lowers *l, bool joined)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		/* few bytes: relative to the folder that we are in for it */
		int r = joined ? strbuf_addf(&b, "%s%d", i ? ":" : "", l->fds[i]) :
				 config_dir(fs, "lowerdir+", l->fds[i]);
		if (r < 0)
			return r;
	}
	if (joined && b.len > WORD_MAX)
		return -E2BIG;
	return joined ? config_str(fs, "lowerdir", b.s) : 0;
}

/* The merged top folder shows the upper's mode and owner: take the layer's. */
static int adopt_top(const struct container *c, int upper)
{
	auto_close int top = open_layer(c, 0);
	char path[32], owner[OVERRIDE_TEXT_MAX];
	struct stat st;
	ssize_t len;

	if (top < 0)
		return top;
	if (fstat(top, &st) < 0)
		return -errno;
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", upper);
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) && chown(path, st.st_uid, st.st_gid) < 0)
		return -errno;
	if ((st.st_mode & 07777) != 0755 && chmod(path, st.st_mode & 07777) < 0)
		return -errno;
	if (c->eng->ids != ENGINE_IDS_ONE)
		return 0;
	/* A file system without attributes has no record to be taken, either. */
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", top);
	len = getxattr(path, OVERRIDE_XATTR, owner, sizeof(owner));
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", upper);
	if (len > 0)
		(void)setxattr(path, OVERRIDE_XATTR, owner, (size_t)len, 0);
	return 0;
}

static int make_upper(const struct container *c, bool prepared, int *ret_fd)
{
	auto_close int fd = -1;
	bool fresh = true;

	if (!prepared && mkdirat(c->dir_fd, "upper", 0755) < 0) {
		if (errno != EEXIST)
			return -errno;
		fresh = false;
	}
	fd = openat(c->dir_fd, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fresh) {
		int r = adopt_top(c, fd);

		if (r < 0)
			return r;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static int make_work(const struct container *c, bool prepared, int *ret_fd)
{
	int fd, r;

	if (!prepared && mkdirat(c->dir_fd, "work", 0700) < 0) {
		if (errno != EEXIST)
			return -errno;
		r = io_remove_tree_at(c->dir_fd, "work");
		if (r < 0)
			return r;
		if (mkdirat(c->dir_fd, "work", 0700) < 0)
			return -errno;
	}
	fd = openat(c->dir_fd, "work", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int make_writable(const struct container *c, struct rootfs *root, int *ret_upper, int *ret_work)
{
	bool prepared = root->prepared;
	int r;

	/* new for one mount, whatever becomes of it */
	root->prepared = false;
	r = make_upper(c, prepared, ret_upper);
	return r == 0 ? make_work(c, prepared, ret_work) : r;
}

static int fs_error(int fs, int code, struct err *e)
{
	char words[256];
	ssize_t n = read(fs, words, sizeof(words) - 1);

	if (n <= 0)
		return err_set(e, code, "native overlay");
	words[n] = '\0';
	words[strcspn(words, "\n")] = '\0';
	/* The kernel's own words start with a level: "e overlay: ..." */
	return err_set(e, code, "native overlay: %s", n > 2 && words[1] == ' ' ? words + 2 : words);
}

/* Whose fsconfig() would refuse "lowerdir+", or take it and complain in the kernel's log. */
static bool kernel_before_6_5(void)
{
	struct utsname u;
	unsigned int a, b;

	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &a, &b) == 2 && (a < 6 || (a == 6 && b < 5));
}

/* The context alone sees whether a mount can be made of it. */
static int configure(int fs, const struct container *c, const struct lowers *l, bool joined, int upper,
		     int work)
{
	(void)config_str(fs, "source", "overlay");
	int r = config_lowers(fs, l, joined);

	if (r == 0)
		r = config_dir(fs, "upperdir", upper);
	if (r == 0)
		r = config_dir(fs, "workdir", work);
	if (r == 0 && c->eng->mode != ENGINE_ROOT)
		r = fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
	return r;
}

static int configure_joined(int fs, const struct container *c, const struct lowers *l, int upper,
			    int work)
{
	auto_close int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* one that may not be entered is no loss */
	if (back < 0)
		back = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || chdir("/proc/self/fd") < 0)
		return -errno;
	int r = configure(fs, c, l, /*joined*/ true, upper, work);
	return fchdir(back) < 0 && r == 0 ? -errno : r;
}

static int mount_page(const struct container *c, const struct lowers *l, struct err *e)
{
	auto_free char *upper = xasprintf("containers/%s/upper", c->id);
	auto_free char *work = xasprintf("containers/%s/work", c->id);
	AUTO(strv_clear) struct strv names = { 0 };
	struct overlay_page o = { .root = c->eng->root, .lowers = &names, .upper = upper, .work = work,
				  .userxattr = c->eng->mode != ENGINE_ROOT };

	for (size_t i = 0; i < l->n; i++)
		if (strv_add(&names, i < c->config.layers.n ? c->config.layers.v[i] : MOUNTPOINTS) < 0)
			return err_set(e, -ENOMEM, "native overlay");
	return overlay_page_mount(&o, e);
}

/* Only now: the kernel may have given the upper folder a uuid for the mount. */
static int done_native(struct rootfs *ret, int fd, int upper)
{
	struct stat st;

	if (fstat(upper, &st) == 0)
		ret->since = st.st_ctim;
	ret->fd = fd;
	ret->detached = 1;
	ret->rung = "native overlay";
	return 0;
}

static int mount_native(struct container *c, struct rootfs *ret, struct err *e)
{
	AUTO(lowers_close) struct lowers lowers = { 0 };
	auto_close int upper = -1;
	auto_close int work = -1;

	int r = make_writable(c, ret, &upper, &work);
	if (r < 0)
		return err_set(e, r, "native overlay: writable folder of container %.12s", c->id);
	r = lowers_open(c, &lowers);
	if (r < 0)
		return err_set(e, r, "native overlay: layers of container %.12s", c->id);
	/* Before Linux 6.5 there is no "lowerdir+". Some of those kernels take any
	 * word, look at none before the mount is made, and want one string then. */
	for (int joined = kernel_before_6_5(); joined < 2; joined++) {
		auto_close int fs = fsopen("overlay", FSOPEN_CLOEXEC);

		if (fs < 0)
			return err_set(e, -errno, "native overlay: fsopen");
		r = joined ? configure_joined(fs, c, &lowers, upper, work) :
			     configure(fs, c, &lowers, joined, upper, work);
		if (r == -EINVAL && !joined)
			continue;
		if (r == -E2BIG) {
			int fd = mount_page(c, &lowers, e);

			return fd < 0 ? fd : done_native(ret, fd, upper);
		}
		if (r < 0)
			return fs_error(fs, r, e);
		int fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
		return fd < 0 ? err_set(e, -errno, "native overlay: fsmount") :
				done_native(ret, fd, upper);
	}
	return r;
}

/* --------------------------------------------------------- fuse-overlay -- */

static int escape_into(struct strbuf *b, const char *path)
{
	for (; *path; path++)
		if (strbuf_addf(b, "%s%c", strchr(":,\\", *path) ? "\\" : "", *path) < 0)
			return -ENOMEM;
	return 0;
}

static int fuse_options(const struct container *c, bool own, struct strbuf *b)
{
	int r = strbuf_adds(b, "lowerdir=");

	for (size_t i = 0; r == 0 && i < c->config.layers.n; i++) {
		if (i)
			r = strbuf_adds(b, ":");
		if (r == 0 && c->config.layers.v[i][0] != '/')
			r = escape_into(b, c->eng->root);
		if (r == 0 && c->config.layers.v[i][0] != '/')
			r = strbuf_adds(b, "/");
		if (r == 0)
			r = escape_into(b, c->config.layers.v[i]);
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		r = strbuf_adds(b, i ? ",workdir=" : ",upperdir=");
		if (r == 0)
			r = escape_into(b, c->eng->root);
		if (r == 0)
			r = strbuf_addf(b, "/containers/%s/%s", c->id, i ? "work" : "upper");
	}
	/* With one id no owner can be shown but by a supervisor (recorded.c); what
	 * its records say the kernel would have for nobody's, and refuse. */
	if (r == 0 && own && c->eng->ids == ENGINE_IDS_ONE)
		r = strbuf_adds(b, ",raw_owners");
	return r == 0 ? strbuf_adds(b, ",volatile") : r;
}

static bool is_mount_point(const struct container *c)
{
	struct stat here, above;

	return fstatat(c->dir_fd, "merged", &here, 0) == 0 && fstatat(c->dir_fd, ".", &above, 0) == 0 &&
	       here.st_dev != above.st_dev;
}

/* A program that goes to the background when it serves (fuse-overlayfs) is
 * ready when it left with 0; ours stays in the foreground and says so. */
static int wait_fuse(pid_t pid, bool own, int ready_fd, int words_fd, struct err *e)
{
	struct pollfd p = { .fd = ready_fd, .events = POLLIN };
	char words[512] = "";
	char c;
	int r;

	if (own) {
		r = poll(&p, 1, FUSE_READY_MS);
		if (r > 0 && read(ready_fd, &c, 1) == 1)
			return 0;
		if (r == 0)
			return err_msg(e, -ETIMEDOUT, "fuse-overlay: not ready after %d s",
				       FUSE_READY_MS / 1000);
	} else {
		r = proc_wait(pid);
		if (r == 0)
			return 0;
	}
	r = (int)io_read_all(words_fd, words, sizeof(words) - 1);
	words[r > 0 ? r : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return err_msg(e, -EIO, "%s", *words ? words : "the mount program gave no reason");
}

static int start_fuse(struct container *c, const char *program, bool own, struct rootfs *ret,
		      struct err *e)
{
	AUTO(strbuf_clear) struct strbuf opts = { 0 };
	auto_free char *target = xasprintf("%s/containers/%s/merged", c->eng->root, c->id);
	int ready[2], life[2], words[2];
	char ready_num[12], life_num[12];
	pid_t pid;
	int r;

	if (fuse_options(c, own, &opts) < 0)
		return err_set(e, -ENOMEM, "fuse-overlay");
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(life, O_CLOEXEC) < 0 || pipe2(words, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	(void)str_format(ready_num, sizeof(ready_num), "%d", ready[1]);
	(void)str_format(life_num, sizeof(life_num), "%d", life[0]);
	{
		char *const own_argv[] = { (char *)(size_t)program, (char[]){ "--ready-fd" }, ready_num,
					   (char[]){ "--exit-fd" }, life_num, (char[]){ "-f" },
					   (char[]){ "-o" }, opts.s, target, NULL };
		char *const other_argv[] = { (char *)(size_t)program, (char[]){ "-o" }, opts.s, target,
					     NULL };
		const int keep[] = { ready[1], life[0] };
		struct proc_spawn how = { .argv = own ? own_argv : other_argv,
					  .stdio = { -1, -1, words[1] },
					  .keep = keep,
					  .n_keep = own ? 2 : 0 };

		pid = proc_spawn(&how);
	}
	close(ready[1]);
	close(life[0]);
	close(words[1]);
	if (pid < 0)
		r = err_set(e, pid, "%s", program);
	else
		r = wait_fuse(pid, own, ready[0], words[0], e);
	close(ready[0]);
	close(words[0]);
	if (r == 0 && !is_mount_point(c))
		r = err_msg(e, -EIO, "%s: said nothing and mounted nothing", program);
	if (r < 0) {
		close(life[1]);
		if (own && pid > 0)
			(void)proc_wait(pid);
		return r;
	}
	ret->helper = own ? pid : 0;
	ret->foreign = !own;
	ret->exit_fd = life[1];
	return 0;
}

static int mount_fuse(struct container *c, struct rootfs *ret, struct err *e)
{
	auto_close int upper = -1;
	auto_close int work = -1;
	char found[4096];
	const char *program = c->eng->mount_program;
	int r = 0;

	if (!program) {
		r = proc_find_program("fuse-overlay", found, sizeof(found));
		if (r < 0)
			return err_set(e, r, "fuse-overlay");
		program = found;
	}
	if (mkdirat(c->dir_fd, "merged", 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = make_writable(c, ret, &upper, &work);
	if (r < 0)
		return err_set(e, r, "fuse-overlay: folders of container %.12s", c->id);
	r = start_fuse(c, program, str_ends(program, "/fuse-overlay"), ret, e);
	if (r < 0)
		return r;
	(void)str_format(ret->path, sizeof(ret->path), "%s/containers/%s/merged", c->eng->root, c->id);
	ret->fd = openat(c->dir_fd, "merged", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->rung = "fuse-overlay";
	return ret->fd < 0 ? err_set(e, -errno, "fuse-overlay: %s", ret->path) : 0;
}

/* ----------------------------------------------------------------- copy -- */

static int make_copy(struct container *c, struct rootfs *ret, struct err *e)
{
	auto_close int done = openat(c->dir_fd, "copy", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (done < 0) {
		auto_close int partial = -1;

		(void)io_remove_tree_at(c->dir_fd, "copy.part");
		if (mkdirat(c->dir_fd, "copy.part", 0755) < 0)
			return err_set(e, -errno, "copy of the layers");
		partial = openat(c->dir_fd, "copy.part", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		for (size_t i = c->config.layers.n; r == 0 && i-- > 0;) {
			auto_close int layer = openat(c->eng->root_fd, c->config.layers.v[i],
						      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			r = layer < 0 ? err_set(e, -errno, "layer %s", c->config.layers.v[i]) :
					copytree_apply(layer, partial, e);
		}
		if (r < 0) {
			(void)io_remove_tree_at(c->dir_fd, "copy.part");
			return r;
		}
		if (renameat(c->dir_fd, "copy.part", c->dir_fd, "copy") < 0)
			return err_set(e, -errno, "copy of the layers");
	}
	(void)str_format(ret->path, sizeof(ret->path), "%s/containers/%s/copy", c->eng->root, c->id);
	ret->fd = openat(c->dir_fd, "copy", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->rung = "copy";
	return ret->fd < 0 ? err_set(e, -errno, "%s", ret->path) : 0;
}

/* --------------------------------------------------------------- ladder -- */

static const struct rung {
	const char *name;
	int (*mount)(struct container *c, struct rootfs *ret, struct err *e);
} rungs[] = {
	{ "overlay", mount_native },
	{ "fuse-overlay", mount_fuse },
	{ "copy", make_copy },
};

#define N_RUNGS (sizeof(rungs) / sizeof(rungs[0]))

static const char *only_rung(const struct container *c)
{
	return c->eng->mount_program ? "fuse-overlay" : c->eng->rootfs_rung;
}

void rootfs_init(struct rootfs *r)
{
	*r = (struct rootfs){ .fd = -1, .exit_fd = -1 };
}

static bool is_new(const struct container *c, const char *name, mode_t mode)
{
	return mkdirat(c->dir_fd, name, mode) == 0 || (c->reused && errno == EEXIST);
}

void rootfs_prepare(const struct container *c, struct rootfs *r)
{
	bool native = !only_rung(c) && !c->config.wh_files;

	r->prepared = native && is_new(c, "upper", 0755) && is_new(c, "work", 0700);
	if (!r->prepared && (native || c->reused)) {
		(void)unlinkat(c->dir_fd, "upper", AT_REMOVEDIR);
		(void)unlinkat(c->dir_fd, "work", AT_REMOVEDIR);
	}
}

int rootfs_mount(struct container *c, struct rootfs *ret, struct err *e)
{
	const char *only = only_rung(c);
	struct err first = { 0 };
	int r = -ENOENT;

	for (size_t i = 0; i < N_RUNGS; i++) {
		struct err why = { 0 };

		if (only && !str_eq(only, rungs[i].name))
			continue;
		if (c->config.wh_files && i == 0 && !only)
			continue;
		/* What was written in one form cannot be read in another. */
		if (faccessat(c->dir_fd, "copy", F_OK, 0) == 0 && !str_eq(rungs[i].name, "copy"))
			continue;
		r = rungs[i].mount(c, ret, &why);
		/* It costs time and space, and the person did not ask for it. */
		if (r == 0 && first.code && str_eq(rungs[i].name, "copy"))
			log_warn("root file system: a copy of the image's files, for want of better: %s",
				 first.msg);
		if (r == 0)
			return 0;
		log_debug("root file system: %s", why.msg);
		if (first.code == 0)
			first = why;
		/* No rung makes up for space, memory or a lost layer. */
		if (r == -ENOSPC || r == -EDQUOT || r == -ENOMEM)
			break;
	}
	return err_msg(e, r, "root file system: %s", first.msg);
}

void rootfs_release(struct rootfs *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->exit_fd >= 0)
		close(r->exit_fd);
	if (r->path[0] && r->rung && str_eq(r->rung, "fuse-overlay"))
		(void)umount2(r->path, MNT_DETACH);
	if (r->helper > 0)
		(void)proc_wait(r->helper);
	rootfs_init(r);
}
