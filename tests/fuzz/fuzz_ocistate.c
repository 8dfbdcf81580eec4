/* SPDX-License-Identifier: Apache-2.0
 * fuzz: oci
 *
 * fuzz_ocistate - the record of a container: what parses prints and parses again
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "runner/oci/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record a, b;
	struct err e;

	record_init(&a);
	if (record_parse((const char *)data, size, &a, &e) == 0) {
		char *text = record_print(&a);

		record_init(&b);
		if (record_parse(text, strlen(text), &b, &e) < 0 || a.pid != b.pid ||
		    strcmp(a.cgroup, b.cgroup) != 0)
			__builtin_trap();
		record_clear(&b);
		free(text);
	}
	record_clear(&a);
	return 0;
}
