/* SPDX-License-Identifier: Apache-2.0
 *
 * idshift - owners shown in the mount against owners on disk
 */
#include "fuse-overlay/idshift.h"

#include <errno.h>
#include <stdlib.h>

#include "common/num.h"
#include "common/str.h"

static int idmap_add(struct idmap *m, const uint32_t v[3], struct err *e)
{
	if (!v[2] || v[0] > UINT32_MAX - v[2] || v[1] > UINT32_MAX - v[2])
		return err_msg(e, -EINVAL, "%u:%u:%u is no range of ids", v[0], v[1], v[2]);
	if (m->n == IDSHIFT_RANGES_MAX)
		return err_msg(e, -EINVAL, "more than %d ranges", IDSHIFT_RANGES_MAX);

	struct idrange *grown = realloc(m->ranges, (m->n + 1) * sizeof(*grown));
	if (!grown)
		return err_set(e, -ENOMEM, "id mapping");
	m->ranges = grown;
	m->ranges[m->n++] = (struct idrange){ .disk = v[0], .shown = v[1], .count = v[2] };
	return 0;
}

int idmap_parse(struct idmap *m, const char *s, struct err *e)
{
	struct strv words AUTO(strv_clear) = { 0 };
	uint32_t v[3];
	unsigned int have = 0;

	if (strv_split(&words, s, ':'))
		return err_set(e, -ENOMEM, "id mapping");
	for (size_t i = 0; i < words.n; i++) {
		if (!words.v[i][0])
			continue;
		if (num_u32(words.v[i], &v[have]))
			return err_msg(e, -EINVAL, "'%s' is not an id", words.v[i]);
		if (++have < 3)
			continue;
		int r = idmap_add(m, v, e);
		if (r < 0)
			return r;
		have = 0;
	}
	if (have)
		return err_msg(e, -EINVAL, "'%s': ids come in threes, disk:shown:count", s);
	return 0;
}

void idmap_clear(struct idmap *m)
{
	free(m->ranges);
	m->ranges = NULL;
	m->n = 0;
}

bool idmap_is_plain(const struct idmap *m)
{
	return !m->n && m->squash < 0;
}

uint32_t idmap_to_shown(const struct idmap *m, uint32_t disk)
{
	if (m->squash >= 0)
		return (uint32_t)m->squash;
	if (!m->n)
		return disk;
	for (size_t i = 0; i < m->n; i++) {
		const struct idrange *r = &m->ranges[i];

		if (disk >= r->disk && disk - r->disk < r->count)
			return r->shown + (disk - r->disk);
	}
	return IDSHIFT_OVERFLOW;
}

uint32_t idmap_to_disk(const struct idmap *m, uint32_t shown)
{
	if (!m->n)
		return shown;
	for (size_t i = 0; i < m->n; i++) {
		const struct idrange *r = &m->ranges[i];

		if (shown >= r->shown && shown - r->shown < r->count)
			return r->disk + (shown - r->shown);
	}
	return IDSHIFT_OVERFLOW;
}
