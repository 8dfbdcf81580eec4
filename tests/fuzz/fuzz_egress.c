/* SPDX-License-Identifier: Apache-2.0
 * fuzz: slirp-net
 *
 * fuzz_egress - egress rules, one a line, then a resolv.conf of the same text
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slirp-net/egress.h"
#include "slirp-net/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest, *line;
	struct resolv servers;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	resolv_parse(text, size, &servers);
	if (!servers.n || servers.n > RESOLV_SERVERS_MAX)
		__builtin_trap();
	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct egress_rule r;
		struct err e;

		if (egress_rule_parse(line, &r, &e) != 1)
			continue;
		if (r.first > r.last || r.prefix > 128 || (r.name[0] && r.net.sa.sa_family))
			__builtin_trap();
	}
	free(text);
	return 0;
}
