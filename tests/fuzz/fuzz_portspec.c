/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: common - what is accepted formats back to itself */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/portspec.h"
#include "common/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);
	struct portspec p, again;
	struct err e;
	char out[128];

	if (!text || portspec_parse(text, &p, &e))
		return 0;
	if (portspec_format(&p, out, sizeof(out)) < 0 || portspec_parse(out, &again, &e) ||
	    memcmp(&p, &again, sizeof(p)) != 0)
		__builtin_trap();
	return 0;
}
