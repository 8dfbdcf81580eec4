/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: engine - a mount that is accepted formats back to itself */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "runner/engine/mountspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mountspec *m)
{
	AUTO(mountspec_clear) struct mountspec again = { 0 };
	AUTO(strbuf_clear) struct strbuf a = { 0 };
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	if (mountspec_format(m, &a) < 0 || mountspec_parse(a.s, NULL, &again, NULL) < 0 ||
	    mountspec_format(&again, &b) < 0 || strcmp(a.s, b.s) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	for (int how = 0; how < 3; how++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		int r = how == 0 ? mountspec_parse_volume(text, "/cwd", &m, NULL) :
			how == 1 ? mountspec_parse(text, "/cwd", &m, NULL) :
				   mountspec_parse_tmpfs(text, &m, NULL);

		if (r == 0)
			check(&m);
	}
	return 0;
}
