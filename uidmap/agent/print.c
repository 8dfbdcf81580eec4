/* SPDX-License-Identifier: Apache-2.0
 *
 * print - the filter rules for a config.json
 */
#include "uidmap/agent/print.h"

#include <errno.h>

#include "common/idcalls.h"

int print_seccomp(bool full, FILE *out)
{
	const char *comma = "[\n";

	for (size_t i = 0; i < n_idcalls; i++) {
		const struct idcall *c = &idcalls[i];

		if (!idcall_wanted(c, full))
			continue;
		(void)fprintf(out, "%s  { \"names\": [\"%s\"], \"action\": \"SCMP_ACT_NOTIFY\"", comma,
			      c->name);
		if (c->mask)
			(void)fprintf(out,
				      ", \"args\": [{ \"index\": %u, \"value\": %u, \"valueTwo\": %u, "
				      "\"op\": \"SCMP_CMP_MASKED_EQ\" }]",
				      c->arg, c->mask, c->value);
		(void)fputs(" }", out);
		comma = ",\n";
	}
	(void)fputs("\n]\n", out);
	return fflush(out) < 0 || ferror(out) ? -EIO : 0;
}
