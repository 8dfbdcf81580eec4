/* SPDX-License-Identifier: Apache-2.0
 *
 * stop - ask containers to end, and kill those that do not
 */
#include <errno.h>

#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/signals.h"

struct stop_opts {
	bool all;
	bool ignore;
	int time;
	const char *signal;
	int sig;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct stop_opts, all, "all running containers"),
	OPT_BOOL('i', "ignore", struct stop_opts, ignore, "a missing container is no failure"),
	OPT_STR('s', "signal", struct stop_opts, signal, "SIGNAL", "instead of the container's own"),
	OPT_INT('t', "time", struct stop_opts, time, "SECONDS", "until it is killed; -1: its own"),
	OPT_INT(0, "timeout", struct stop_opts, time, "SECONDS", NULL),
	OPT_END,
};

static void init(void *opts)
{
	((struct stop_opts *)opts)->time = -1;
}

static int stop_one(struct container *c, void *ctx, struct err *e)
{
	const struct stop_opts *o = ctx;

	return each_stop(c, o->time, o->sig, e);
}

static int stop(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct stop_opts *o = opts;

	if (o->signal && signal_parse(o->signal, &o->sig, e) < 0)
		return err_wrap(e, "--signal");
	if (o->time < -1)
		return err_msg(e, -EINVAL, "--time %d: below -1", o->time);
	if (o->all)
		return each_listed(eng, "stop", /* print */ true, each_is_running, stop_one, o);
	if (!argc)
		return err_msg(e, -EINVAL, "name a container, or --all");
	if (o->ignore)
		argc = each_present(eng, argc, argv);
	return each_container(eng, "stop", argc, argv, /* print */ true, stop_one, o);
}

const struct cmd cmd_stop = {
	.name = "stop",
	.fn = stop,
	.init = init,
	.flags = CMD_STORE,
	.summary = "ask containers to end, and kill those that do not",
	.args_help = "CONTAINER...",
	.rows = rows,
	.opts_size = sizeof(struct stop_opts),
	.max_args = -1,
};
