/* SPDX-License-Identifier: Apache-2.0
 *
 * op_name - requests on names and folders: decode, lock, call the module, reply
 */
#include "fuse-overlay/op.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/dirent.h"
#include "fuse-overlay/firstopen.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/rename.h"

#define READDIR_MAX (1U << 20)

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);
	struct fuse_entry_param e;

	ovl_lock(o);
	int r = firstopen_is(o, node_of(o, parent), name, fuse_req_ctx(req)->pid) ?
			firstopen_entry(o, &e) :
			lookup_entry(o, node_of(o, parent), name, &e);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_entry(req, &e);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	node_forget(o, node_of(o, ino), count);
	ovl_unlock(o);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	for (size_t i = 0; i < count; i++)
		node_forget(o, node_of(o, forgets[i].ino), forgets[i].nlookup);
	node_give_back(o);
	ovl_unlock(o);
	fuse_reply_none(req);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct ovl *o = ovl_of(req);
	char target[PATH_MAX];
	struct loc l;
	ssize_t len = -1;

	ovl_lock(o);
	int r = node_loc(o, node_of(o, ino), &l);
	if (r >= 0) {
		len = readlinkat(l.fd, l.name, target, sizeof(target) - 1);
		r = len < 0 ? -errno : 0;
	}
	ovl_unlock(o);
	if (r < 0) {
		reply_status(req, r);
		return;
	}
	target[len] = '\0';
	(void)fuse_reply_readlink(req, target);
}

/* Make an object and reply with its entry. */
static void make(fuse_req_t req, fuse_ino_t parent, const char *name, struct newent *w)
{
	struct ovl *o = ovl_of(req);
	struct fuse_entry_param e;

	w->ctx = fuse_req_ctx(req);
	ovl_lock(o);
	int r = dirent_make(o, node_of(o, parent), name, w, &e);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_entry(req, &e);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make(req, parent, name, &(struct newent){ .mode = mode, .rdev = rdev });
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, &(struct newent){ .mode = S_IFDIR | (mode & 07777) });
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, &(struct newent){ .mode = S_IFLNK | 0777, .target = target });
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct node *n = node_of(ovl_of(req), ino);

	make(req, parent, name, &(struct newent){ .mode = n->type, .link = n });
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = dirent_unlink(o, node_of(o, parent), name);
	ovl_unlock(o);
	reply_status(req, r);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = dirent_rmdir(o, node_of(o, parent), name);
	ovl_unlock(o);
	reply_status(req, r);
}

void op_rename(fuse_req_t req, fuse_ino_t p1, const char *n1, fuse_ino_t p2, const char *n2,
	       unsigned int flags)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = rename_entry(o, node_of(o, p1), n1, node_of(o, p2), n2, flags);
	ovl_unlock(o);
	reply_status(req, r);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct node *n = node_of(o, ino);
	struct loc l;
	auto_close int fd = -1;

	(void)fi;
	if (!o->conf->fsync || !o->writable) {
		/* nothing to do; the kernel asks once and then says so itself */
		reply_status(req, -ENOSYS);
		return;
	}
	ovl_lock(o);
	bool lower = n->layer;
	int r = lower ? 0 : node_loc(o, n, &l);
	if (r >= 0 && !lower) {
		fd = at_open(l, O_RDONLY | O_DIRECTORY);
		r = fd < 0 ? fd : 0;
	}
	ovl_unlock(o);
	if (r >= 0 && !lower && (datasync ? fdatasync(fd) : fsync(fd)))
		r = -errno;
	reply_status(req, r);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (ovl_of(req)->no_opendir) {
		/* the kernel stops asking, and caches listings by itself */
		reply_status(req, -ENOSYS);
		return;
	}
	fi->cache_readdir = 1;
	fi->keep_cache = 1;
	(void)fuse_reply_open(req, fi);
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct ovl *o = ovl_of(req);
	auto_free char *buf = malloc(size < READDIR_MAX ? size : READDIR_MAX);

	if (!buf) {
		reply_status(req, -ENOMEM);
		return;
	}
	if (size > READDIR_MAX)
		size = READDIR_MAX;
	ovl_lock(o);
	ssize_t n = readdir_fill(o, req, node_of(o, ino), off, size, plus, buf);
	ovl_unlock(o);
	if (n < 0)
		reply_status(req, (int)n);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}
