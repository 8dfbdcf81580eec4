/* SPDX-License-Identifier: Apache-2.0
 * fuzz: uidmap
 *
 * The reader of /etc/subuid: any text, read whole and in pieces of any size,
 * grants the same; a set of grants is in order, disjoint and within the ids.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "uidmap/idset.h"
#include "uidmap/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct subid_line *line)
{
	struct idset *set = arg;

	if (!line->owner_len || line->owner_len >= SUBID_LINE_MAX ||
	    memchr(line->owner, ':', line->owner_len) || memchr(line->owner, '\n', line->owner_len))
		abort();
	if (!subid_owner_is(line, 1000, "alice"))
		return 0;
	return idset_add(set, line->start, line->count);
}

static void read_text(const char *text, size_t len, size_t piece, struct idset *ret)
{
	struct subid_scan scan = { .sink = { take, ret } };

	for (size_t at = 0; at < len; at += piece)
		if (subid_scan_feed(&scan, text + at, len - at < piece ? len - at : piece) < 0)
			abort();
	if (subid_scan_end(&scan) < 0)
		abort();
	idset_normalise(ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct idset whole = { 0 }, pieces = { 0 };
	uint64_t end = 0;

	if (size < 1)
		return 0;
	read_text((const char *)data + 1, size - 1, size, &whole);
	read_text((const char *)data + 1, size - 1, (size_t)data[0] + 1, &pieces);
	if (whole.n != pieces.n ||
	    (whole.n && memcmp(whole.v, pieces.v, whole.n * sizeof(*whole.v)) != 0))
		abort();
	for (size_t i = 0; i < whole.n; i++) {
		const struct idspan *s = &whole.v[i];

		/* joined spans do not even touch */
		if (!s->count || (i && s->start <= end) ||
		    (uint64_t)s->start + s->count > ID_END_MAX ||
		    !idset_has(&whole, s->start, s->count) ||
		    idset_has(&whole, s->start, s->count + 1))
			abort();
		end = (uint64_t)s->start + s->count;
	}
	idset_clear(&whole);
	idset_clear(&pieces);
	return 0;
}
