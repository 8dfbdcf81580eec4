/* SPDX-License-Identifier: Apache-2.0
 *
 * node - the inodes that the kernel knows
 */
#ifndef FUSE_OVERLAY_NODE_H
#define FUSE_OVERLAY_NODE_H

#include "fuse-overlay/ovl.h"

/**
 * struct node_key - what makes a real object one and the same
 */
struct node_key {
	uint64_t ino;
	uint16_t layer;
	uint16_t dev;
};

/**
 * node_table_init() / node_table_clear() - the hash table
 * Return: 0, -ENOMEM
 */
int node_table_init(struct ovl *o);
void node_table_clear(struct ovl *o);

/**
 * node_of() - the node behind a number that the kernel sent
 */
static inline struct node *node_of(const struct ovl *o, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? o->root : (struct node *)(uintptr_t)ino;
}

static inline fuse_ino_t node_id(const struct node *n)
{
	return n->flags & NODE_ROOT ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

static inline bool node_is_dir(const struct node *n)
{
	return S_ISDIR(n->type);
}

/**
 * node_dev() - index of a file system, for keys
 * Return: index, -EOVERFLOW with more than OVL_DEVS_MAX of them
 */
int node_dev(struct ovl *o, const struct statx *stx);

/**
 * node_show_ino() - the inode number shown for a real object
 */
uint64_t node_show_ino(const struct ovl *o, unsigned int dev, uint64_t ino);

/**
 * node_find() - by its real object
 * Return: borrowed, NULL when the kernel does not know it
 */
struct node *node_find(struct ovl *o, struct node_key key);

/**
 * node_new() - a node nobody refers to yet, in the table
 * @parent:	gets a reference; NULL for the root
 * Return: NULL without memory
 */
struct node *node_new(struct ovl *o, struct node *parent, const char *name, struct node_key key,
		      mode_t mode);

/**
 * node_set_key() - the real object was replaced
 */
void node_set_key(struct ovl *o, struct node *n, struct node_key key);

/**
 * node_set_name() - it is now reached by this name
 *
 * A handle that stood in for a lost name is closed.
 * Return: 0, -ENOMEM (the old name stays)
 */
int node_set_name(struct ovl *o, struct node *n, struct node *parent, const char *name);

/**
 * node_pin() - hold the real object by a handle; its name is about to go
 * Return: 0, -errno
 */
int node_pin(struct ovl *o, struct node *n);

/**
 * node_lost_name() - the name in parent is gone
 * @last:	and it was the last one of the real object
 *
 * Does nothing if the node was not reached by that name.
 */
void node_lost_name(struct ovl *o, struct node *n, const struct node *parent, const char *name,
		    bool last);

/**
 * node_loc() - where the real object is
 *
 * Valid until the lock is dropped.
 * Return: 0, -ESTALE when no handle is left, -errno
 */
int node_loc(struct ovl *o, struct node *n, struct loc *ret);

void node_ref(struct node *n);

/**
 * node_unref() - drop one reference of a child or an open file
 */
void node_unref(struct ovl *o, struct node *n);

/**
 * node_forget() - the kernel dropped count of its references
 */
void node_forget(struct ovl *o, struct node *n, uint64_t count);

/**
 * node_give_back() - after many were forgotten, return their memory
 */
void node_give_back(struct ovl *o);

#endif
