/* SPDX-License-Identifier: Apache-2.0
 *
 * version - print the version
 */
#include <stdio.h>

#include "runner/cmd/cmd.h"

static int version(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	(void)eng;
	(void)opts;
	(void)argc;
	(void)argv;
	(void)e;
	puts("runner " VERSION);
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.fn = version,
	.summary = "print the version",
	.args_help = "",
};
