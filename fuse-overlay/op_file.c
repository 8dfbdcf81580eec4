/* SPDX-License-Identifier: Apache-2.0
 *
 * op_file - requests on open files and their data: decode, call the module, reply
 */
#include "fuse-overlay/op.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse-overlay/dirent.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/killpriv.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/passthrough.h"
#include "fuse-overlay/pool.h"
#include "fuse-overlay/wire.h"

#define READ_COPY_MAX (32U << 10)	/* what is cheaper to copy than to send through a pipe */

static void set_open_flags(struct fuse_file_info *fi, struct ofile *of,
			   const struct passthrough_way *way)
{
	fi->fh = (uintptr_t)of;
	fi->keep_cache = !way->backing && way->keep_cache;
	fi->noflush = 1;
	wire_pass_through(way->backing);
}

static void drop_open(struct ovl *o, struct ofile *of)
{
	ovl_lock(o);
	file_close(o, of);
	ovl_unlock(o);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct passthrough_way way;
	struct ofile *of = NULL;

	if (o->no_open) {
		reply_status(req, -ENOSYS);
		return;
	}
	ovl_lock(o);
	int r = file_open(o, node_of(o, ino), fi->flags, &of);
	if (r >= 0 && (r = passthrough_open(o, of, &way)) < 0)
		file_close(o, of);
	ovl_unlock(o);
	if (r < 0) {
		reply_status(req, r);
		return;
	}
	set_open_flags(fi, of, &way);
	/* an interrupted caller will not release what it never got */
	if (fuse_reply_open(req, fi) == -ENOENT)
		drop_open(o, of);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct newent w = { .mode = S_IFREG | (mode & 07777), .flags = fi->flags, .want_fd = true,
			    .ctx = fuse_req_ctx(req) };
	struct passthrough_way way = { .keep_cache = true };
	struct fuse_entry_param e;
	struct ofile *of = NULL;

	ovl_lock(o);
	int r = fi->flags & __O_TMPFILE ? dirent_make_unnamed(o, node_of(o, parent), &w, &e) :
					  dirent_make(o, node_of(o, parent), name, &w, &e);
	if (r >= 0 && o->no_open) {
		file_keep(o, node_of(o, e.ino), w.fd);
	} else if (r >= 0) {
		of = file_new(node_of(o, e.ino), w.fd, fi->flags);
		r = of ? passthrough_open(o, of, &way) : -ENOMEM;
		if (r < 0 && of)
			file_close(o, of);
		if (r < 0)
			node_forget(o, node_of(o, e.ino), 1);
	}
	ovl_unlock(o);
	if (r < 0) {
		reply_status(req, r);
		return;
	}
	set_open_flags(fi, of, &way);
	if (fuse_reply_create(req, &e, fi) == -ENOENT && of)
		drop_open(o, of);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
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

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
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

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
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
	bool dropped = killpriv_begin(wire_request().kill_priv);
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
	killpriv_end(dropped);
	file_end(o, &io);
	if (r < 0 && !done)
		reply_status(req, r);
	else
		(void)fuse_reply_write(req, done);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	/* nothing to do; the kernel asks once and never again */
	reply_status(req, -ENOSYS);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;

	if (!o->conf->fsync || !o->writable) {
		/* nothing to do; the kernel asks once and then says so itself */
		reply_status(req, -ENOSYS);
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

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		  struct fuse_file_info *fi)
{
	struct ovl *o = ovl_of(req);
	struct fileio io;
	int r = file_begin(o, node_of(o, ino), fi, true, &io);

	if (r >= 0) {
		bool dropped = killpriv_begin(wire_request().kill_priv);

		pool_wait_begin(o);
		r = fallocate(io.fd, mode, off, len) ? -errno : 0;
		pool_wait_end(o);
		killpriv_end(dropped);
		file_end(o, &io);
	}
	reply_status(req, r);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in,
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
		bool dropped = killpriv_begin(wire_request().kill_priv);

		pool_wait_begin(o);
		n = copy_file_range(from.fd, &off_in, to.fd, &off_out, len, (unsigned int)flags);
		n = n < 0 ? -errno : n;
		pool_wait_end(o);
		killpriv_end(dropped);
		file_end(o, &from);
	}
	file_end(o, &to);
	if (n < 0)
		reply_status(req, (int)n);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
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
