/* SPDX-License-Identifier: Apache-2.0
 * fuzz: fuse-overlay
 *
 * Names of a layer's folder, one a line, through the questions about
 * whiteouts and into the table of lower names: what was put in is found.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuse-overlay/lowtab.h"
#include "fuse-overlay/whiteout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_name(struct ltable *t, const char *name)
{
	const char *target = whiteout_file_target(name);

	if (target && (!whiteout_is_reserved(name) || !*target || strlen(target) + 4 != strlen(name)))
		abort();
	if (whiteout_is_marker(name) && (target || !whiteout_is_reserved(name)))
		abort();
	if (!lowtab_find(t, name) && lowtab_put(t, name, (struct lowent){ .ino = 1 }) < 0)
		return;
	const struct lowent *e = lowtab_find(t, name);
	if (!e || strcmp(lowtab_name(t, e), name) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ltable t = { 0 };
	char *s = malloc(size + 1);

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	for (char *p = s, *end; *p; p = end) {
		end = strchrnul(p, '\n');
		if (*end)
			*end++ = '\0';
		one_name(&t, p);
	}
	lowtab_clear(&t);
	free(s);
	return 0;
}
