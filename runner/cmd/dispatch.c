/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch - from argv to a command's function
 *
 * How it works: global options come first; the first operand names the
 * command, and an operand that is no command is an image: "runner IMG" is
 * "runner run IMG", also with options of run in front of it
 * ("runner --publish 8080:80 IMG"). So an option that the global table does
 * not know starts a run. A word that Docker or Podman have for a command is
 * never taken for an image (words.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/words.h"
#include "runner/engine/engine.h"
#include "runner/engine/rootless.h"

struct global_opts {
	const char *root;
	const char *runroot;
	const char *log_level;
	struct strv storage;
	bool debug;
	bool help;
	bool version;
};

static const struct opt global_rows[] = {
	OPT_STR(0, "root", struct global_opts, root, "DIR", "folder of images and containers"),
	OPT_STR(0, "runroot", struct global_opts, runroot, "DIR", "folder of sockets and locks"),
	OPT_LIST(0, "storage-opt", struct global_opts, storage, "NAME=VALUE",
		 "mount_program=PATH, or rootfs=overlay|fuse-overlay|copy"),
	OPT_STR(0, "log-level", struct global_opts, log_level, "LEVEL", "error, warn, info or debug"),
	OPT_BOOL(0, "debug", struct global_opts, debug, "same as --log-level=debug"),
	OPT_BOOL('h', "help", struct global_opts, help, "print this and leave"),
	OPT_BOOL(0, "version", struct global_opts, version, "print the version and leave"),
	OPT_END,
};

void cmd_print_help(void)
{
	puts("usage: runner [OPTIONS] COMMAND [ARGUMENTS]\n"
	     "       runner [OPTIONS] [RUN-OPTIONS] IMAGE [COMMAND [ARGUMENTS]]\n\n"
	     "Run containers as an ordinary user, without a daemon.\n\n"
	     "options:");
	opt_help(global_rows, stdout);
	puts("\ncommands:");
	for (const struct cmd *const *c = cmd_table(); *c; c++)
		if (!((*c)->flags & CMD_HIDDEN))
			printf("  %-10s %s\n", (*c)->name, (*c)->summary);
	puts("\nrunner COMMAND --help shows the options of a command.");
}

static const struct opt *global_row(const char *arg)
{
	for (const struct opt *o = global_rows; o->type != OPT_TYPE_END; o++) {
		const char *rest;

		if (arg[1] != '-') {
			if (o->short_name && arg[1] == o->short_name && !arg[2])
				return o;
			continue;
		}
		rest = str_after(arg + 2, o->name);
		if (rest && (!*rest || *rest == '='))
			return o;
	}
	return NULL;
}

/* How many words at the front of argv are global options and their values. */
static int count_globals(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		const struct opt *o = global_row(argv[i]);

		if (!o)
			break;
		i += o->arg && !strchr(argv[i], '=') ? 2 : 1;
	}
	return i > argc ? argc : i;
}

static int fail(const char *name, const struct err *e, int code)
{
	if (name)
		log_error("%s: %s", name, e->msg);
	else
		log_error("%s", e->msg);
	return code;
}

static bool wants_help(const struct cmd *cmd, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--help"))
			return true;
		if (str_eq(argv[i], "--") || (cmd->stop_at_operand && argv[i][0] != '-'))
			return false;
	}
	return false;
}

static int prepare(const struct cmd *cmd, struct engine *eng, struct err *e)
{
	int r = 0;

	if (cmd->flags & (CMD_STORE | CMD_USERNS | CMD_USERNS_SOON))
		r = engine_open(eng, e);
	if (r == 0 && (cmd->flags & CMD_USERNS))
		r = rootless_enter(eng, e);
	if (r == 0 && (cmd->flags & CMD_USERNS_SOON))
		r = rootless_begin(eng, e);
	return r;
}

static int check_operands(const struct cmd *cmd, int n, char **operands, struct err *e)
{
	if (n < cmd->min_args)
		return err_msg(e, -EINVAL, "%s is missing (usage: runner %s%s %s)",
			       n == 0 ? "the operand" : "an operand", cmd->name,
			       cmd->rows ? " [OPTIONS]" : "", cmd->args_help);
	if (cmd->max_args >= 0 && n > cmd->max_args)
		return err_msg(e, -EINVAL, "'%s' is one operand too many (usage: runner %s%s%s%s)",
			       operands[cmd->max_args], cmd->name, cmd->rows ? " [OPTIONS]" : "",
			       *cmd->args_help ? " " : "", cmd->args_help);
	return 0;
}

/* @typed: the word that was no command and so an image, or NULL */
static int run_cmd(const struct cmd *cmd, struct engine *eng, void *opts, int argc, char **argv,
		   const char *typed)
{
	const char *meant = typed ? words_near(typed) : NULL;
	struct err e = { 0 };
	int first = argc, end = argc, r;

	r = opt_parse(cmd->rows ? cmd->rows : (const struct opt[]){ OPT_END }, argc, argv,
		      cmd->stop_at_operand ? OPT_STOP_AT_OPERAND : 0, opts, &first, &end, &e);
	if (r == 0)
		r = check_operands(cmd, end - first, argv + first, &e);
	if (r == 0)
		r = prepare(cmd, eng, &e);
	if (r == 0)
		r = cmd->fn(eng, opts, end - first, argv + first, &e);
	if (r < 0 && meant) {
		log_error("%s: %s (or did you mean \"runner %s\"?)", cmd->name, e.msg, meant);
		return CMD_EXIT_ENGINE;
	}
	if (r < 0)
		return fail(cmd->name, &e, CMD_EXIT_ENGINE);
	return r;
}

static int dispatch(const struct cmd *cmd, struct engine *eng, int argc, char **argv,
		    const char *typed)
{
	auto_free void *opts = xcalloc(1, cmd->opts_size ? cmd->opts_size : 1);
	int r;

	if (wants_help(cmd, argc, argv)) {
		cmd_print_usage(cmd);
		return 0;
	}
	if (cmd->init)
		cmd->init(opts);
	r = run_cmd(cmd, eng, opts, argc, argv, typed);
	if (cmd->clear)
		cmd->clear(opts);
	return r;
}

static int set_log_level(const struct global_opts *g, struct err *e)
{
	enum log_level level = LOG_LEVEL_WARN;

	if (g->log_level && log_level_parse(g->log_level, &level) < 0)
		return err_msg(e, -EINVAL, "--log-level %s: not error, warn, info or debug",
			       g->log_level);
	log_set_level(g->debug ? LOG_LEVEL_DEBUG : level);
	return 0;
}

/* Make argv what the command's function expects: argv[0] is its name. */
static int with_cmd(struct engine *eng, int argc, char **argv, int first)
{
	const struct cmd *cmd = NULL;
	struct err e = { 0 };
	int skip = words_group(argc - first, argv + first, &cmd, &e);

	if (!cmd && argv[first][0] != '-')
		cmd = cmd_find(argv[first]);
	if (skip < 0 || (!cmd && words_refused(argv[first], &e) < 0))
		return fail(NULL, &e, CMD_EXIT_ENGINE);
	if (cmd)
		return dispatch(cmd, eng, argc - first - skip, argv + first + skip, NULL);
	/* "runner IMG": the word in front (the last global word, or our own
	 * name) becomes the command's. */
	argv[first - 1] = (char[]){ "run" };
	return dispatch(cmd_find("run"), eng, argc - first + 1, argv + first - 1, argv[first]);
}

static int with_globals(struct global_opts *g, int argc, char **argv)
{
	struct engine_opts eopts;
	struct engine eng;
	struct err e = { 0 };
	int first = count_globals(argc, argv), end, r;

	r = opt_parse(global_rows, first, argv, OPT_STOP_AT_OPERAND, g, &end, NULL, &e);
	if (r == 0)
		r = set_log_level(g, &e);
	if (r < 0)
		return fail(NULL, &e, CMD_EXIT_ENGINE);
	if (g->version) {
		puts("runner " VERSION);
		return 0;
	}
	if (g->help || first == argc) {
		cmd_print_help();
		return 0;
	}
	eopts = (struct engine_opts){ .root = g->root, .runroot = g->runroot, .storage = g->storage.v };
	r = engine_init(&eng, &eopts, &e);
	if (r < 0) {
		engine_clear(&eng);
		return fail(NULL, &e, CMD_EXIT_ENGINE);
	}
	r = with_cmd(&eng, argc, argv, first);
	engine_clear(&eng);
	return r;
}

int cmd_main(int argc, char **argv)
{
	struct global_opts g = { 0 };
	int r;

	log_init("runner");
	/* What the caller left open beside stdio is not for monitors to hold. */
	if (fd_std_open() < 0 || fd_close_from(3, NULL, 0) < 0)
		return CMD_EXIT_ENGINE;
	proc_take_children();
	/* Folders and files get the modes that are written in the source; the
	 * caller's umask must not close container files to other ids. */
	(void)umask(022);
	r = with_globals(&g, argc, argv);
	strv_clear(&g.storage);
	if (fflush(stdout) != 0 && r == 0) {
		log_error("write to stdout: %s", strerrordesc_np(errno));
		r = CMD_EXIT_ENGINE;
	}
	return r;
}
