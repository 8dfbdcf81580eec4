/* SPDX-License-Identifier: Apache-2.0
 *
 * scan - what a real folder of a layer contains
 */
#include "fuse-overlay/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/num.h"
#include "fuse-overlay/node.h"

/* A folder that may be searched but not read has an O_PATH descriptor. */
ssize_t scan_getdents(int fd, void *buf, size_t size)
{
	long n = syscall(SYS_getdents64, fd, buf, size);

	if (n < 0)
		return errno == EBADF ? -EACCES : -errno;
	return n;
}

int scan_folder(int dirfd, int (*fn)(void *arg, const struct rawent *e), void *arg)
{
	auto_close int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *buf = malloc(OVL_RDBUF_SIZE);

	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = scan_getdents(fd, buf, OVL_RDBUF_SIZE);

		if (n <= 0)
			return (int)n;
		for (ssize_t p = 0; p < n;) {
			const struct scan_raw *r = (const void *)(buf + p);
			struct rawent e = { .ino = r->ino, .type = r->type, .name = r->name };

			p += r->len;
			if (scan_is_dots(r->name))
				continue;
			int k = fn(arg, &e);
			if (k)
				return k;
		}
	}
}

/* The number that a listing shows must be the one that stat(2) shows. */
uint64_t scan_show_ino(struct ovl *o, const struct dir *d, unsigned int src, unsigned int dev,
		       const struct rawent *e, bool moved)
{
	char text[24];
	uint64_t was;

	if (!moved || d->src[src].layer || !o->writable)
		return node_show_ino(o, dev, e->ino);
	const struct node *known =
		node_find(o, (struct node_key){ .ino = e->ino, .layer = 0, .dev = (uint16_t)dev });
	if (known)
		return known->show_ino;
	if (e->type == DT_REG || e->type == DT_DIR || e->type == DT_UNKNOWN) {
		ssize_t len = at_getxattr((struct loc){ d->src[src].fd, e->name }, XATTR_INO, text,
					  sizeof(text) - 1);

		if (len > 0) {
			text[len] = '\0';
			if (!num_u64(text, &was) && was)
				return was;
		}
	}
	return node_show_ino(o, dev, e->ino);
}

unsigned int scan_dev(struct ovl *o, const struct dir *d, unsigned int src)
{
	struct statx stx;

	if (o->n_devs == 1 || at_stat((struct loc){ d->src[src].fd, "" }, &stx) < 0)
		return 0;
	int dev = node_dev(o, &stx);
	return dev < 0 ? 0 : (unsigned int)dev;
}
