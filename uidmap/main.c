/* SPDX-License-Identifier: Apache-2.0
 *
 * main - uidmap: say what user namespace one can have; run a command in it
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/opt.h"
#include "common/proc.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/idmap.h"
#include "uidmap/plan.h"
#include "uidmap/run.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/**
 * struct options - what the command line says
 * @json:	plan as JSON
 * @keep_id:	the own id inside is the own id
 * @root:	the own id inside is 0
 * @map:	INSIDE:OUTSIDE:COUNT for both kinds
 * @uid_map:	for user ids
 * @gid_map:	for group ids
 * @help:	print usage
 */
struct options {
	bool json;
	bool keep_id;
	bool root;
	struct strv map;
	struct strv uid_map;
	struct strv gid_map;
	bool help;
};

static const struct opt map_opts[] = {
	OPT_BOOL('r', "root", struct options, root, "my id is 0 inside (this is the default)"),
	OPT_BOOL('k', "keep-id", struct options, keep_id, "my id is the same inside"),
	OPT_LIST('m', "map", struct options, map, "U:H:N",
		 "map N ids, from U inside to H outside; again for more"),
	OPT_LIST(0, "uid-map", struct options, uid_map, "U:H:N", "the same for user ids only"),
	OPT_LIST(0, "gid-map", struct options, gid_map, "U:H:N", "the same for group ids only"),
	OPT_BOOL('h', "help", struct options, help, "show this"),
	OPT_END,
};

static const struct opt plan_opts[] = {
	OPT_BOOL(0, "json", struct options, json, "as one line of JSON"),
	OPT_ROWS(map_opts),
	OPT_END,
};

static const struct opt run_opts[] = { OPT_ROWS(map_opts), OPT_END };

static int parse_lines(const struct strv *lines, struct idmap *map, const char *opt, struct err *e)
{
	for (size_t i = 0; i < lines->n; i++) {
		int r = maps_parse_line(lines->v[i], map, e);

		if (r < 0)
			return err_wrap(e, "--%s", opt);
	}
	return 0;
}

static int options_to_wish(const struct options *o, struct plan_wish *ret, struct err *e)
{
	bool listed = o->map.n || o->uid_map.n || o->gid_map.n;
	int r;

	if (o->keep_id + o->root + listed > 1)
		return err_msg(e, -EINVAL, "--root, --keep-id and a map exclude each other");
	ret->style = o->keep_id ? MAPS_KEEP : MAPS_ROOT;
	if ((r = parse_lines(&o->map, &ret->uid_map, "map", e)) < 0 ||
	    (r = parse_lines(&o->map, &ret->gid_map, "map", e)) < 0 ||
	    (r = parse_lines(&o->uid_map, &ret->uid_map, "uid-map", e)) < 0)
		return r;
	return parse_lines(&o->gid_map, &ret->gid_map, "gid-map", e);
}

static int fail(const char *cmd, int status, const struct err *e)
{
	(void)fprintf(stderr, "uidmap: %s: %s\n", cmd, e->msg);
	return status;
}

static int do_plan(const struct options *o, const struct plan *plan, char **argv)
{
	struct err e = { 0 };

	(void)argv;
	if (!o->json) {
		plan_print(plan, stdout);
		return 0;
	}
	if (plan_print_json(plan, stdout) < 0) {
		(void)err_set(&e, -EIO, "write");
		return fail("plan", EXIT_FAILED, &e);
	}
	return 0;
}

static int do_run(const struct options *o, const struct plan *plan, char **argv)
{
	struct err e = { 0 };
	int exec_failed = 0, r;

	(void)o;
	if (plan->mode == PLAN_NONE) {
		(void)err_msg(&e, -ENOTSUP, "%s", plan->missing[0].why);
		return fail("run", EXIT_FAILED, &e);
	}
	r = run_command(plan, argv, &exec_failed, &e);
	if (!exec_failed)
		return fail("run", EXIT_FAILED, &e);
	return fail("run", r == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, &e);
}

/**
 * struct cmd - one subcommand
 * @name:	word
 * @args:	operands, for help
 * @summary:	one line
 * @opts:	its options
 * @operands:	needs a command behind the options; else takes none
 * @fn:		does it, with the plan that was made
 * @main:	instead of all that: has options of its own
 */
struct cmd {
	const char *name;
	const char *args;
	const char *summary;
	const struct opt *opts;
	bool operands;
	int (*fn)(const struct options *o, const struct plan *plan, char **argv);
	int (*main)(int argc, char **argv);
};

static const struct cmd cmds[] = {
	{ "plan", "[OPTIONS]", "say what user namespace I can have, and what is missing", plan_opts,
	  false, do_plan },
	{ "run", "[OPTIONS] [--] COMMAND [ARG...]", "run a command in a user namespace", run_opts,
	  true, do_run },
	{ .name = "agent", .summary = "answer a container's calls about ids from records",
	  .main = agent_main },
};

static int usage(FILE *out, int status)
{
	(void)fprintf(out, "usage: uidmap COMMAND\n\n");
	for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		(void)fprintf(out, "  %-8s%s\n", cmds[i].name, cmds[i].summary);
	(void)fprintf(out,
		      "\n\"uidmap COMMAND --help\" lists options; --version prints the version\n");
	return status;
}

static int run_cmd(const struct cmd *cmd, int argc, char **argv)
{
	struct plan AUTO(plan_clear) plan = { 0 };
	struct plan_wish wish = { 0 };
	struct options o = { 0 };
	struct err e = { 0 };
	int first;

	if (opt_parse(cmd->opts, argc, argv, OPT_STOP_AT_OPERAND, &o, &first, NULL, &e) < 0)
		return fail(cmd->name, EXIT_USAGE, &e);
	if (o.help) {
		(void)printf("usage: uidmap %s %s\n%s\n\n", cmd->name, cmd->args, cmd->summary);
		opt_help(cmd->opts, stdout);
		return 0;
	}
	if (cmd->operands != (first < argc)) {
		(void)err_msg(&e, -EINVAL, "%s",
			      cmd->operands ? "no command given" : "takes no operands");
		return fail(cmd->name, EXIT_USAGE, &e);
	}
	if (options_to_wish(&o, &wish, &e) < 0)
		return fail(cmd->name, EXIT_USAGE, &e);
	if (plan_make(&wish, &plan, &e) < 0)
		return fail(cmd->name, EXIT_FAILED, &e);
	return cmd->fn(&o, &plan, argv + first);
}

int main(int argc, char **argv)
{
	if (fd_std_open() < 0 || argc < 2)
		return usage(stderr, EXIT_USAGE);
	proc_take_children();
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h") || str_eq(argv[1], "help"))
		return usage(stdout, 0);
	if (str_eq(argv[1], "--version")) {
		(void)printf("uidmap %s\n", VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
		if (str_eq(argv[1], cmds[i].name))
			return cmds[i].main ? cmds[i].main(argc - 1, argv + 1) :
					      run_cmd(&cmds[i], argc - 1, argv + 1);
	(void)fprintf(stderr, "uidmap: %s: no such command\n", argv[1]);
	return EXIT_USAGE;
}
