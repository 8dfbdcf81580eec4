/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: engine - a record that is accepted formats back to itself */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/engine/container.h"
#include "runner/engine/ctrecord.h"
#include "runner/engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct engine eng = { .root_fd = -1, .runroot_fd = -1 };
	AUTO(container_free) struct container *a = container_new(&eng);
	AUTO(container_free) struct container *b = container_new(&eng);
	auto_free char *text = NULL, *again = NULL;
	size_t len = 0;

	if (ctrecord_parse((const char *)data, size, a, NULL) < 0)
		return 0;
	text = ctrecord_format(a, &len);
	/* a name that the JSON library cannot write back */
	if (!text)
		return 0;
	if (ctrecord_parse(text, len, b, NULL) < 0)
		__builtin_trap();
	again = ctrecord_format(b, NULL);
	if (!again || strcmp(text, again) != 0)
		__builtin_trap();
	return 0;
}
