/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - bring an object of a lower layer into the upper one
 */
#ifndef FUSE_OVERLAY_COPYUP_H
#define FUSE_OVERLAY_COPYUP_H

#include "fuse-overlay/ovl.h"

#define COPYUP_WHOLE ((off_t)-1)

/**
 * copyup_node() - make sure that a node's real object is in the upper layer
 * @keep:	bytes of a file's data that are wanted, or COPYUP_WHOLE
 *
 * The object appears in the upper layer whole or not at all.
 * Return: 0, -EROFS on a read-only mount, -errno
 */
int copyup_node(struct ovl *o, struct node *n, off_t keep);

/**
 * copyup_dir() - make sure that a directory has a folder in the upper layer
 * @ret:	the directory, in use, its first source in the upper layer; may be NULL
 * Return: 0, -EROFS, -ESTALE when it was deleted, -errno
 */
int copyup_dir(struct ovl *o, struct node *n, struct dir **ret);

/**
 * copyup_xattrs() - copy extended attributes, but those about overlays
 * Return: 0, -errno
 */
int copyup_xattrs(struct ovl *o, struct loc from, struct loc to);

#endif
