/* SPDX-License-Identifier: Apache-2.0
 *
 * maps - the map that a caller gets from what was granted. Pure
 */
#include "uidmap/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "uidmap/idmap.h"
#include "uidmap/idset.h"

/**
 * struct layout - a map being filled from the inside
 * @map:	the map
 * @next:	next free id inside
 * @hole:	id inside that is taken already; ID_END_MAX for none
 */
struct layout {
	struct idmap *map;
	uint64_t next;
	uint64_t hole;
};

/* Lay ids of the outside behind what is there, around the hole. */
static int lay(struct layout *l, uint64_t outside, uint64_t count)
{
	while (count) {
		uint64_t room, part;
		int r;

		if (l->next == l->hole)
			l->next++;
		room = (l->next < l->hole ? l->hole : ID_END_MAX) - l->next;
		part = count < room ? count : room;
		if (!part)
			return -ERANGE;
		r = idmap_add(l->map, (uint32_t)l->next, (uint32_t)outside, (uint32_t)part);
		if (r < 0)
			return r;
		l->next += part;
		outside += part;
		count -= part;
	}
	return 0;
}

/* A grant that has the own id in it is laid in two parts: it is mapped already. */
static int lay_without(struct layout *l, const struct idspan *s, uint64_t own)
{
	uint64_t end = (uint64_t)s->start + s->count;
	int r;

	if (own < s->start || own >= end)
		return lay(l, s->start, s->count);
	r = lay(l, s->start, own - s->start);
	return r < 0 ? r : lay(l, own + 1, end - own - 1);
}

void maps_build(enum maps_style style, uint32_t own, const struct idset *grants, struct idmap *ret)
{
	struct layout l = { .map = ret, .hole = ID_END_MAX };

	ret->n = 0;
	(void)idmap_add(ret, style == MAPS_KEEP ? own : 0, own, 1);
	if (style == MAPS_KEEP)
		l.hole = own;
	else
		l.next = 1;
	/* the first grant that does not fit ends the map */
	for (size_t i = 0; i < grants->n; i++)
		if (lay_without(&l, &grants->v[i], own) < 0)
			break;
	while (ret->n > 1 && idmap_check(ret, "", NULL) < 0)
		ret->n--;
}

int maps_parse_line(const char *text, struct idmap *map, struct err *e)
{
	struct strv AUTO(strv_clear) f = { 0 };
	uint32_t v[3];

	if (strv_split(&f, text, ':') < 0)
		return err_set(e, -ENOMEM, "%s", text);
	if (f.n != 3 || idmap_parse_id(f.v[0], &v[0]) < 0 || idmap_parse_id(f.v[1], &v[1]) < 0 ||
	    idmap_parse_id(f.v[2], &v[2]) < 0 || v[2] == 0)
		return err_msg(e, -EINVAL, "'%s' is not INSIDE:OUTSIDE:COUNT", text);
	if (idmap_add(map, v[0], v[1], v[2]) < 0)
		return err_msg(e, -E2BIG, "more than %d ranges", IDMAP_MAX);
	return 0;
}

int maps_parse_own(const char *text, struct idmap *ret)
{
	uint32_t inside, outside, count;
	struct idmap map = { 0 };
	int used;

	while (*text) {
		if (sscanf(text, " %" SCNu32 " %" SCNu32 " %" SCNu32 "%n", &inside, &outside,
			   &count, &used) != 3)
			return -EINVAL;
		if (idmap_add(&map, inside, inside, count) < 0)
			return -E2BIG;
		text += used;
		text += strspn(text, " \n");
	}
	*ret = map;
	return 0;
}

uint32_t maps_inside(enum maps_style style, const struct idmap *map, uint32_t own)
{
	uint32_t found = map->r[0].inside;

	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *r = &map->r[i];

		if (style == MAPS_ROOT && r->inside == 0)
			return 0;
		if (own >= r->outside && own - r->outside < r->count)
			found = r->inside + (own - r->outside);
	}
	return found;
}
