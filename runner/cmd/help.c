/* SPDX-License-Identifier: Apache-2.0
 *
 * help - print the commands, or one command's options
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"

void cmd_print_usage(const struct cmd *cmd)
{
	printf("usage: runner %s%s%s%s\n\n%s\n", cmd->name, cmd->rows ? " [OPTIONS]" : "",
	       cmd->args_help && *cmd->args_help ? " " : "", cmd->args_help ? cmd->args_help : "",
	       cmd->summary);
	if (cmd->rows) {
		puts("\noptions:");
		opt_help(cmd->rows, stdout);
	}
}

static int help(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	(void)eng;
	(void)opts;
	if (!argc) {
		cmd_print_help();
		return 0;
	}

	auto_free char *name = xasprintf("%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	const struct cmd *cmd = cmd_find(name);
	if (!cmd)
		return err_msg(e, -ENOENT, "%s: no such command", name);
	cmd_print_usage(cmd);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.fn = help,
	.summary = "print this, or the options of a command",
	.args_help = "[COMMAND]",
	.max_args = 2,
};
