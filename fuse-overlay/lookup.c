/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup - which layer has a name
 *
 * How it works. The upper source is asked first, always by a system call.
 * One lower source is asked likewise; of several, their table says which
 * one. A file of a single-layer directory thus costs one statx().
 */
#include "fuse-overlay/lookup.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/num.h"
#include "fuse-overlay/attr.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/whiteout.h"

static int find_in(struct ovl *o, const struct dir *d, unsigned int src, const char *name,
		   struct found *ret)
{
	struct loc l = { d->src[src].fd, name };
	int r = owner_stat(o, d->src[src].layer, l, &ret->stx);

	if (r < 0)
		return r;
	ret->src = src;
	ret->layer = d->src[src].layer;
	return whiteout_is(l, &ret->stx, d->src[src].xwh) ? -ENOENT : 0;
}

int lookup_find_low(struct ovl *o, struct dir *d, const char *name, struct found *ret)
{
	struct ltable *t;

	if (!dir_n_low(d))
		return -ENOENT;
	if (dir_n_low(d) == 1)
		return find_in(o, d, d->n - 1U, name, ret);
	int r = lowtab_get(o, d, &t);
	if (r < 0)
		return r;
	const struct lowent *e = lowtab_find(t, name);
	if (!e || e->type == DT_WHT)
		return -ENOENT;
	return find_in(o, d, e->src, name, ret);
}

int lookup_find(struct ovl *o, struct dir *d, const char *name, struct found *ret)
{
	if (whiteout_is_reserved(name))
		return -ENOENT;
	if (!d->has_upper)
		return lookup_find_low(o, d, name, ret);

	int r = owner_stat(o, 0, (struct loc){ d->src[0].fd, name }, &ret->stx);
	if (!r) {
		ret->src = ret->layer = 0;
		return at_is_whiteout(&ret->stx) ? -ENOENT : 0;
	}
	if (r != -ENOENT || d->n == 1)
		return r;
	r = dir_upper_has_wh_files(o, d);
	if (r > 0)
		r = whiteout_file_exists(d->src[0].fd, name);
	if (r)
		return r < 0 ? r : -ENOENT;
	return lookup_find_low(o, d, name, ret);
}

int lookup_low_has(struct ovl *o, struct dir *d, const char *name)
{
	struct found f;
	int r = lookup_find_low(o, d, name, &f);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : 1;
}

static int key_of(struct ovl *o, const struct found *f, struct node_key *ret)
{
	int dev = node_dev(o, &f->stx);

	if (dev < 0)
		return dev;
	*ret = (struct node_key){ .ino = f->stx.stx_ino, .layer = (uint16_t)f->layer,
				  .dev = (uint16_t)dev };
	return 0;
}

struct node *lookup_known(struct ovl *o, const struct found *f)
{
	struct node_key key;

	return key_of(o, f, &key) < 0 ? NULL : node_find(o, key);
}

/* The inode number that an object had before it was copied up. */
static void restore_ino(struct node *n, struct loc l)
{
	char text[24];
	uint64_t ino;

	if (!S_ISREG(n->type) && !S_ISDIR(n->type))
		return;
	ssize_t len = at_getxattr(l, XATTR_INO, text, sizeof(text) - 1);
	if (len <= 0)
		return;
	text[len] = '\0';
	if (!num_u64(text, &ino) && ino)
		n->show_ino = ino;
}

int lookup_node(struct ovl *o, struct node *parent, const char *name, struct found *f,
		struct node **ret)
{
	const struct dir *d;
	struct node_key key;
	int r = link_find_indexed(o, &parent, &name, f);

	if (r < 0 || (r = key_of(o, f, &key)) < 0)
		return r;

	struct node *n = node_find(o, key);
	if (n && n->type != (f->stx.stx_mode & S_IFMT)) {
		/* somebody else changed the layer: the number came back */
		node_lost_name(o, n, n->parent, n->name, true);
		n = NULL;
	}
	if (n) {
		*ret = n;
		if (o->writable && n->layer && S_ISREG(n->type) && f->stx.stx_nlink > 1 &&
		    o->indexfd >= 0 && !(n->flags & NODE_NONAME) &&
		    (n->parent != parent || strcmp(n->name, name) != 0) &&
		    (r = link_remember(n)) < 0)
			return r;
		return node_set_name(o, n, parent, name);
	}

	n = node_new(o, parent, name, key, f->stx.stx_mode);
	if (!n)
		return -ENOMEM;
	if (o->writable && !f->layer) {
		d = parent->dir; /* the index's, if it was found there */
		if (o->n_index && S_ISREG(n->type) && f->stx.stx_nlink > 1)
			link_init_node(o, n);
		if (dir_is_merged(d) || d->impure || n->flags & NODE_INDEXED)
			restore_ino(n, (struct loc){ d->src[0].fd, name });
	}
	*ret = n;
	return 0;
}

int lookup_reply_node(struct ovl *o, struct node *n, const struct statx *stx,
		      struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
		.ino = node_id(n),
		.attr_timeout = o->conf->timeout,
		.entry_timeout = o->conf->timeout,
	};
	int r = attr_fill(o, n, stx, &e->attr);
	if (r < 0)
		return r;
	n->nlookup++;
	return 0;
}

/* A node that was made for a reply which then failed. */
static int reply_or_drop(struct ovl *o, struct node *n, const struct statx *stx,
			 struct fuse_entry_param *e)
{
	int r = lookup_reply_node(o, n, stx, e);

	if (r < 0)
		node_forget(o, n, 0);
	return r;
}

int lookup_entry(struct ovl *o, struct node *parent, const char *name,
		 struct fuse_entry_param *e)
{
	struct found f;
	struct dir *d;
	struct node *n;
	int r = dir_get(o, parent, &d);

	if (r < 0)
		return r;
	r = lookup_find(o, d, name, &f);
	if (r == -ENOENT) {
		*e = (struct fuse_entry_param){ .entry_timeout = o->conf->timeout };
		return 0;
	}
	if (r < 0)
		return r;
	if (link_materialize(o, parent, name, &f) > 0 &&
	    ((r = dir_get(o, parent, &d)) < 0 || (r = lookup_find(o, d, name, &f)) < 0))
		return r;
	r = lookup_node(o, parent, name, &f, &n);
	return r < 0 ? r : reply_or_drop(o, n, &f.stx, e);
}
