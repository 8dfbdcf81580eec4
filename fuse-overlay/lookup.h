/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup - which layer has a name
 */
#ifndef FUSE_OVERLAY_LOOKUP_H
#define FUSE_OVERLAY_LOOKUP_H

#include "fuse-overlay/ovl.h"

/**
 * struct found - a name's real object
 * @src:	index of the directory's source that has it
 * @layer:	its layer
 * @stx:	its attributes, override applied
 */
struct found {
	unsigned int src;
	unsigned int layer;
	struct statx stx;
};

/**
 * lookup_find() - look a name up
 * Return: 0, -ENOENT when there is none or it is deleted, -errno
 */
int lookup_find(struct ovl *o, struct dir *d, const char *name, struct found *ret);

/**
 * lookup_find_low() - as lookup_find(), in the lower layers alone
 */
int lookup_find_low(struct ovl *o, struct dir *d, const char *name, struct found *ret);

/**
 * lookup_low_has() - would the name be there if the upper layer had nothing
 * Return: 0 or 1, -errno
 */
int lookup_low_has(struct ovl *o, struct dir *d, const char *name);

/**
 * lookup_node() - the node of what was found
 * @parent:	whose directory was asked
 * Return: 0, -ENOMEM, -errno; *ret is borrowed
 */
int lookup_node(struct ovl *o, struct node *parent, const char *name, struct found *f,
		struct node **ret);

/**
 * lookup_known() - the node of what was found, if the kernel knows it
 * Return: borrowed, NULL
 */
struct node *lookup_known(struct ovl *o, const struct found *f);

/**
 * lookup_entry() - look a name up for the kernel, which then refers to it
 * @e:		filled for the reply; e->ino is 0 for a name that is not there
 * Return: 0, -errno
 */
int lookup_entry(struct ovl *o, struct node *parent, const char *name,
		 struct fuse_entry_param *e);

/**
 * lookup_reply_node() - tell the kernel of a node that a request made or found
 */
int lookup_reply_node(struct ovl *o, struct node *n, const struct statx *stx,
		      struct fuse_entry_param *e);

#endif
