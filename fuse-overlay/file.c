/* SPDX-License-Identifier: Apache-2.0
 *
 * file - open files and their data
 *
 * How it works. A file opened for reading may still be in a lower layer. If
 * another opener has it copied up, node.ver grows; the next request on the
 * older open file sees that and puts a descriptor of the copy under the same
 * number (dup3), so that readers never see data that was since replaced.
 *
 * Where the server may open whatever it has mapped ids for, the kernel is told
 * not to announce that files are opened and closed (ovl.no_open): most are
 * read whole by one request, so that two of three are saved. Requests then name
 * no open file. What they are about is opened when they come, and kept for
 * the next ones in a small table, until another takes its place or the kernel
 * forgets the node. The kernel has checked permissions by itself. A file that
 * is made starts in that table, as its end is not announced either.
 */
#include "fuse-overlay/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/killpriv.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/passthrough.h"
#include "fuse-overlay/wire.h"

#define CLOSE_AT_ONCE 256

int file_open_loc(struct ovl *o, struct loc l, int flags)
{
	int fd = at_open(l, flags);

	if (fd != -EMFILE)
		return fd;
	bool kept = file_drop_kept(o, NULL);
	bool dirs = dir_close_some(o, CLOSE_AT_ONCE);
	return kept || dirs ? at_open(l, flags) : fd;
}

int file_backing_flags(const struct ovl *o, int flags)
{
	/* what is opened for one request serves the next ones too */
	if (o->no_open)
		return (flags & (O_ACCMODE | O_TRUNC)) | O_NONBLOCK;
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
	of->users = 0;
	of->pass = NULL;
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
	/* not while it is copied up: its parents would lose their setgid bits */
	bool dropped = killpriv_begin(flags & O_TRUNC && wire_request().kill_priv);
	int fd = file_open_loc(o, l, file_backing_flags(o, flags));
	/* a file that its owner may only write */
	if (fd == -EACCES && (flags & O_ACCMODE) == O_WRONLY)
		fd = file_open_loc(o, l, flags & (O_ACCMODE | O_TRUNC));
	killpriv_end(dropped);
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
	passthrough_close(o, of);
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

/* --- files that the kernel did not open -------------------------------------- */

static struct ofile **kept_place(struct ovl *o, const struct node *n)
{
	uint64_t h = (uint64_t)(uintptr_t)n * 0x9e3779b97f4a7c15U;

	return &o->kept[(h >> 40) % OVL_KEPT_MAX];
}

static void kept_put(struct ovl *o, struct ofile *of)
{
	if (!--of->users)
		file_close(o, of);
}

static void kept_clear(struct ovl *o, struct ofile **place)
{
	struct ofile *of = *place;

	if (!of)
		return;
	*place = NULL;
	o->n_kept--;
	kept_put(o, of);
}

/* Its place counts as a user. */
static void kept_set(struct ovl *o, struct ofile *of)
{
	struct ofile **place = kept_place(o, of->node);

	kept_clear(o, place);
	while (o->n_kept >= o->max_kept && o->n_kept)
		kept_clear(o, &o->kept[o->kept_hand++ % OVL_KEPT_MAX]);
	*place = of;
	of->users = 1;
	o->n_kept++;
}

bool file_drop_kept(struct ovl *o, const struct node *n)
{
	unsigned int before = o->n_kept;
	struct ofile **place = n ? kept_place(o, n) : NULL;

	if (place && *place && (*place)->node == n)
		kept_clear(o, place);
	for (unsigned int i = 0; !place && i < OVL_KEPT_MAX; i++)
		kept_clear(o, &o->kept[i]);
	return o->n_kept < before;
}

/* Open a node for the requests to come; the lock is held. */
static int kept_open(struct ovl *o, struct node *n, bool writes, struct ofile **ret)
{
	struct ofile *of = *kept_place(o, n);

	if (of && of->node == n && (!writes || of->flags == O_RDWR) &&
	    atomic_load(&of->ver) == atomic_load(&n->ver)) {
		of->users++;
		*ret = of;
		return 0;
	}
	int r = file_open(o, n, writes ? O_RDWR : O_RDONLY, &of);
	if (r < 0)
		return r;
	kept_set(o, of);
	of->users++;
	*ret = of;
	return 0;
}

void file_keep(struct ovl *o, struct node *n, int fd)
{
	struct ofile *of = file_new(n, fd, O_RDWR);

	if (of)
		kept_set(o, of);
}

int file_begin(struct ovl *o, struct node *n, const struct fuse_file_info *fi, bool writes,
	       struct fileio *ret)
{
	struct ofile *of = file_of(fi);
	int r = 0;

	if (!of) {
		ovl_lock(o);
		r = kept_open(o, n, writes, &of);
		ovl_unlock(o);
	} else if (atomic_load(&of->ver) != atomic_load(&of->node->ver)) {
		ovl_lock(o);
		r = file_refresh(o, of);
		ovl_unlock(o);
	}
	if (r < 0)
		return r;
	*ret = (struct fileio){ .of = of, .fd = atomic_load(&of->fd), .kept = !file_of(fi) };
	return 0;
}

void file_end(struct ovl *o, struct fileio *io)
{
	int saved = errno;

	if (io->kept) {
		ovl_lock(o);
		kept_put(o, io->of);
		ovl_unlock(o);
	}
	io->kept = false;
	errno = saved;
}
