/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_kill - kill, pause and resume
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/oci/cli.h"

enum {
	ALIVE = STORE_BIT(STORE_CREATED) | STORE_BIT(STORE_RUNNING) | STORE_BIT(STORE_PAUSED),
};

struct kill_opts {
	bool all, regex;
	int sig; /* not an option */
};

static const struct opt kill_rows[] = {
	OPT_BOOL('a', "all", struct kill_opts, all, "every process of the container"),
	OPT_BOOL('r', "regex", struct kill_opts, regex,
		 "the operand is a regular expression of names"),
	OPT_END,
};

static int kill_each(const struct box *b, int sig, struct err *e)
{
	auto_free pid_t *pids = NULL;
	size_t n;

	int r = cli_pids(b, &pids, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (kill(pids[i], sig) < 0 && errno != ESRCH)
			return err_set(e, -errno, "signal process %d", pids[i]);
	return 0;
}

static int kill_one(const struct cli *cli, const char *id, void *ctx, struct err *e)
{
	const struct kill_opts *o = ctx;
	struct box b;

	int r = box_open(cli->root_fd, id, /*lock*/ false, &b, e);
	if (r < 0)
		return r;
	/* with --all a container whose init is gone may still have processes */
	if (!o->all || !*b.rec.cgroup)
		r = box_require(&b, ALIVE, e);
	if (r == 0 && o->all && *b.rec.cgroup)
		r = oci_kill_all(b.rec.cgroup, o->sig, e);
	else if (r == 0 && o->all)
		r = kill_each(&b, o->sig, e);
	else if (r == 0)
		r = oci_kill(b.pidfd, o->sig, e);
	box_close(&b);
	return r;
}

static int kill_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct kill_opts o = { .sig = SIGTERM };
	char **args;

	int n = cli_operands(&verb_kill, argc, argv, &o, 1, 2, 0, &args, e);
	if (n < 0)
		return n;
	int r = n > 1 ? cli_signal(args[1], &o.sig, e) : 0;
	if (r < 0)
		return r;
	return o.regex ? cli_each(cli, args[0], kill_one, &o, e) : kill_one(cli, args[0], &o, e);
}

static int freeze(struct cli *cli, const struct verb *v, int argc, char **argv, bool on,
		  struct err *e)
{
	struct box b;
	char **args;

	int r = cli_operands(v, argc, argv, NULL, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	r = box_open(cli->root_fd, args[0], /*lock*/ true, &b, e);
	if (r < 0)
		return r;
	r = box_require(&b, on ? STORE_BIT(STORE_RUNNING) | STORE_BIT(STORE_CREATED) :
				 STORE_BIT(STORE_PAUSED), e);
	if (r == 0 && !*b.rec.cgroup)
		r = err_msg(e, -EOPNOTSUPP, "container %s: has no cgroup of its own, which %s needs",
			    b.rec.id, v->name);
	if (r == 0)
		r = oci_freeze(b.rec.cgroup, on, e);
	box_close(&b);
	return r < 0 ? r : 0;
}

static int pause_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	return freeze(cli, &verb_pause, argc, argv, true, e);
}

static int resume_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	return freeze(cli, &verb_resume, argc, argv, false, e);
}

const struct verb verb_kill = {
	.name = "kill", .operands = "CONTAINER [SIGNAL]", .summary = "signal a container",
	.rows = kill_rows, .fn = kill_main,
};
const struct verb verb_pause = {
	.name = "pause", .operands = "CONTAINER", .summary = "stop all processes of a container",
	.fn = pause_main,
};
const struct verb verb_resume = {
	.name = "resume", .operands = "CONTAINER", .summary = "let a paused container go on",
	.fn = resume_main,
};
