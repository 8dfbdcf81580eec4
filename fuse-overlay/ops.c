/* SPDX-License-Identifier: Apache-2.0
 *
 * ops - the table of requests, and what is agreed with the kernel at the start
 */
#include "fuse-overlay/ops.h"

#include "fuse-overlay/op.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/passthrough.h"

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
	/* only who may open everything can do so later than asked; what the kernel
	 * is to read by itself it learns at the opening */
	o->no_open = o->privileged && !o->passthrough && conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
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
