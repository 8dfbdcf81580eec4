/* SPDX-License-Identifier: Apache-2.0
 *
 * firstopen - let the kernel learn at once that files need no opening
 *
 * How it works. When an OPEN was answered with ENOSYS, the kernel announces
 * neither opens nor ends of files any more (file.c), but until then it sends
 * a RELEASE for every file that is made, and what begins by unpacking an
 * archive opens none for long. So, before the mount is said to be ready, the
 * server has a child open a file: one that is there for this child only, by a
 * name that no file can have. A thread of the server's would do until somebody
 * kills the server: it would wait for an answer, unkillable, and hold the very
 * descriptor whose closing ends that wait (tests/helpers/overlay_start.py
 * finds such a process).
 */
#include "fuse-overlay/firstopen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/thread.h"
#include "fuse-overlay/whiteout.h"

#define NAME ".wh..wh.first-open"
#define NO_LAYER ((uint16_t)(UINT16_MAX - 2))

/**
 * struct firstopen - the waiting thread's own
 */
struct firstopen {
	void (*done)(void *arg);
	void *arg;
	_Atomic pid_t *child;
	char path[PATH_MAX];
};

/* After fork() in a program with threads: system calls only. */
static _Noreturn void open_it(const char *path, const int go[2])
{
	char byte;

	/* the server has to know us first */
	(void)close(go[1]);
	(void)!read(go[0], &byte, 1);
	/* the connection must not live because we do */
	(void)close_range(0, UINT_MAX, 0);
	(void)!open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_exit(0);
}

static void *wait_for_it(void *arg)
{
	auto_free struct firstopen *f = arg;
	int go[2];

	if (pipe2(go, O_CLOEXEC) == 0) {
		pid_t pid = fork();

		if (pid == 0)
			open_it(f->path, go);
		atomic_store(f->child, pid > 0 ? pid : 0);
		(void)close(go[0]);
		(void)close(go[1]);
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		atomic_store(f->child, 0);
	}
	f->done(f->arg);
	return NULL;
}

int firstopen_start(struct ovl *o, void (*done)(void *arg), void *arg, pthread_t *ret)
{
	auto_free struct firstopen *f = malloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->done = done;
	f->arg = arg;
	f->child = &o->first_opener;
	int r = str_format(f->path, sizeof(f->path), "%s/" NAME, o->conf->mountpoint);
	if (r < 0)
		return r;
	r = thread_start(ret, NULL, wait_for_it, f);
	if (r < 0)
		return r;
	f = NULL;
	return 0;
}

bool firstopen_is(const struct ovl *o, const struct node *parent, const char *name, pid_t pid)
{
	return o->no_open && pid > 0 && pid == atomic_load(&o->first_opener) && parent == o->root &&
	       str_eq(name, NAME);
}

int firstopen_entry(struct ovl *o, struct fuse_entry_param *e)
{
	const struct node_key key = { .ino = 1, .layer = NO_LAYER };
	struct node *n = node_find(o, key);

	if (!n && !(n = node_new(o, o->root, NAME, key, S_IFREG)))
		return -ENOMEM;
	n->flags |= NODE_NONAME;
	n->nlookup++;
	*e = (struct fuse_entry_param){
		.ino = node_id(n),
		.attr_timeout = o->conf->timeout,
		.attr = { .st_ino = n->show_ino, .st_mode = S_IFREG | 0400, .st_nlink = 1,
			  .st_uid = o->fs_uid, .st_gid = o->fs_gid },
	};
	return 0;
}
