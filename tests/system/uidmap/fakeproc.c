/* SPDX-License-Identifier: Apache-2.0
 *
 * fakeproc - a FUSE file system that claims to be /proc
 *
 * fakeproc MOUNTPOINT PID UID GID: has folders PID and self that belong to
 * UID:GID, and in each whatever file is asked for, which takes every write.
 * Speaks the protocol itself, as root, so that it needs no library.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = 1, DIR = 2, LEAF = 3 };

static int dev;
static unsigned int uid, gid;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	char buf[8192];
	struct fuse_out_header out = { (unsigned int)(sizeof(out) + len), error, in->unique };

	memcpy(buf, &out, sizeof(out));
	if (len)
		memcpy(buf + sizeof(out), data, len);
	if (write(dev, buf, sizeof(out) + len) < 0)
		exit(0);
}

static struct fuse_attr attr(unsigned long node)
{
	return (struct fuse_attr){ .ino = node, .nlink = 1, .uid = uid, .gid = gid,
				   .mode = node == LEAF ? S_IFREG | 0644 : S_IFDIR | 0555 };
}

static void answer(const struct fuse_in_header *in, const char *body)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31,
				      .max_write = 4096 };
	struct fuse_entry_out entry = { 0 };
	struct fuse_attr_out a = { .attr = attr(in->nodeid) };
	struct fuse_open_out o = { 0 };
	struct fuse_statfs_out fs = { .st = { .bsize = 4096, .namelen = 255 } };
	struct fuse_write_out w = { 0 };

	switch (in->opcode) {
	case FUSE_INIT:
		reply(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		entry.nodeid = in->nodeid == ROOT ? DIR : LEAF;
		entry.attr = attr(entry.nodeid);
		reply(in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		reply(in, 0, &a, sizeof(a));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		reply(in, 0, &o, sizeof(o));
		break;
	case FUSE_STATFS:
		reply(in, 0, &fs, sizeof(fs));
		break;
	case FUSE_WRITE:
		w.size = ((const struct fuse_write_in *)(const void *)body)->size;
		reply(in, 0, &w, sizeof(w));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
		reply(in, 0, NULL, 0);
		break;
	default:
		reply(in, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buf[1 << 18];
	char opts[128];
	ssize_t n;

	if (argc != 5)
		return 2;
	uid = (unsigned int)atoi(argv[3]);
	gid = (unsigned int)atoi(argv[4]);
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=40555,user_id=0,group_id=0,allow_other", dev);
	if (dev < 0 || mount("proc", argv[1], "fuse.proc", MS_NODEV | MS_NOSUID, opts) < 0) {
		perror("fakeproc");
		return 1;
	}
	while ((n = read(dev, buf, sizeof(buf))) > 0)
		answer((struct fuse_in_header *)(void *)buf, buf + sizeof(struct fuse_in_header));
	return 0;
}
