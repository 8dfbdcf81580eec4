/* SPDX-License-Identifier: Apache-2.0
 *
 * dlist - the names in a directory that several layers have
 */
#include "fuse-overlay/dlist.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "fuse-overlay/dir.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/scan.h"
#include "fuse-overlay/whiteout.h"

void dlist_free(struct dlist *l)
{
	if (l)
		lowtab_clear(&l->t);
	free(l);
}

/**
 * struct refresh - a source being added to a list
 */
struct refresh {
	struct ovl *o;
	struct dir *d;
	struct dlist *l;
	unsigned int src;
	unsigned int dev;
};

static int list_add(struct dlist *l, const char *name, struct lowent e)
{
	struct lowent *old = lowtab_find(&l->t, name);

	e.round = l->round;
	if (!old)
		return lowtab_put(&l->t, name, e);
	/* a source above had it; but a file comes before its own .wh. file */
	if (old->round == l->round &&
	    !(old->src == e.src && old->type == DT_WHT && e.type != DT_WHT))
		return 0;
	old->ino = e.ino;
	old->round = e.round;
	old->src = e.src;
	old->type = e.type;
	return 0;
}

static int refresh_entry(void *arg, const struct rawent *r)
{
	struct refresh *s = arg;
	struct rawent says = *r;
	int k = whiteout_resolve(s->o, &s->d->src[s->src], &says);

	if (k <= 0)
		return k;
	struct lowent e = { .src = (uint16_t)s->src, .type = says.type };
	if (e.type != DT_WHT)
		e.ino = scan_show_ino(s->o, s->d, s->src, s->dev, r, true);
	return list_add(s->l, says.name, e);
}

static int refresh_table(struct refresh *s, const struct ltable *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct lowent e = t->ents[i];

		if (e.type == DT_WHT)
			continue;
		e.ino = node_show_ino(s->o, s->o->n_devs == 1 ? 0 : scan_dev(s->o, s->d, e.src),
				      e.ino);
		int r = list_add(s->l, lowtab_name(t, &t->ents[i]), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refresh_src(struct refresh *s, unsigned int src)
{
	s->src = src;
	s->dev = scan_dev(s->o, s->d, src);
	return scan_folder(s->d->src[src].fd, refresh_entry, s);
}

int dlist_refresh(struct ovl *o, struct dir *d)
{
	struct refresh s = { .o = o, .d = d };
	struct ltable *t;
	int r = 0;

	if (d->list && d->list->gen == d->gen)
		return 0;
	if (!d->list && !(d->list = calloc(1, sizeof(*d->list))))
		return -ENOMEM;
	s.l = d->list;
	s.l->round++;
	s.l->gen = d->gen - 1; /* until it is whole */
	if (d->has_upper && !d->blank)
		r = refresh_src(&s, 0);
	if (r < 0)
		return r;
	if (dir_n_low(d) > 1) {
		r = lowtab_get(o, d, &t);
		if (r >= 0)
			r = refresh_table(&s, t);
	} else if (dir_n_low(d) == 1) {
		r = refresh_src(&s, d->n - 1U);
	}
	if (r >= 0)
		s.l->gen = d->gen;
	return r;
}

bool dlist_is_empty(const struct dlist *l)
{
	for (uint32_t i = 0; i < l->t.n; i++)
		if (l->t.ents[i].round == l->round && l->t.ents[i].type != DT_WHT)
			return false;
	return true;
}
