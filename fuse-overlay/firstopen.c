/* SPDX-License-Identifier: Apache-2.0
 *
 * firstopen - let the kernel learn at once that files need no opening
 *
 * How it works. When an OPEN was answered with ENOSYS, the kernel announces
 * neither opens nor ends of files any more (file.c), but until then it sends
 * a RELEASE for every file that is made, and what begins by unpacking an
 * archive opens none for long. So, before the mount is said to be ready, the
 * server opens a file itself: one that is there for its own threads only, by
 * a name that no file can have.
 */
#include "fuse-overlay/firstopen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/whiteout.h"

#define NAME ".wh..wh.first-open"
#define NO_LAYER ((uint16_t)(UINT16_MAX - 2))

/**
 * struct firstopen - the thread's own
 */
struct firstopen {
	void (*done)(void *arg);
	void *arg;
	char path[PATH_MAX];
};

static void *open_it(void *arg)
{
	auto_free struct firstopen *f = arg;
	int fd = open(f->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	/* the mount may be left as soon as it is said to be ready */
	if (fd >= 0)
		(void)close(fd);
	f->done(f->arg);
	return NULL;
}

int firstopen_start(const char *mountpoint, void (*done)(void *arg), void *arg, pthread_t *ret)
{
	auto_free struct firstopen *f = malloc(sizeof(*f));
	sigset_t all, old;

	if (!f)
		return -ENOMEM;
	f->done = done;
	f->arg = arg;
	int r = str_format(f->path, sizeof(f->path), "%s/" NAME, mountpoint);
	if (r < 0)
		return r;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, NULL, open_it, f);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	f = NULL;
	return 0;
}

bool firstopen_is(const struct ovl *o, const struct node *parent, const char *name, pid_t tid)
{
	char task[40];

	if (!o->no_open || parent != o->root || !str_eq(name, NAME))
		return false;
	(void)snprintf(task, sizeof(task), "/proc/self/task/%d", tid);
	return tid > 0 && !access(task, F_OK);
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
