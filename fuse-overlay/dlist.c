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

#define GONE_MIN 1024U	/* names that were removed and are not worth the work */

void dlist_free(struct dlist *l)
{
	if (l) {
		lowtab_clear(&l->t);
		free(l->kept);
	}
	free(l);
}

uint32_t dlist_at(const struct dlist *l, uint64_t place)
{
	uint32_t from = 0, to = l->n_kept;

	if (place >= l->first) {
		uint64_t i = l->n_kept + (place - l->first);

		return i < l->t.n ? (uint32_t)i : l->t.n;
	}
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (l->kept[middle] < place)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* A folder lives as long as the mount, and names of temporary files never come
 * again. Without memory for a shorter list the long one stays. */
static void drop_gone(struct dlist *l)
{
	struct ltable t = { 0 };
	uint32_t live = 0, n = 0;

	for (uint32_t i = 0; i < l->t.n; i++)
		live += l->t.ents[i].round == l->round;
	if (l->t.n - live < GONE_MIN || l->t.n - live < live)
		return;
	uint64_t *kept = calloc(live + 1U, sizeof(*kept));
	for (uint32_t i = 0; kept && i < l->t.n; i++) {
		const struct lowent *e = &l->t.ents[i];

		if (e->round != l->round)
			continue;
		if (lowtab_put(&t, lowtab_name(&l->t, e), *e) < 0) {
			free(kept);
			kept = NULL;
		} else {
			kept[n++] = dlist_place(l, i);
		}
	}
	if (!kept) {
		lowtab_clear(&t);
		return;
	}
	l->first = dlist_place(l, l->t.n);
	lowtab_clear(&l->t);
	free(l->kept);
	l->t = t;
	l->kept = kept;
	l->n_kept = n;
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
	if (r < 0)
		return r;
	s.l->gen = d->gen;
	drop_gone(s.l);
	return 0;
}

bool dlist_is_empty(const struct dlist *l)
{
	for (uint32_t i = 0; i < l->t.n; i++)
		if (l->t.ents[i].round == l->round && l->t.ents[i].type != DT_WHT)
			return false;
	return true;
}
