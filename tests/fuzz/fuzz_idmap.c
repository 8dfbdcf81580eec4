/* SPDX-License-Identifier: Apache-2.0
 * fuzz: uidmap
 *
 * The argument triples of newuidmap: the first line of the input is the text
 * of a subid file, the rest are the words. A map that is allowed is one that
 * the kernel takes, names no id that was not granted, and is written in its
 * words without loss.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "uidmap/idmap.h"
#include "uidmap/idset.h"
#include "uidmap/kind.h"
#include "uidmap/maps.h"
#include "uidmap/policy.h"
#include "uidmap/subid.h"

#define WORDS_MAX 1100
#define OWN_ID 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct subid_line *line)
{
	return idset_add(arg, line->start, line->count);
}

static int apart(uint64_t a, uint64_t b, uint64_t an, uint64_t bn)
{
	return a + an <= b || b + bn <= a;
}

/* What must hold of a map that was allowed, asked in another way. */
static void judge(const struct idmap *map, const struct idset *grants, int gids, int deny)
{
	char text[IDMAP_TEXT_MAX];
	int len = idmap_format(map, text), granted = 0;

	if (len <= 0 || len >= IDMAP_TEXT_MAX)
		abort();
	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *r = &map->r[i];
		int has = idset_has(grants, r->outside, r->count);

		if (!r->count || (uint64_t)r->inside + r->count > UINT32_MAX ||
		    (uint64_t)r->outside + r->count > UINT32_MAX)
			abort();
		if (!has && !(r->count == 1 && r->outside == OWN_ID))
			abort();
		if (!gids && r->outside == 0)
			abort();
		granted |= has;
		for (size_t j = 0; j < i; j++)
			if (!apart(r->inside, map->r[j].inside, r->count, map->r[j].count) ||
			    !apart(r->outside, map->r[j].outside, r->count, map->r[j].count))
				abort();
	}
	if (deny != (gids && !granted))
		abort();
}

/* The kernel's own words, given back as words, are the same map. */
static void check_round_trip(const struct idmap *map)
{
	char text[IDMAP_TEXT_MAX];
	struct idmap again;
	char *words[3 * IDMAP_MAX], *save = NULL;
	int n = 0, len = idmap_format(map, text);

	text[len] = '\0';
	for (char *w = strtok_r(text, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	if (idmap_parse(words, n, &again, NULL) < 0 || again.n != map->n ||
	    memcmp(again.r, map->r, map->n * sizeof(*map->r)) != 0)
		abort();
}

static void check_layouts(const struct idset *grants)
{
	struct idmap map;

	for (int style = 0; style < MAPS_STYLE_MAX_; style++) {
		maps_build((enum maps_style)style, OWN_ID, grants, &map);
		if (!map.n || idmap_check(&map, "uid", NULL) < 0 || map.r[0].outside != OWN_ID)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_caller caller = { .uid = OWN_ID, .gid = OWN_ID };
	struct idset grants = { 0 };
	struct subid_scan scan = { .sink = { take, &grants } };
	char *text, *rest, *words[WORDS_MAX], *save = NULL;
	struct idmap map;
	struct err e = { 0 };
	bool deny = false;
	int n = 0;

	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	rest = strchr(text, '\n');
	if (rest) {
		*rest++ = '\0';
		for (char *line = strtok_r(text, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
			(void)subid_scan_feed(&scan, line, strlen(line));
			(void)subid_scan_feed(&scan, "\n", 1);
		}
		(void)subid_scan_end(&scan);
		idset_normalise(&grants);
		check_layouts(&grants);
		for (char *w = strtok_r(rest, " \n", &save); w && n < WORDS_MAX;
		     w = strtok_r(NULL, " \n", &save))
			words[n++] = w;
		if (idmap_parse(words, n, &map, &e) >= 0) {
			const struct idkind *kind = size & 1 ? &kind_gid : &kind_uid;

			if (policy_map_check(kind, &caller, &map, &grants, &deny, &e) >= 0) {
				judge(&map, &grants, kind->gids, deny);
				check_round_trip(&map);
			} else if (!e.msg[0] || strchr(e.msg, '\n')) {
				abort();
			}
		}
		if (n)
			(void)maps_parse_line(words[0], &map, &e);
	}
	idset_clear(&grants);
	free(text);
	return 0;
}
