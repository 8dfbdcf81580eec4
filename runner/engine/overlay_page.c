/* SPDX-License-Identifier: Apache-2.0
 *
 * overlay_page - native overlay of more layers than one word of fsconfig() names
 *
 * How it works: before Linux 6.5 all layers are one word, and fsconfig() takes
 * 255 bytes of it. mount(2) takes a page. It needs a place to mount on, which
 * nobody else shall see: a child in a mount namespace of its own mounts on the
 * work folder, clones what is there to a mount that is attached nowhere, and
 * leaves. It shares our descriptors, so the clone is ours. Layers are named by
 * numbers of descriptors, relative to /proc/self/fd; they are opened by the
 * child, because the kernel takes layers of the caller's mount namespace only.
 */
#include "runner/engine/overlay_page.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/proc.h"
#include "common/str.h"

enum { STACK_SIZE = 128 * 1024, PAGE_MAX = 4096 };

/**
 * struct job - what the child is told, and answers
 * @fd:		the mount, -errno
 * @e:		why not
 */
struct job {
	const struct overlay_page *o;
	int fd;
	struct err *e;
};

/* What was opened under these numbers is in a table that we share with the caller. */
static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static int open_lowers(const struct job *j, int root, int *fds, size_t *n, struct strbuf *options)
{
	const struct strv *l = j->o->lowers;

	for (size_t i = 0; i < l->n; i++) {
		int fd = openat(root, l->v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_set(j->e, -errno, "%s", l->v[i]);
		fds[(*n)++] = fd;
		if (strbuf_addf(options, "%s%d", i ? ":" : "lowerdir=", fd) < 0)
			return err_set(j->e, -ENOMEM, "layers");
	}
	return 0;
}

static int mount_here(const struct job *j, int root, int upper, int work, struct strbuf *options)
{
	const char *target = j->o->work;

	if (strbuf_addf(options, ",upperdir=%d,workdir=%d,volatile%s", upper, work,
			j->o->userxattr ? ",userxattr" : "") < 0)
		return err_set(j->e, -ENOMEM, "layers");
	if (options->len >= PAGE_MAX)
		return err_msg(j->e, -E2BIG, "the names of the layers fill more than a page");
	if (chdir("/proc/self/fd") < 0)
		return err_set(j->e, -errno, "/proc/self/fd");
	auto_free char *path = xasprintf("%s/%s", j->o->root, target);
	if (mount("overlay", path, "overlay", 0, options->s) < 0)
		return err_set(j->e, -errno, "mount");
	int fd = open_tree(root, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? err_set(j->e, -errno, "open_tree") : fd;
}

static int mount_alone(const struct job *j, int *fds, size_t *n)
{
	AUTO(strbuf_clear) struct strbuf options = { 0 };
	auto_close int root = -1;
	auto_close int upper = -1;
	auto_close int work = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(j->e, -errno, "mounts that are not shared");
	root = open(j->o->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(j->e, -errno, "%s", j->o->root);
	upper = openat(root, j->o->upper, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	work = openat(root, j->o->work, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (upper < 0 || work < 0)
		return err_set(j->e, -errno, "writable folder");
	int r = open_lowers(j, root, fds, n, &options);
	return r < 0 ? r : mount_here(j, root, upper, work, &options);
}

static int run(void *arg)
{
	struct job *j = arg;
	int *fds = calloc(j->o->lowers->n, sizeof(*fds));
	size_t n = 0;

	j->fd = fds ? mount_alone(j, fds, &n) : err_set(j->e, -ENOMEM, "layers");
	close_all(fds, n);
	free(fds);
	return 0;
}

int overlay_page_mount(const struct overlay_page *o, struct err *e)
{
	struct job j = { .o = o, .fd = -EIO, .e = e };
	char *stack = proc_stack_new(STACK_SIZE);
	pid_t pid;

	if (!stack)
		return err_set(e, -errno, "native overlay");
	/* CLONE_VFORK: we sleep until it has left, so it may use our memory */
	pid = clone(run, stack + STACK_SIZE,
		    CLONE_NEWNS | CLONE_FILES | CLONE_VM | CLONE_VFORK | SIGCHLD, &j);
	if (pid < 0)
		j.fd = err_set(e, -errno, "a mount namespace");
	else
		(void)proc_wait(pid);
	proc_stack_free(stack, STACK_SIZE);
	return j.fd < 0 ? err_wrap(e, "native overlay") : j.fd;
}
