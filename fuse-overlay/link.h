/* SPDX-License-Identifier: Apache-2.0
 *
 * link - hard links of lower layers that stay one file when copied up
 */
#ifndef FUSE_OVERLAY_LINK_H
#define FUSE_OVERLAY_LINK_H

#include "fuse-overlay/lookup.h"
#include "fuse-overlay/ovl.h"

#define LINK_KEY_MAX 200

/**
 * link_open_index() - open or make the index beside the work folder
 * @workdir:	the folder that the user named
 *
 * Return: 0, -ENOMEM, -errno
 */
int link_open_index(struct ovl *o, int workdir);

/**
 * link_key() - the index name of a lower file; "" when it can have none
 * @layer:	the file is in
 */
void link_key(struct ovl *o, unsigned int layer, struct loc l, char ret[LINK_KEY_MAX]);

/**
 * link_add_index() - name a copy in the index, before it gets its own name
 * @fd:		the copy
 * @low_nlink:	link count of the lower file
 * Return: 0, -errno
 */
int link_add_index(struct ovl *o, struct node *n, int fd, const char *key, uint32_t low_nlink);

/**
 * link_undo_index() - take that back, as the copy did not get its own name
 * @ino:	of the copy
 */
void link_undo_index(struct ovl *o, struct node *n, uint64_t ino, const char *key);

/**
 * link_find_indexed() - was the file of this lower name copied up by another
 * name; then all three are replaced by what the index has
 * Return: 0, -errno
 */
int link_find_indexed(struct ovl *o, struct node **parent, const char **name, struct found *f);

/**
 * link_materialize() - if a lower name's file was copied up by another name,
 * give it this one in the upper layer too
 *
 * Then a reader of the upper layer alone sees what users of the mount saw.
 * Copies directories up: the caller's struct dir may be replaced.
 * Return: 1 when it was done, 0 when there was nothing to do
 */
int link_materialize(struct ovl *o, struct node *parent, const char *name,
		     const struct found *f);

/**
 * link_is_candidate() - might the index have this file
 */
bool link_is_candidate(const struct ovl *o, const struct found *f);

/**
 * struct alias - one more name of a lower file
 * @parent:	holds a reference
 */
struct alias {
	struct alias *next;
	struct node *parent;
	char name[];
};

/**
 * link_remember() - a lower file was found by another name than it has now
 *
 * Return: 0, -ENOMEM
 */
int link_remember(struct node *n);

/**
 * link_up_aliases() - a file was copied up: give the copy the other names too
 *
 * What fails stays a lower name that the index serves.
 */
void link_up_aliases(struct ovl *o, struct node *n);

/**
 * link_forget_alias() - one name is gone, or @parent NULL: all of them
 */
void link_forget_alias(struct ovl *o, struct node *n, const struct node *parent,
		       const char *name);

/**
 * link_init_node() - read how many lower names a node has left
 */
void link_init_node(struct ovl *o, struct node *n);

/**
 * link_count() - the link count that the mount shows
 */
nlink_t link_count(const struct node *n, const struct statx *stx);

/**
 * link_low_name_gone() - a name in a lower layer was hidden or linked up
 */
void link_low_name_gone(struct ovl *o, struct node *n);

/**
 * link_up() - give an indexed file the lower name it was found by, in the
 * upper layer
 * Return: 0, -errno
 */
int link_up(struct ovl *o, struct node *n, struct dir *up, const char *name);

/**
 * link_drop_if_last() - remove the index's name when no other is left
 * Return: 1 when it was removed, else 0
 */
int link_drop_if_last(struct ovl *o, struct node *n);

#endif
