/* SPDX-License-Identifier: Apache-2.0
 *
 * sidecar - recorded owners of a layer whose file system has no user attributes
 *
 * One file in the layer's top folder, SIDECAR_NAME, whose name no program sees
 * through a mount. Its first line is "fuse-overlay owners 1 INODE" with the
 * inode number of the top folder; then a line for each change:
 *
 *	INODE uid:gid:mode[:type]	the owner of that inode from now on
 *	INODE -				the inode is gone
 *
 * A later line takes the place of an earlier one. Keyed by inode, a record
 * outlives renames and is one for all hard links; it does not outlive a copy
 * of the layer, which the first line tells. Lines are appended by one write
 * each; what is not a whole line at the end was cut off by a crash and is
 * not read. A file that is mostly out of date is written anew at the next
 * mount and takes its place by rename.
 */
#ifndef FUSE_OVERLAY_SIDECAR_H
#define FUSE_OVERLAY_SIDECAR_H

#include "fuse-overlay/owner.h"

#define SIDECAR_NAME ".wh..wh.owners"
#define SIDECAR_MAX (256U << 20)	/* bytes of such a file: some 6 million inodes */

struct sidecar;

/**
 * sidecar_open() - the records of a layer
 * @dirfd:	its top folder; borrowed, must stay open
 * @writable:	records will be added
 * @create:	make the file when there is none
 * @ret:	the caller's to sidecar_free()
 * Return: 0; -ENODATA without such a file; -ESTALE when the layer is a copy;
 * -EFBIG; -EBADMSG for a line that makes no sense; -ENOMEM, -errno
 */
int sidecar_open(int dirfd, bool writable, bool create, struct sidecar **ret);

/**
 * sidecar_free() - NULL is fine
 */
void sidecar_free(struct sidecar *s);

/**
 * sidecar_get() - what is recorded of an inode
 * Return: 0, -ENODATA
 */
int sidecar_get(struct sidecar *s, uint64_t ino, struct owner *ret);

/**
 * sidecar_put() - record an owner
 * Return: 0, -ENOMEM, -errno (then the former record stands)
 */
int sidecar_put(struct sidecar *s, uint64_t ino, const struct owner *ow);

/**
 * sidecar_drop() - the inode goes; does nothing without a record
 */
void sidecar_drop(struct sidecar *s, uint64_t ino);

/**
 * sidecar_sync() - what was recorded is on the disk
 * Return: 0, -errno
 */
int sidecar_sync(struct sidecar *s);

#endif
