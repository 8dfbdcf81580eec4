/* SPDX-License-Identifier: Apache-2.0
 *
 * idmap - a map of ids: read from argument triples, checked, put in the kernel's words
 */
#include "uidmap/idmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/err.h"
#include "common/num.h"
#include "uidmap/idset.h"

int idmap_parse_id(const char *s, uint32_t *ret)
{
	/* 010 is ten to people and eight to strtoul: refuse to choose */
	if (s[0] == '0' && s[1])
		return -EINVAL;
	return num_u32(s, ret);
}

static int parse_word(const char *s, const char *what, uint32_t *ret, struct err *e)
{
	int r = idmap_parse_id(s, ret);

	if (r < 0)
		return err_msg(e, r, "%s '%s' is not a number from 0 to 4294967295", what, s);
	return 0;
}

int idmap_parse(char *const *argv, int argc, struct idmap *ret, struct err *e)
{
	int r;

	if (argc < 3 || argc % 3)
		return err_msg(e, -EINVAL, "a map is triples of numbers, %d words are not", argc);
	if (argc / 3 > IDMAP_MAX)
		return err_msg(e, -E2BIG, "%d ranges, at most %d", argc / 3, IDMAP_MAX);
	ret->n = 0;
	for (int i = 0; i < argc; i += 3) {
		struct idrange *l = &ret->r[ret->n];

		if ((r = parse_word(argv[i], "id inside", &l->inside, e)) < 0 ||
		    (r = parse_word(argv[i + 1], "id outside", &l->outside, e)) < 0 ||
		    (r = parse_word(argv[i + 2], "count", &l->count, e)) < 0)
			return r;
		ret->n++;
	}
	return 0;
}

int idmap_add(struct idmap *map, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (!count)
		return 0;
	if (map->n == IDMAP_MAX)
		return -E2BIG;
	map->r[map->n++] = (struct idrange){ inside, outside, count };
	return 0;
}

static bool overlap(uint32_t a, uint32_t an, uint32_t b, uint32_t bn)
{
	return (uint64_t)a < (uint64_t)b + bn && (uint64_t)b < (uint64_t)a + an;
}

static int check_range(const struct idrange *r, const char *noun, struct err *e)
{
	uint64_t in_end = (uint64_t)r->inside + r->count;
	uint64_t out_end = (uint64_t)r->outside + r->count;

	if (!r->count || in_end > ID_END_MAX || out_end > ID_END_MAX)
		return err_msg(e, -ERANGE,
			       "%s range [%" PRIu32 "-%" PRIu64 ") -> [%" PRIu32 "-%" PRIu64
			       ") not allowed: %s",
			       noun, r->inside, in_end, r->outside, out_end,
			       r->count ? "it passes the last id" : "it is empty");
	return 0;
}

int idmap_check(const struct idmap *map, const char *noun, struct err *e)
{
	char text[IDMAP_TEXT_MAX];

	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *a = &map->r[i];
		int r = check_range(a, noun, e);

		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++) {
			const struct idrange *b = &map->r[j];

			if (overlap(a->inside, a->count, b->inside, b->count))
				return err_msg(e, -EEXIST,
					       "%s ranges overlap at inside id %" PRIu32, noun,
					       a->inside > b->inside ? a->inside : b->inside);
			if (overlap(a->outside, a->count, b->outside, b->count))
				return err_msg(e, -EEXIST,
					       "%s ranges overlap at outside id %" PRIu32, noun,
					       a->outside > b->outside ? a->outside : b->outside);
		}
	}
	if (idmap_format(map, text) < 0)
		return err_msg(e, -E2BIG, "%s map: its text is longer than one write of %d bytes",
			       noun, IDMAP_TEXT_MAX - 1);
	return 0;
}

int idmap_format(const struct idmap *map, char buf[static IDMAP_TEXT_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *r = &map->r[i];
		int n = snprintf(buf + len, IDMAP_TEXT_MAX - len,
				 "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", r->inside, r->outside,
				 r->count);

		if (n < 0 || (size_t)n >= IDMAP_TEXT_MAX - len)
			return -E2BIG;
		len += (size_t)n;
	}
	return (int)len;
}
