/* SPDX-License-Identifier: Apache-2.0
 *
 * rename - names that move
 *
 * How it works. Both sides are looked up, what moves is copied up, and one
 * rename in the upper layer does it: with RENAME_WHITEOUT where a lower
 * layer would show the old name again, over a whiteout at the new name (a
 * directory by exchange). A directory that lands where lower layers have
 * something is marked opaque before. A directory with parts in lower layers
 * cannot move without a redirect, which says where those parts are; unless
 * redirect_dir=on the answer is EXDEV, upon which mv(1) copies.
 */
#include "fuse-overlay/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/whiteout.h"

/**
 * struct end - one side of a rename
 * @parent, @name: where
 * @d:		the parent's directory
 * @f:		what was found
 * @there:	something was
 * @from_low:	by a name that only a lower layer has
 * @node:	its node
 * @low:	a lower layer has the name
 */
struct end {
	struct node *parent;
	const char *name;
	struct dir *d;
	struct found f;
	bool there;
	bool from_low;
	struct node *node;
	bool low;
};

static int end_find(struct ovl *o, struct end *e)
{
	int r = dir_get(o, e->parent, &e->d);

	if (r < 0)
		return r;
	r = lookup_find(o, e->d, e->name, &e->f);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	e->there = true;
	e->from_low = e->f.layer || !o->writable;
	return lookup_node(o, e->parent, e->name, &e->f, &e->node);
}

/* Bring what moves into the upper layer, under the name it moves from. */
static int end_copy_up(struct ovl *o, struct end *e)
{
	int r = copyup_dir(o, e->parent, &e->d);

	if (r >= 0)
		r = copyup_node(o, e->node, COPYUP_WHOLE);
	if (r < 0 || e->node->parent == e->parent)
		return r;
	/* another of its names was copied up before, not this one */
	r = copyup_dir(o, e->parent, &e->d);
	if (r >= 0 && e->from_low)
		r = link_up(o, e->node, e->d, e->name);
	return r < 0 ? r : node_set_name(o, e->node, e->parent, e->name);
}

/* The lower path of a directory: its own redirect, or its parents' names up
 * to the nearest redirect. Built from the end of buf; returns its start. */
static int origin_path(struct ovl *o, struct node *n, char buf[PATH_MAX], char **ret)
{
	char *p = buf + PATH_MAX - 1;

	*p = '\0';
	for (; !(n->flags & NODE_ROOT); n = n->parent) {
		char redirect[PATH_MAX];
		const char *step = n->name;
		struct dir *d;
		int r = dir_get(o, n, &d);
		ssize_t len = r < 0 || !d->has_upper ?
				      -ENODATA :
				      whiteout_redirect(d->src[0].fd, redirect, sizeof(redirect));

		if (r < 0)
			return r;
		if (len < 0 && len != -ENODATA)
			return (int)len;
		if (len > 0)
			step = redirect;
		size_t size = strlen(step);
		bool absolute = *step == '/';
		if ((size_t)(p - buf) < size + 1)
			return -EXDEV; /* too long to write down */
		p -= size;
		memcpy(p, step, size);
		if (absolute)
			break;
		*--p = '/';
	}
	*ret = p;
	return 0;
}

static int set_redirect(struct ovl *o, struct node *n)
{
	char buf[PATH_MAX];
	char *path;
	struct dir *d;
	int r = origin_path(o, n, buf, &path);

	if (r < 0 || (r = dir_get(o, n, &d)) < 0)
		return r;
	r = at_setxattr((struct loc){ d->src[0].fd, "" }, XATTR_REDIRECT, path, strlen(path), 0);
	return r == -ENOTSUP || r == -EPERM ? -EXDEV : r;
}

/* May this directory move, judged before anything is changed. */
static int check_dir(struct ovl *o, struct node *n)
{
	struct dir *d;

	if (!node_is_dir(n))
		return 0;
	int r = dir_get(o, n, &d);
	if (r < 0)
		return r;
	return dir_n_low(d) && o->conf->redirect != CONF_REDIRECT_ON ? -EXDEV : 0;
}

/* Make a directory ready to appear at a name. */
static int prepare_dir(struct ovl *o, struct node *n, bool low_at_target)
{
	struct dir *d;

	if (!node_is_dir(n))
		return 0;
	int r = dir_get(o, n, &d);
	if (r < 0)
		return r;
	if (dir_n_low(d))
		return set_redirect(o, n);
	return low_at_target ? whiteout_set_opaque(o, d->src[0].fd) : 0;
}

static int mark_impure(struct ovl *o, struct dir *d, const struct node *n)
{
	if (n->show_ino == node_show_ino(o, n->dev, n->ino) || dir_is_merged(d) || d->impure)
		return 0;
	d->impure = true;
	int r = at_setxattr((struct loc){ d->src[0].fd, "" }, XATTR_IMPURE, "y", 1, 0);
	return r == -ENOTSUP || r == -EPERM ? 0 : r;
}

/* The parents' directories again: copying up may have replaced them. */
static int ends_refresh(struct ovl *o, struct end *a, struct end *b)
{
	int r = copyup_dir(o, a->parent, &a->d);

	if (r >= 0)
		r = copyup_dir(o, b->parent, &b->d);
	if (r >= 0)
		r = dir_get(o, a->parent, &a->d);
	if (r < 0)
		return r;
	r = lookup_low_has(o, a->d, a->name);
	if (r < 0)
		return r;
	a->low = r;
	r = lookup_low_has(o, b->d, b->name);
	if (r < 0)
		return r;
	b->low = r;
	return 0;
}

static int do_exchange(struct ovl *o, struct end *a, struct end *b)
{
	int r = check_dir(o, a->node);

	if (r < 0 || (r = check_dir(o, b->node)) < 0 || (r = end_copy_up(o, a)) < 0 ||
	    (r = end_copy_up(o, b)) < 0 || (r = ends_refresh(o, a, b)) < 0 ||
	    (r = prepare_dir(o, a->node, b->low)) < 0 ||
	    (r = prepare_dir(o, b->node, a->low)) < 0 || (r = mark_impure(o, b->d, a->node)) < 0 ||
	    (r = mark_impure(o, a->d, b->node)) < 0)
		return r;
	if (renameat2(a->d->src[0].fd, a->name, b->d->src[0].fd, b->name, RENAME_EXCHANGE))
		return -errno;
	dir_changed(a->d);
	dir_changed(b->d);
	dir_count_add(a->d, node_is_dir(b->node) - node_is_dir(a->node));
	dir_count_add(b->d, node_is_dir(a->node) - node_is_dir(b->node));
	r = node_set_name(o, a->node, b->parent, b->name);
	int r2 = node_set_name(o, b->node, a->parent, a->name);
	return r < 0 ? r : r2;
}

/* Empty the upper folder that will be replaced of its whiteouts. */
static int clear_victim(struct ovl *o, struct end *b)
{
	struct dir *d;
	int r = dir_get(o, b->node, &d);

	if (r < 0 || !d->has_upper)
		return r;
	if (dir_n_low(d) && (r = whiteout_set_opaque(o, d->src[0].fd)) < 0)
		return r;
	return whiteout_remove_all(o, d->src[0].fd);
}

/* One rename that leaves a whiteout behind if something is below. */
static int move(struct ovl *o, struct end *a, struct end *b, bool whiteout_at_b)
{
	int fd1 = a->d->src[0].fd, fd2 = b->d->src[0].fd;
	bool leave = a->low && o->char_wh;
	int r;

	if (a->low && !o->char_wh && (r = whiteout_make(o, a->d, a->name, false)) < 0)
		return r;
	if (whiteout_at_b && node_is_dir(a->node)) {
		if (renameat2(fd1, a->name, fd2, b->name, RENAME_EXCHANGE))
			return -errno;
		/* the whiteout is at the old name now */
		return leave || !unlinkat(fd1, a->name, 0) ? 0 : -errno;
	}
	if (!renameat2(fd1, a->name, fd2, b->name, leave ? RENAME_WHITEOUT : 0))
		return 0;
	if (!leave || (errno != EINVAL && errno != ENOSYS))
		return -errno;
	if (renameat(fd1, a->name, fd2, b->name))
		return -errno;
	return whiteout_make(o, a->d, a->name, false);
}

static void victim_gone(struct ovl *o, struct end *b)
{
	struct node *n = b->node;
	bool last = b->f.stx.stx_nlink <= 1 || node_is_dir(n);

	if (n->flags & NODE_INDEXED) {
		if (b->from_low)
			link_low_name_gone(o, n);
		last = link_drop_if_last(o, n);
	}
	if (node_is_dir(n))
		dir_drop(o, n);
	node_lost_name(o, n, b->parent, b->name, last);
	node_forget(o, n, 0);
}

static int do_rename(struct ovl *o, struct end *a, struct end *b)
{
	struct statx stx;
	int r = check_dir(o, a->node);

	if (r < 0)
		return r;
	if (b->there && node_is_dir(b->node)) {
		if (!node_is_dir(a->node))
			return -EISDIR;
		r = readdir_is_empty(o, b->node);
		if (r <= 0)
			return r < 0 ? r : -ENOTEMPTY;
	} else if (b->there && node_is_dir(a->node)) {
		return -ENOTDIR;
	}
	if ((r = end_copy_up(o, a)) < 0 || (r = ends_refresh(o, a, b)) < 0 ||
	    (r = prepare_dir(o, a->node, b->low)) < 0)
		return r;
	if (b->there) {
		if (node_is_dir(b->node) && (r = clear_victim(o, b)) < 0)
			return r;
		if (b->node->parent == b->parent && !strcmp(b->node->name, b->name) &&
		    (r = node_pin(o, b->node)) < 0)
			return r;
	}
	/* a directory's low parts were reached by its old name: they stay open */
	if ((r = ends_refresh(o, a, b)) < 0 || (r = mark_impure(o, b->d, a->node)) < 0)
		return r;
	bool wh = !at_stat((struct loc){ b->d->src[0].fd, b->name }, &stx) && at_is_whiteout(&stx);
	r = move(o, a, b, wh);
	if (r < 0)
		return r;
	whiteout_remove_file(o, b->d, b->name);
	dir_changed(a->d);
	dir_changed(b->d);
	dir_count_add(a->d, -(int)node_is_dir(a->node));
	dir_count_add(b->d, node_is_dir(a->node) - (b->there && node_is_dir(b->node)));
	if (b->there)
		victim_gone(o, b);
	return node_set_name(o, a->node, b->parent, b->name);
}

int rename_entry(struct ovl *o, struct node *p1, const char *n1, struct node *p2,
		 const char *n2, unsigned int flags)
{
	struct end a = { .parent = p1, .name = n1 }, b = { .parent = p2, .name = n2 };
	int r;

	if (!o->writable)
		return -EROFS;
	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (whiteout_is_reserved(n2))
		return -EINVAL;
	if ((r = end_find(o, &a)) < 0 || (r = end_find(o, &b)) < 0)
		return r;
	if (!a.there)
		return -ENOENT;
	if (b.there && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!b.there && flags & RENAME_EXCHANGE)
		return -ENOENT;
	if (a.node == b.node)
		return 0;
	owner_become_self(o);
	return flags & RENAME_EXCHANGE ? do_exchange(o, &a, &b) : do_rename(o, &a, &b);
}
