/* SPDX-License-Identifier: Apache-2.0
 *
 * dir - directories in use: which layers contribute, and their descriptors
 *
 * How it works. A directory's sources are found through its parent's: in
 * each source of the parent, topmost first, the folder of its name, until
 * one is opaque, or a whiteout or something else than a folder ends the
 * search. A redirect (written by a rename) makes the search go on elsewhere,
 * from the root of the lower layers.
 *
 * Directories in use are in a list by last use. When their descriptors reach
 * the limit, the oldest are closed, never one that the current request uses.
 */
#include "fuse-overlay/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fuse-overlay/dlist.h"
#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/readdir.h"
#include "fuse-overlay/whiteout.h"

/* Redirects of lower layers that lead to each other take as many steps as they
 * like, and everybody waits. */
#define STEPS_MAX (1U << 16)

/* Sources while they are being collected. */
struct srcs {
	unsigned int n;
	struct dsrc v[CONF_LAYERS_MAX + 1];
};

static void srcs_close(struct srcs *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		(void)close(s->v[i].fd);
	s->n = 0;
}

static void list_del(struct ovl *o, struct dir *d)
{
	*(d->newer ? &d->newer->older : &o->newest) = d->older;
	*(d->older ? &d->older->newer : &o->oldest) = d->newer;
	d->newer = d->older = NULL;
}

static void list_add(struct ovl *o, struct dir *d)
{
	d->older = o->newest;
	if (o->newest)
		o->newest->newer = d;
	o->newest = d;
	if (!o->oldest)
		o->oldest = d;
}

void dir_use(struct ovl *o, struct dir *d)
{
	d->op = o->op;
	if (o->newest == d || d->node->flags & NODE_ROOT)
		return;
	list_del(o, d);
	list_add(o, d);
}

void dir_drop(struct ovl *o, struct node *n)
{
	struct dir *d = n->dir;

	if (!d)
		return;
	n->dir = NULL;
	if (!(n->flags & NODE_ROOT)) {
		list_del(o, d);
		for (unsigned int i = 0; i < d->n; i++)
			(void)close(d->src[i].fd);
		o->n_fds -= d->n;
	}
	readdir_forget(o, n);
	lowtab_free(d->low);
	dlist_free(d->list);
	free(d);
}

bool dir_close_some(struct ovl *o, size_t want)
{
	size_t before = o->n_fds;

	for (struct dir *d = o->oldest, *newer; d && before - o->n_fds < want; d = newer) {
		newer = d->newer;
		/* one that lost its name could not be opened again */
		if (d->op == o->op || d->node->flags & NODE_NONAME)
			continue;
		dir_drop(o, d->node);
	}
	return o->n_fds < before;
}

static struct dir *dir_new(struct ovl *o, struct node *n, const struct dsrc *src,
			   unsigned int n_src)
{
	struct dir *d = malloc(sizeof(*d) + n_src * sizeof(d->src[0]));

	if (!d)
		return NULL;
	*d = (struct dir){ .node = n, .n = (uint16_t)n_src, .count = -1 };
	memcpy(d->src, src, n_src * sizeof(src[0]));
	d->has_upper = o->writable && n_src && !src[0].layer;
	n->dir = d;
	d->op = o->op;
	if (!(n->flags & NODE_ROOT)) {
		list_add(o, d);
		o->n_fds += n_src;
	}
	return d;
}

int dir_new_root(struct ovl *o, struct node *n, const struct dsrc *src, unsigned int n_src)
{
	return dir_new(o, n, src, n_src) ? 0 : -ENOMEM;
}

int dir_set_alone(struct ovl *o, struct node *n, int fd)
{
	dir_drop(o, n);
	if (dir_new(o, n, &(struct dsrc){ .fd = fd, .layer = 0 }, 1))
		return 0;
	(void)close(fd);
	return -ENOMEM;
}

int dir_add_upper(struct ovl *o, struct node *n, int fd)
{
	struct dir *d = n->dir;

	if (!d) {
		(void)close(fd);
		return 0; /* found again when it is needed */
	}
	/* never the root: it has its folder from the start */
	list_del(o, d);
	struct dir *grown = realloc(d, sizeof(*d) + (d->n + 1U) * sizeof(d->src[0]));
	if (!grown) {
		list_add(o, d);
		(void)close(fd);
		dir_drop(o, n);
		return -ENOMEM;
	}
	n->dir = grown;
	memmove(grown->src + 1, grown->src, grown->n * sizeof(grown->src[0]));
	grown->src[0] = (struct dsrc){ .fd = fd, .layer = 0 };
	grown->n++;
	grown->has_upper = true;
	grown->pos = 0;
	/* made by us a moment ago: nothing in it, and nothing to count anew but
	 * where one source counted for itself */
	grown->wh_known = true;
	grown->blank = true;
	grown->gen++;
	lowtab_shift(grown->low);
	dlist_free(grown->list);
	grown->list = NULL;
	o->n_fds++;
	list_add(o, grown);
	return 0;
}

void dir_changed(struct dir *d)
{
	d->gen++;
	d->blank = false;
}

int dir_upper_has_wh_files(struct ovl *o, struct dir *d)
{
	if (d->wh_known || (o->upper_clean && o->char_wh))
		return d->wh_files;
	int r = whiteout_scan_files(d->src[0].fd);
	if (r < 0)
		return r;
	d->wh_files = r;
	d->wh_known = true;
	return r;
}

/* Open name in one source and add it. Return: 1 to look further down, 0 to
 * stop, -errno. */
static int add_source(struct srcs *out, struct dsrc from, const char *name, bool may_follow,
		      bool is_upper)
{
	int fd = at_open_dir(from.fd, name);

	if (fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd == -ENOENT) {
		if (!may_follow)
			return 0;
		int r = whiteout_file_exists(from.fd, name);
		return r < 0 ? r : !r;
	}
	if (fd < 0)
		return fd;
	out->v[out->n++] = (struct dsrc){ .fd = fd, .layer = from.layer };
	if (!may_follow)
		return 0;
	int r = whiteout_opacity(fd);
	out->v[out->n - 1].xwh = r == OPACITY_XWH && !is_upper;
	return r < 0 ? r : r != OPACITY_OPAQUE;
}

static int collect(struct ovl *o, struct srcs *out, const struct dsrc *from, unsigned int n,
		   const char *name, bool has_upper);

/* Add what lies at an absolute path in the layers from min_layer on. Each
 * step of the path is merged as any directory is, redirects of lower layers
 * included: those lead to layers further down, which ends the recursion. */
static int add_redirected(struct ovl *o, struct srcs *out, char *path, unsigned int min_layer)
{
	auto_free struct srcs *now = calloc(1, sizeof(*now));
	auto_free struct srcs *next = calloc(1, sizeof(*next));
	char *save = NULL;
	int r = 0;

	if (!now || !next)
		return -ENOMEM;
	for (unsigned int i = min_layer; i < o->n_layers && !r; i++) {
		int fd = fcntl(o->layers[i].fd, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			r = -errno;
		else
			now->v[now->n++] = (struct dsrc){ .fd = fd, .layer = (uint16_t)i };
	}
	for (char *c = strtok_r(path, "/", &save); c && !r; c = strtok_r(NULL, "/", &save)) {
		if (!strcmp(c, ".") || !strcmp(c, ".."))
			r = -EIO;
		else
			r = collect(o, next, now->v, now->n, c, false);
		srcs_close(now);
		struct srcs *t = now;
		now = next;
		next = t;
	}
	if (r < 0) {
		srcs_close(now);
		srcs_close(next);
		return r;
	}
	for (unsigned int i = 0; i < now->n; i++)
		out->v[out->n++] = now->v[i];
	now->n = 0;
	return 0;
}

/* Where the search goes on below a folder that was renamed. Return: 1 when
 * the rest was found elsewhere, 0 to go on (*name may be another), -errno. */
static int follow_redirect(struct ovl *o, struct srcs *out, char *buf, const char **name)
{
	struct dsrc last = out->v[out->n - 1];
	ssize_t len = whiteout_redirect(last.fd, buf, PATH_MAX);

	if (len == -ENODATA)
		return 0;
	if (len < 0)
		return (int)len;
	int opacity = whiteout_opacity(last.fd);
	if (opacity < 0 || opacity == OPACITY_OPAQUE)
		return opacity < 0 ? opacity : 0;
	if (buf[0] != '/') {
		*name = buf;
		return 0;
	}
	int r = add_redirected(o, out, buf, last.layer + 1U);
	return r < 0 ? r : 1;
}

/* Add the folders called name in the sources of a directory. */
static int collect(struct ovl *o, struct srcs *out, const struct dsrc *from, unsigned int n,
		   const char *name, bool has_upper)
{
	auto_free char *redirect = NULL;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int before = out->n;
		int go_on = add_source(out, from[i], name, i + 1 < n, has_upper && !i);
		int moved = 0;

		if (go_on < 0)
			return go_on;
		if (++o->steps > STEPS_MAX)
			return -ELOOP;
		if (o->conf->redirect && out->n > before) {
			if (!redirect && !(redirect = malloc(PATH_MAX)))
				return -ENOMEM;
			moved = follow_redirect(o, out, redirect, &name);
		}
		if (moved < 0)
			return moved;
		if (moved || !go_on)
			break;
	}
	return 0;
}

/* The sources of n, found through its parent. */
static int find_sources(struct ovl *o, const struct node *n, const struct dir *parent,
			struct srcs *out)
{
	unsigned int i = 0;

	while (i < parent->n && parent->src[i].layer != n->layer)
		i++;
	if (i == parent->n)
		return -ESTALE;
	int r = collect(o, out, parent->src + i, parent->n - i, n->name, parent->has_upper && !i);
	if (r < 0)
		return r;
	return out->n ? 0 : -ESTALE;
}

/* Open n, whose parent is in use. */
static int dir_open(struct ovl *o, struct node *n)
{
	static _Thread_local struct srcs found; /* 4 KiB: not on a deep stack */
	struct srcs *s = &found;

	s->n = 0;
	o->steps = 0;
	if (n->flags & NODE_NONAME)
		return -ESTALE;
	dir_use(o, n->parent->dir);
	if (o->n_fds + n->parent->dir->n > o->max_fds)
		(void)dir_close_some(o, n->parent->dir->n + 64U);
	int r = find_sources(o, n, n->parent->dir, s);
	if (r == -EMFILE && dir_close_some(o, 256)) {
		srcs_close(s);
		r = find_sources(o, n, n->parent->dir, s);
	}
	if (r >= 0 && !dir_new(o, n, s->v, s->n))
		r = -ENOMEM;
	if (r < 0) {
		srcs_close(s);
		return r;
	}
	if (n->dir->has_upper && n->dir->n == 1)
		n->dir->impure = whiteout_is_impure(n->dir->src[0].fd);
	s->n = 0;
	return 0;
}

int dir_get(struct ovl *o, struct node *n, struct dir **ret)
{
	struct node *top = n;

	if (!node_is_dir(n))
		return -ENOTDIR;
	/* up to the nearest one in use, remembering the way down */
	for (n->walk = NULL; !top->dir; top = top->parent) {
		if (!top->parent)
			return -ESTALE;
		top->parent->walk = top;
	}
	for (; top != n; top = top->walk) {
		int r = dir_open(o, top->walk);

		if (r < 0)
			return r;
	}
	dir_use(o, n->dir);
	*ret = n->dir;
	return 0;
}
