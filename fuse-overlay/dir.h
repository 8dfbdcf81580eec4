/* SPDX-License-Identifier: Apache-2.0
 *
 * dir - directories in use: which layers contribute, and their descriptors
 */
#ifndef FUSE_OVERLAY_DIR_H
#define FUSE_OVERLAY_DIR_H

#include "fuse-overlay/ovl.h"

/**
 * dir_get() - make a directory usable
 *
 * What it returns stays valid until the lock is dropped, unless the
 * directory itself is copied up or dropped.
 * Return: 0, -ENOTDIR, -ESTALE, -ENOMEM, -EMFILE, -errno
 */
int dir_get(struct ovl *o, struct node *n, struct dir **ret);

/**
 * dir_use() - it is used by this request
 */
void dir_use(struct ovl *o, struct dir *d);

/**
 * dir_drop() - close what a directory has open, if anything
 */
void dir_drop(struct ovl *o, struct node *n);

/**
 * dir_new_root() - the root's sources are the layers themselves
 * Return: 0, -ENOMEM
 */
int dir_new_root(struct ovl *o, struct node *n, const struct dsrc *src, unsigned int n_src);

/**
 * dir_add_upper() - the directory now has a folder in the upper layer
 * @fd:		that folder; taken, also on failure
 * Return: 0, -ENOMEM
 */
int dir_add_upper(struct ovl *o, struct node *n, int fd);

/**
 * dir_set_alone() - a directory just made: one source, nothing below it
 * @fd:		its folder in the upper layer; taken, also on failure
 * Return: 0, -ENOMEM
 */
int dir_set_alone(struct ovl *o, struct node *n, int fd);

/**
 * dir_changed() - an entry was added or removed through the mount
 */
void dir_changed(struct dir *d);

/**
 * dir_count_add() - subdirectories came or went
 */
static inline void dir_count_add(struct dir *d, int delta)
{
	if (d->count >= 0)
		d->count += delta;
}

/**
 * dir_n_low() - how many of its sources are in lower layers
 */
static inline unsigned int dir_n_low(const struct dir *d)
{
	return d->n - (d->has_upper ? 1U : 0U);
}

/**
 * dir_is_merged() - may it hide or combine names of several layers
 */
static inline bool dir_is_merged(const struct dir *d)
{
	return d->n > 1;
}

/**
 * dir_upper_has_wh_files() - are there .wh. files in its upper folder
 * Return: 0 or 1, -errno
 */
int dir_upper_has_wh_files(struct ovl *o, struct dir *d);

/**
 * dir_close_some() - give descriptors back for other uses
 * Return: whether any was closed
 */
bool dir_close_some(struct ovl *o, size_t want);

#endif
