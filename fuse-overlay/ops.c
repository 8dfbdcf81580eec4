/* SPDX-License-Identifier: Apache-2.0
 *
 * ops - the table of requests: decode, lock, call the module, reply
 */
#include "fuse-overlay/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/attr.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dirent.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/pool.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/rename.h"
#include "fuse-overlay/xattr.h"

#define READ_COPY_MAX (32U << 10)	/* what is cheaper to copy than to send through a pipe */
#define READDIR_MAX (1U << 20)

static struct ovl *ovl_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static void reply_status(fuse_req_t req, int r)
{
	(void)fuse_reply_err(req, r < 0 ? -r : 0);
}

static void want(struct fuse_conn_info *conn, unsigned int caps)
{
	conn->want |= conn->capable & caps;
}

static void op_init(void *data, struct fuse_conn_info *conn)
{
	struct ovl *o = data;

	/* moving would take pages out of a layer's cache that others share */
	conn->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA |
				      FUSE_CAP_HANDLE_KILLPRIV |
				      FUSE_CAP_READDIRPLUS_AUTO);
	want(conn, FUSE_CAP_SPLICE_WRITE | FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK |
			   FUSE_CAP_READDIRPLUS |
			   FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS |
			   FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_ASYNC_DIO |
			   FUSE_CAP_EXPLICIT_INVAL_DATA);
	if (o->conf->writeback && o->writable)
		want(conn, FUSE_CAP_WRITEBACK_CACHE);
	if (!o->conf->noacl && !o->conf->noxattrs && !owner_is_recorded(o))
		want(conn, FUSE_CAP_POSIX_ACL);
	o->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	/* only who may open everything can do so later than asked */
	o->no_open = o->privileged && conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	if (o->no_open) {
		conn->want &= ~(unsigned int)FUSE_CAP_ATOMIC_O_TRUNC;
		want(conn, FUSE_CAP_NO_OPEN_SUPPORT);
	}
	conn->time_gran = 1;
	conn->max_readahead = 1U << 20;
	conn->max_write = 1U << 20;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);
	struct fuse_entry_param e;

	ovl_lock(o);
	int r = lookup_entry(o, node_of(o, parent), name, &e);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_entry(req, &e);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	node_forget(o, node_of(o, ino), count);
	ovl_unlock(o);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	for (size_t i = 0; i < count; i++)
		node_forget(o, node_of(o, forgets[i].ino), forgets[i].nlookup);
	node_give_back(o);
	ovl_unlock(o);
	fuse_reply_none(req);
}

/* Attributes of a node as the mount shows them; the lock is held. */
static int shown_attr(struct ovl *o, struct node *n, struct stat *ret)
{
	struct statx stx;
	int r = attr_get(o, n, &stx);

	return r < 0 ? r : attr_fill(o, n, &stx, ret);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct stat st;

	(void)fi;
	ovl_lock(o);
	int r = shown_attr(o, node_of(o, ino), &st);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_attr(req, &st, o->conf->timeout);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct node *n = node_of(o, ino);
	struct stat st;

	ovl_lock(o);
	int r = attr_set(o, n, attr, to_set, file_of(fi));
	if (r >= 0)
		r = shown_attr(o, n, &st);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_attr(req, &st, o->conf->timeout);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
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

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     dev_t rdev)
{
	make(req, parent, name, &(struct newent){ .mode = mode, .rdev = rdev });
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, &(struct newent){ .mode = S_IFDIR | (mode & 07777) });
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, &(struct newent){ .mode = S_IFLNK | 0777, .target = target });
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct node *n = node_of(ovl_of(req), ino);

	make(req, parent, name, &(struct newent){ .mode = n->type, .link = n });
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = dirent_unlink(o, node_of(o, parent), name);
	ovl_unlock(o);
	reply_status(req, r);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = dirent_rmdir(o, node_of(o, parent), name);
	ovl_unlock(o);
	reply_status(req, r);
}

static void op_rename(fuse_req_t req, fuse_ino_t p1, const char *n1, fuse_ino_t p2,
		      const char *n2, unsigned int flags)
{
	struct ovl *o = ovl_of(req);

	ovl_lock(o);
	int r = rename_entry(o, node_of(o, p1), n1, node_of(o, p2), n2, flags);
	ovl_unlock(o);
	reply_status(req, r);
}

static void set_open_flags(struct fuse_file_info *fi, struct ofile *of)
{
	fi->fh = (uintptr_t)of;
	fi->keep_cache = 1;
	fi->noflush = 1;
}

static void drop_open(struct ovl *o, struct ofile *of)
{
	ovl_lock(o);
	file_close(o, of);
	ovl_unlock(o);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct ofile *of = NULL;

	if (o->no_open) {
		reply_status(req, -ENOSYS);
		return;
	}
	ovl_lock(o);
	int r = file_open(o, node_of(o, ino), fi->flags, &of);
	ovl_unlock(o);
	if (r < 0) {
		reply_status(req, r);
		return;
	}
	set_open_flags(fi, of);
	/* an interrupted caller will not release what it never got */
	if (fuse_reply_open(req, fi) == -ENOENT)
		drop_open(o, of);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct newent w = { .mode = S_IFREG | (mode & 07777), .flags = fi->flags, .want_fd = true,
			    .ctx = fuse_req_ctx(req) };
	struct fuse_entry_param e;
	struct ofile *of = NULL;

	ovl_lock(o);
	int r = fi->flags & __O_TMPFILE ? dirent_make_unnamed(o, node_of(o, parent), &w, &e) :
					  dirent_make(o, node_of(o, parent), name, &w, &e);
	if (r >= 0 && o->no_open) {
		file_keep(o, node_of(o, e.ino), w.fd);
	} else if (r >= 0) {
		of = file_new(node_of(o, e.ino), w.fd, fi->flags);
		if (!of) {
			node_forget(o, node_of(o, e.ino), 1);
			r = -ENOMEM;
		}
	}
	ovl_unlock(o);
	if (r < 0) {
		reply_status(req, r);
		return;
	}
	set_open_flags(fi, of);
	if (fuse_reply_create(req, &e, fi) == -ENOENT && of)
		drop_open(o, of);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	/* until the kernel has learnt that it need not, it closes what was made */
	if (file_of(fi))
		drop_open(ovl_of(req), file_of(fi));
	reply_status(req, 0);
}

/* May a read be answered without waiting for a disk? Its last byte says it, as
 * what is read ahead comes in order. */
static bool is_cached(int fd, size_t size, off_t off)
{
	char byte;
	struct iovec v = { .iov_base = &byte, .iov_len = 1 };

	return size && (preadv2(fd, &v, 1, off + (off_t)size - 1, RWF_NOWAIT) >= 0 ||
			errno != EAGAIN);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	char buf[READ_COPY_MAX];
	struct fileio io;
	int r = file_begin(o, node_of(o, ino), fi, false, &io);

	if (r < 0) {
		reply_status(req, r);
		return;
	}
	bool cold = o->pool && !is_cached(io.fd, size, off);
	if (cold)
		pool_wait_begin(o);
	if (size > sizeof(buf)) {
		struct fuse_bufvec v = FUSE_BUFVEC_INIT(size);

		/* by reference through a pipe: one copy less */
		v.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
		v.buf[0].fd = io.fd;
		v.buf[0].pos = off;
		(void)fuse_reply_data(req, &v, 0);
	}
	ssize_t n = size > sizeof(buf) ? 0 : pread(io.fd, buf, size, off);
	if (cold)
		pool_wait_end(o);
	file_end(o, &io);
	if (size > sizeof(buf))
		return;
	if (n < 0)
		reply_status(req, -errno);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;
	size_t done = 0;
	int r = file_begin(o, node_of(o, ino), fi, true, &io);

	if (r < 0) {
		reply_status(req, r);
		return;
	}
	while (done < size) {
		ssize_t n = pwrite(io.fd, buf + done, size - done, off + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	file_end(o, &io);
	if (r < 0 && !done)
		reply_status(req, r);
	else
		(void)fuse_reply_write(req, done);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	/* nothing to do; the kernel asks once and never again */
	reply_status(req, -ENOSYS);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;

	if (!o->conf->fsync || !o->writable) {
		reply_status(req, 0);
		return;
	}
	int r = file_begin(o, node_of(o, ino), fi, false, &io);
	if (r >= 0) {
		pool_wait_begin(o);
		r = (datasync ? fdatasync(io.fd) : fsync(io.fd)) ? -errno : owner_sync(o);
		pool_wait_end(o);
		file_end(o, &io);
	}
	reply_status(req, r);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct node *n = node_of(o, ino);
	struct loc l;
	auto_close int fd = -1;

	(void)fi;
	if (!o->conf->fsync || !o->writable) {
		reply_status(req, 0);
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

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
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

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	(void)ino;
	if (fstatvfs(ovl_of(req)->layers[0].fd, &st))
		reply_status(req, -errno);
	else
		(void)fuse_reply_statfs(req, &st);
}

static void set_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		      size_t size, int flags)
{
	struct ovl *o = ovl_of(req);

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	ovl_lock(o);
	int r = xattr_set(o, node_of(o, ino), name, value, size, flags);
	ovl_unlock(o);
	reply_status(req, r);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	set_xattr(req, ino, name, value ? value : "", size, flags);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	set_xattr(req, ino, name, NULL, 0, 0);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct ovl *o = ovl_of(req);
	char few[1024];
	auto_free char *many = NULL;
	char *buf = few;

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	if (size > OVL_XATTR_MAX)
		size = OVL_XATTR_MAX;
	if (size > sizeof(few) && !(buf = many = malloc(size))) {
		reply_status(req, -ENOMEM);
		return;
	}
	ovl_lock(o);
	ssize_t n = xattr_get(o, node_of(o, ino), name, buf, size);
	ovl_unlock(o);
	if (n < 0)
		reply_status(req, (int)n);
	else if (!size)
		(void)fuse_reply_xattr(req, (size_t)n);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct ovl *o = ovl_of(req);
	auto_free char *buf = NULL;

	if (o->conf->noxattrs) {
		reply_status(req, -ENOSYS);
		return;
	}
	buf = malloc(OVL_XATTR_MAX);
	if (!buf) {
		reply_status(req, -ENOMEM);
		return;
	}
	ovl_lock(o);
	ssize_t n = xattr_list(o, node_of(o, ino), buf);
	ovl_unlock(o);
	if (n < 0)
		reply_status(req, (int)n);
	else if (!size)
		(void)fuse_reply_xattr(req, (size_t)n);
	else if ((size_t)n > size)
		reply_status(req, -ERANGE);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
			 struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;
	int r = file_begin(o, node_of(o, ino), fi, true, &io);

	if (r >= 0) {
		pool_wait_begin(o);
		r = fallocate(io.fd, mode, off, len) ? -errno : 0;
		pool_wait_end(o);
		file_end(o, &io);
	}
	reply_status(req, r);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t out, off_t off_out,
			       struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct ovl *o = ovl_of(req);
	struct fileio from, to;
	/* the target first: it may be the same lower file, which is copied up */
	int r = file_begin(o, node_of(o, out), fi_out, true, &to);

	if (r < 0) {
		reply_status(req, r);
		return;
	}
	ssize_t n = r = file_begin(o, node_of(o, in), fi_in, false, &from);
	if (r >= 0) {
		pool_wait_begin(o);
		n = copy_file_range(from.fd, &off_in, to.fd, &off_out, len, (unsigned int)flags);
		n = n < 0 ? -errno : n;
		pool_wait_end(o);
		file_end(o, &from);
	}
	file_end(o, &to);
	if (n < 0)
		reply_status(req, (int)n);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;

	if (o->conf->writeback) {
		/* the kernel asks without having written: what is in its cache would
		 * pass for a hole. Said once, it answers by itself. */
		reply_status(req, -ENOSYS);
		return;
	}
	off_t r = file_begin(o, node_of(o, ino), fi, false, &io);
	if (r >= 0) {
		r = lseek(io.fd, off, whence);
		r = r < 0 ? -errno : r;
		file_end(o, &io);
	}
	if (r < 0)
		reply_status(req, (int)r);
	else
		(void)fuse_reply_lseek(req, r);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		     size_t out_size)
{
	struct ovl *o = ovl_of(req);
	char buf[64] = { 0 };

	(void)arg;
	(void)fi;
	if (flags & FUSE_IOCTL_COMPAT || in_size > sizeof(buf) || out_size > sizeof(buf)) {
		reply_status(req, -ENOTTY);
		return;
	}
	if (in_size)
		memcpy(buf, in, in_size);
	ovl_lock(o);
	int r = attr_ioctl(o, node_of(o, ino), cmd, buf, in_size > out_size ? in_size : out_size);
	ovl_unlock(o);
	if (r < 0)
		reply_status(req, r);
	else
		(void)fuse_reply_ioctl(req, 0, buf, out_size);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.open = op_open,
	.create = op_create,
	.release = op_release,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.fsyncdir = op_fsyncdir,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.ioctl = op_ioctl,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};
