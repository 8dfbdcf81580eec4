/* SPDX-License-Identifier: Apache-2.0
 * fuzz: common
 *
 * A recorded owner, as an attribute may have it: what is read is written so
 * that it is read to the same, and what was written is written alike.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/override.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[OVERRIDE_TEXT_MAX], again[OVERRIDE_TEXT_MAX];
	char *exact = malloc(size ? size : 1);
	struct override a, b;

	if (!exact)
		return 0;
	/* of this size and no more, so that a step beyond is seen */
	memcpy(exact, data, size);
	int r = override_parse(exact, size, &a);
	free(exact);
	if (r < 0)
		return 0;
	if (a.mode > 07777 || a.type == S_IFREG || a.type == S_IFDIR)
		abort();
	int len = override_format(&a, text);
	if (len <= 0 || override_parse(text, (size_t)len, &b) < 0 || a.uid != b.uid ||
	    a.gid != b.gid || a.mode != b.mode || a.type != b.type || a.major != b.major ||
	    a.minor != b.minor)
		abort();
	if (override_format(&b, again) != len || strcmp(text, again) != 0)
		abort();
	return 0;
}
