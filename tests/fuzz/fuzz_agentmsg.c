/* SPDX-License-Identifier: Apache-2.0
 * fuzz: uidmap
 *
 * fuzz_agentmsg - what reaches "uidmap agent" as text: the first byte chooses
 * a runtime's message, its metadata alone, a path below /proc, or a line of owners
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "uidmap/agent/procown.h"
#include "uidmap/agent/proto.h"
#include "uidmap/agent/rootowners.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(const char *text, size_t size)
{
	static struct hello h;
	struct err e;

	if (proto_parse(text, size, true, &h, &e) == 0 &&
	    (h.pid <= 0 || h.meta.n_groups > PROTO_GROUPS_MAX))
		__builtin_trap();
}

static void meta(const char *text)
{
	static struct idmeta m;
	struct err e;

	if (proto_metadata(text, false, &m, &e) < 0)
		return;
	for (uint32_t i = 1; i < m.n_groups; i++)
		if (m.groups[i - 1] > m.groups[i])
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct override ov;
	const char *rest;
	char *text;
	pid_t pid;

	if (size == 0)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	if (data[0] == 'j')
		message((const char *)data + 1, size - 1);
	else if (data[0] == 'm')
		meta(text);
	else if (data[0] == 'p')
		(void)procown_parse(text, &pid, &rest);
	else
		(void)rootowners_line(text, &ov, &rest);
	free(text);
	return 0;
}
