/* SPDX-License-Identifier: Apache-2.0
 * fuzz: image
 *
 * Image names: what is accepted has a canonical form that is its own canonical
 * form, and can be a file name of the store.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "runner/image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	char first[REF_STR_MAX];
	char second[REF_STR_MAX];
	struct ref r;

	if (ref_parse(text, &r, NULL))
		return 0;
	if (ref_canonical(&r, first) < 0 || strchr(first, '+') || strstr(first, "/.."))
		abort();
	if (ref_parse(first, &r, NULL) || ref_canonical(&r, second) < 0 || !str_eq(first, second))
		abort();
	if (ref_set_domain(&r, "localhost") == 0 && ref_familiar(&r, first) < 0)
		abort();
	return 0;
}
