/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd - the command table: one const struct cmd per file of this folder
 *
 * To add a command: one file with a `const struct cmd cmd_NAME`, one line in
 * table.c, one man page, one bats file. The dispatcher parses the options by
 * the rows, enters the user namespace and opens the folders as the flags say,
 * calls the function, and prints the one line of a failure.
 */
#ifndef RUNNER_CMD_CMD_H
#define RUNNER_CMD_CMD_H

#include <stddef.h>

struct engine;
struct err;
struct opt;

/* What every failure of the engine itself exits with, as Docker and Podman. */
#define CMD_EXIT_ENGINE 125
/* What rm and rmi exit with, as Podman, when nothing worse happened. */
#define CMD_EXIT_MISSING 1
#define CMD_EXIT_BUSY 2

/**
 * enum cmd_flags - what the dispatcher does before the command's function
 * @CMD_STORE:	engine_open(): make and open --root and --runroot
 * @CMD_USERNS:	rootless_enter(): become root of a user and mount namespace
 *		with the best id map (nothing for real root); implies CMD_STORE
 * @CMD_USERNS_SOON: rootless_begin(): the function enters when it must; implies
 *		CMD_STORE
 * @CMD_HIDDEN:	not in `runner --help`
 */
enum cmd_flags {
	CMD_STORE = 1 << 0,
	CMD_USERNS = 1 << 1,
	CMD_HIDDEN = 1 << 2,
	CMD_USERNS_SOON = 1 << 3,
};

/**
 * struct cmd - a command
 * @name:	as typed
 * @fn:		the command; @opts is @opts_size zeroed bytes filled by the rows.
 *		argv holds the operands only. Returns the exit code of runner
 *		(>= 0), or -errno with the explanation in the struct err
 * @init:	sets defaults that are not zero before parsing, may be NULL
 * @clear:	frees what @opts holds, may be NULL
 * @flags:	enum cmd_flags
 * @summary:	one line for `runner --help`
 * @args_help:	operands as shown in the usage line
 * @rows:	option rows, ended by OPT_END; NULL without options
 * @opts_size:	size of the struct that the rows describe, 0 without options
 * @min_args:	fewest operands
 * @max_args:	most operands, -1 for any number
 * @stop_at_operand: options end at the first operand (run, exec, create)
 */
struct cmd {
	const char *name;
	int (*fn)(struct engine *eng, void *opts, int argc, char **argv, struct err *e);
	void (*init)(void *opts);
	void (*clear)(void *opts);
	unsigned int flags;
	const char *summary;
	const char *args_help;
	const struct opt *rows;
	size_t opts_size;
	int min_args;
	int max_args;
	int stop_at_operand;
};

/**
 * cmd_find() - the command of that name (or alias), NULL if there is none
 */
const struct cmd *cmd_find(const char *name);

/**
 * cmd_main() - everything behind main(): global options, dispatch, exit code
 */
int cmd_main(int argc, char **argv);

/**
 * cmd_print_help() - global options and the list of commands, on stdout
 */
void cmd_print_help(void);

/**
 * cmd_print_usage() - usage and options of one command, on stdout
 */
void cmd_print_usage(const struct cmd *cmd);

/**
 * cmd_table() - all commands, sorted, NULL at the end
 */
const struct cmd *const *cmd_table(void);

#endif
