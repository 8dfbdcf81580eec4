/* SPDX-License-Identifier: Apache-2.0
 *
 * readdir - listings
 *
 * How it works. The kernel does not open directories here, so a listing has
 * no state of its own, only an offset. A directory in one layer passes that
 * file system's offsets on; what getdents64() gave beyond one reply is kept
 * in a read-ahead buffer for the next. A merged directory gets a list
 * (dlist.h) whose places are the offsets; it is refreshed at offset 0, after
 * changes.
 */
#include "fuse-overlay/readdir.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuse-overlay/dir.h"
#include "fuse-overlay/dlist.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/lookup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/scan.h"
#include "fuse-overlay/whiteout.h"

/* --- one reply being filled ------------------------------------------------ */

/**
 * struct fill - a reply
 * @used, @size: bytes
 */
struct fill {
	struct ovl *o;
	fuse_req_t req;
	struct node *n;
	struct dir *d;
	bool plus;
	char *buf;
	size_t used;
	size_t size;
};

/* Return: 1 added, 0 no room. */
static int fill_plain(struct fill *f, const char *name, uint64_t ino, uint8_t type, off_t next)
{
	struct stat st = { .st_ino = ino, .st_mode = DTTOIF(type) };
	size_t room = f->size - f->used;
	size_t need;

	if (f->plus) {
		struct fuse_entry_param e = { .attr = st };

		need = fuse_add_direntry_plus(f->req, f->buf + f->used, room, name, &e, next);
	} else {
		need = fuse_add_direntry(f->req, f->buf + f->used, room, name, &st, next);
	}
	if (need > room)
		return 0;
	f->used += need;
	return 1;
}

/* An entry with its attributes; the node counts as looked up. Return: 1
 * added, 0 no room, -ENOENT when it is gone, -errno. */
static int fill_plus(struct fill *f, const char *name, struct found *found, off_t next)
{
	struct fuse_entry_param e;
	size_t room = f->size - f->used;
	struct node *n;

	if (fuse_add_direntry_plus(f->req, NULL, 0, name, NULL, 0) > room)
		return 0;
	/* a lookup may have more to do than a listing can */
	if (link_is_candidate(f->o, found)) {
		int dev = node_dev(f->o, &found->stx);

		return fill_plain(f, name,
				  node_show_ino(f->o, dev < 0 ? 0 : (unsigned int)dev,
						found->stx.stx_ino),
				  (uint8_t)IFTODT(found->stx.stx_mode), next);
	}
	int r = lookup_node(f->o, f->n, name, found, &n);
	if (r >= 0 && (r = lookup_reply_node(f->o, n, &found->stx, &e)) < 0)
		node_forget(f->o, n, 0);
	if (r < 0)
		return r;
	f->used += fuse_add_direntry_plus(f->req, f->buf + f->used, room, name, &e, next);
	return 1;
}

static int fill_dots(struct fill *f, const char *name, off_t next)
{
	const struct node *n = f->n;

	if (name[1] && n->parent)
		n = n->parent;
	return fill_plain(f, name, n->show_ino, DT_DIR, next);
}

/* What is a file on disk may be recorded as something else. */
static uint8_t entry_type(const struct fill *f, unsigned int layer, uint8_t type)
{
	bool is_sure = type != DT_REG || f->o->layers[layer].override == OVERRIDE_NONE;

	return is_sure ? type : DT_UNKNOWN;
}

/* --- directories in one layer ---------------------------------------------- */

void readdir_forget(struct ovl *o, const struct node *n)
{
	for (unsigned int i = 0; i < OVL_RDBUFS; i++)
		if (o->rdbufs[i].node == n)
			o->rdbufs[i].node = NULL;
}

/* The buffer that goes on at off, or the oldest, emptied. */
static struct rdbuf *rdbuf_get(struct fill *f, off_t off)
{
	struct rdbuf *oldest = &f->o->rdbufs[0];

	for (unsigned int i = 0; i < OVL_RDBUFS; i++) {
		struct rdbuf *b = &f->o->rdbufs[i];

		if (b->node == f->n && b->next == off && b->gen == f->d->gen && off) {
			b->used = f->o->op;
			return b;
		}
		if (b->used < oldest->used)
			oldest = b;
	}
	oldest->node = f->n;
	oldest->gen = f->d->gen;
	oldest->used = f->o->op;
	oldest->next = off;
	oldest->pos = oldest->len = 0;
	oldest->end = false;
	return oldest;
}

/* The offset behind the last entry. */
static off_t rdbuf_last(const struct rdbuf *b)
{
	off_t last = b->next;

	for (unsigned int p = 0; p < b->len;) {
		const struct scan_raw *r = (const void *)(b->buf + p);

		last = r->off;
		p += r->len;
	}
	return last;
}

static int rdbuf_refill(struct dir *d, struct rdbuf *b)
{
	int fd = d->src[0].fd;

	if (b->end)
		return 0;
	if (d->pos != b->next && lseek(fd, b->next, SEEK_SET) < 0)
		return errno == EBADF ? -EACCES : -errno;
	d->pos = -1;
	ssize_t n = scan_getdents(fd, b->buf, sizeof(b->buf));
	b->pos = 0;
	b->len = n < 0 ? 0 : (unsigned int)n;
	b->end = !n;
	if (n >= 0)
		d->pos = rdbuf_last(b);
	return (int)n;
}

/* Return: 1 taken care of, 0 no room, -errno. */
static int fill_raw(struct fill *f, const struct scan_raw *r, unsigned int dev)
{
	struct dsrc src = f->d->src[0];
	const struct rawent e = { .ino = r->ino, .type = r->type, .name = r->name };

	if (scan_is_dots(r->name))
		return fill_dots(f, r->name, r->off);
	if (whiteout_is_reserved(r->name))
		return 1;
	if (f->plus) {
		struct found found = { .src = 0, .layer = src.layer };
		struct loc l = { src.fd, r->name };
		int k = owner_stat(f->o, src.layer, l, &found.stx);

		if (!k)
			k = whiteout_is(l, &found.stx, src.xwh) ?
				    -ENOENT :
				    fill_plus(f, r->name, &found, r->off);
		return k == -ENOENT ? 1 : k;
	}
	if (whiteout_may_be(r->type, src.xwh) &&
	    whiteout_entry_type(src.fd, r->name, src.xwh) == DT_WHT)
		return 1;
	return fill_plain(f, r->name,
			  scan_show_ino(f->o, f->d, 0, dev, &e, f->d->impure),
			  entry_type(f, src.layer, r->type), r->off);
}

static int fill_single(struct fill *f, off_t off)
{
	struct rdbuf *b = rdbuf_get(f, off);
	unsigned int dev = scan_dev(f->o, f->d, 0);

	for (;;) {
		if (b->pos >= b->len) {
			int n = rdbuf_refill(f->d, b);

			if (n <= 0)
				return n;
		}
		const struct scan_raw *r = (const void *)(b->buf + b->pos);
		int k = fill_raw(f, r, dev);
		if (k <= 0)
			return k;
		b->pos += r->len;
		b->next = r->off;
	}
}

/* --- merged directories ---------------------------------------------------- */

/* Return: 1 taken care of, 0 no room, -errno. */
static int fill_listed(struct fill *f, const struct lowent *e, const char *name, off_t next)
{
	struct dsrc src = f->d->src[e->src];
	struct found found = { .src = e->src, .layer = src.layer };
	int r;

	if (!f->plus)
		return fill_plain(f, name, e->ino, entry_type(f, src.layer, e->type), next);
	/* a list that is behind may name the wrong source */
	if (f->d->list->gen == f->d->gen)
		r = owner_stat(f->o, src.layer, (struct loc){ src.fd, name }, &found.stx);
	else
		r = lookup_find(f->o, f->d, name, &found);
	if (!r)
		r = fill_plus(f, name, &found, next);
	return r == -ENOENT ? 1 : r;
}

static int fill_merged(struct fill *f, off_t off)
{
	int r = 1;

	/* also after the descriptors were closed in the middle of a listing */
	if (!off || !f->d->list)
		r = dlist_refresh(f->o, f->d);
	if (r < 0)
		return r;
	for (r = 1; off < 2; off++) {
		r = fill_dots(f, off ? ".." : ".", off + 1);
		if (r <= 0)
			return r;
	}
	const struct dlist *l = f->d->list;
	for (uint32_t i = dlist_at(l, (uint64_t)off - 2); i < l->t.n; i++) {
		const struct lowent *e = &l->t.ents[i];

		if (e->round != l->round || e->type == DT_WHT)
			continue;
		r = fill_listed(f, e, lowtab_name(&l->t, e), (off_t)dlist_place(l, i) + 3);
		if (r <= 0)
			return r;
	}
	return 0;
}

ssize_t readdir_fill(struct ovl *o, fuse_req_t req, struct node *n, off_t off, size_t size,
		     bool plus, char *buf)
{
	struct fill f = { .o = o, .req = req, .n = n, .plus = plus, .buf = buf, .size = size };
	int r = dir_get(o, n, &f.d);

	if (r < 0)
		return r;
	if (off < 0)
		return -EINVAL;
	r = dir_is_merged(f.d) ? fill_merged(&f, off) : fill_single(&f, off);
	/* an error in the middle comes again with the next request */
	return r < 0 && !f.used ? r : (ssize_t)f.used;
}

static int stop_at_entry(void *arg, const struct rawent *e)
{
	const struct dsrc *src = arg;

	if (whiteout_is_reserved(e->name))
		return 0;
	if (!whiteout_may_be(e->type, src->xwh))
		return 1;
	int k = whiteout_entry_type(src->fd, e->name, src->xwh);
	if (k < 0)
		return k == -ENOENT ? 0 : k;
	return k != DT_WHT;
}

int readdir_is_empty(struct ovl *o, struct node *n)
{
	struct dir *d;
	int r = dir_get(o, n, &d);

	if (r < 0)
		return r;
	if (!dir_is_merged(d)) {
		r = scan_folder(d->src[0].fd, stop_at_entry, &d->src[0]);
		return r < 0 ? r : !r;
	}
	r = dlist_refresh(o, d);
	return r < 0 ? r : dlist_is_empty(d->list);
}

/**
 * struct count - the upper source of a directory, being compared to the rest
 * @d:		the directory
 * @dirs:	subdirectories, first those of the lower layers
 */
struct count {
	struct ovl *o;
	struct dir *d;
	int dirs;
};

/* An upper entry adds a subdirectory, or hides one. */
static int count_entry(void *arg, const struct rawent *e)
{
	struct count *c = arg;
	const char *name = e->name;
	struct found low;

	if (whiteout_is_marker(name))
		return 0;
	const char *hidden = whiteout_file_target(name);
	bool is_dir = !hidden && e->type == DT_DIR;
	int r = lookup_find_low(c->o, c->d, hidden ? hidden : name, &low);
	if (r < 0 && r != -ENOENT)
		return r;
	c->dirs += (int)is_dir - (int)(!r && S_ISDIR(low.stx.stx_mode));
	return 0;
}

/* Subdirectories of the lower layers together. */
static int count_low(struct ovl *o, struct dir *d)
{
	struct statx stx;
	struct ltable *t;
	int n = 0;

	if (dir_n_low(d) == 1) {
		int r = at_stat((struct loc){ d->src[d->n - 1U].fd, "" }, &stx);

		/* some file systems do not count: then nor do we */
		if (r >= 0 && stx.stx_nlink < 2)
			return -ENODATA;
		return r < 0 ? r : (int)stx.stx_nlink - 2;
	}
	int r = lowtab_get(o, d, &t);
	for (uint32_t i = 0; r >= 0 && i < t->n; i++)
		n += t->ents[i].type == DT_DIR;
	return r < 0 ? r : n;
}

int readdir_count_dirs(struct ovl *o, struct node *n)
{
	struct count c = { .o = o };
	int r = dir_get(o, n, &c.d);

	if (r < 0 || c.d->count >= 0)
		return r < 0 ? r : c.d->count;
	c.dirs = count_low(o, c.d);
	if (c.dirs < 0)
		return c.dirs;
	if (c.d->has_upper && !c.d->blank && (r = scan_folder(c.d->src[0].fd, count_entry, &c)) < 0)
		return r;
	c.d->count = c.dirs > 0 ? c.dirs : 0;
	return c.d->count;
}
