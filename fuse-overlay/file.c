/* SPDX-License-Identifier: Apache-2.0
 *
 * file - open files and their data
 *
 * How it works. A file opened for reading may still be in a lower layer. If
 * another opener has it copied up, node.ver grows; the next request on the
 * older open file sees that and puts a descriptor of the copy under the same
 * number (dup3), so that readers never see data that was since replaced.
 */
#include "fuse-overlay/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/node.h"

#define CLOSE_AT_ONCE 256

int file_open_loc(struct ovl *o, struct loc l, int flags)
{
	int fd = at_open(l, flags);

	if (fd == -EMFILE && dir_close_some(o, CLOSE_AT_ONCE))
		fd = at_open(l, flags);
	return fd;
}

int file_backing_flags(const struct ovl *o, int flags)
{
	int keep = O_ACCMODE | O_TRUNC | O_APPEND;

	if (o->conf->fsync)
		keep |= O_SYNC | O_DSYNC;
	flags &= keep;
	if (o->conf->writeback) {
		/* the kernel places appended data itself and reads around writes */
		flags &= ~O_APPEND;
		if ((flags & O_ACCMODE) == O_WRONLY)
			flags = (flags & ~O_ACCMODE) | O_RDWR;
	}
	return flags | O_NONBLOCK;
}

struct ofile *file_new(struct node *n, int fd, int flags)
{
	struct ofile *of = malloc(sizeof(*of));

	if (!of) {
		(void)close(fd);
		return NULL;
	}
	of->node = n;
	of->flags = flags;
	atomic_init(&of->fd, fd);
	atomic_init(&of->ver, atomic_load(&n->ver));
	node_ref(n);
	return of;
}

static int open_backing(struct ovl *o, struct node *n, int flags)
{
	struct loc l;
	int r = node_loc(o, n, &l);

	if (r < 0)
		return r;
	int fd = file_open_loc(o, l, file_backing_flags(o, flags));
	/* a file that its owner may only write */
	if (fd == -EACCES && (flags & O_ACCMODE) == O_WRONLY)
		fd = file_open_loc(o, l, flags & (O_ACCMODE | O_TRUNC));
	return fd;
}

int file_open(struct ovl *o, struct node *n, int flags, struct ofile **ret)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

	if (writes) {
		int r = copyup_node(o, n, flags & O_TRUNC ? 0 : COPYUP_WHOLE);

		if (r < 0)
			return r;
	}
	int fd = open_backing(o, n, flags);
	if (fd < 0)
		return fd;
	struct ofile *of = file_new(n, fd, flags);
	if (!of)
		return -ENOMEM;
	*ret = of;
	return 0;
}

void file_close(struct ovl *o, struct ofile *of)
{
	(void)close(atomic_load(&of->fd));
	node_unref(o, of->node);
	free(of);
}

int file_refresh(struct ovl *o, struct ofile *of)
{
	uint32_t ver = atomic_load(&of->node->ver);

	if (atomic_load(&of->ver) == ver)
		return 0;
	auto_close int fd = open_backing(o, of->node, of->flags & ~O_TRUNC);
	if (fd < 0)
		return fd;
	if (dup3(fd, atomic_load(&of->fd), O_CLOEXEC) < 0)
		return -errno;
	atomic_store(&of->ver, ver);
	return 0;
}

int file_fd(struct ovl *o, struct ofile *of)
{
	if (atomic_load(&of->ver) != atomic_load(&of->node->ver)) {
		ovl_lock(o);
		int r = file_refresh(o, of);
		ovl_unlock(o);
		if (r < 0)
			return r;
	}
	return atomic_load(&of->fd);
}
