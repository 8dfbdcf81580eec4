/* SPDX-License-Identifier: Apache-2.0
 *
 * restart - stop containers and start them again
 */
#include <errno.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/start.h"

struct restart_opts {
	int time;
};

static const struct opt rows[] = {
	OPT_INT('t', "time", struct restart_opts, time, "SECONDS", "until it is killed; -1: its own"),
	OPT_END,
};

static void init(void *opts)
{
	((struct restart_opts *)opts)->time = -1;
}

static int restart_one(struct container *c, void *ctx, struct err *e)
{
	const struct restart_opts *o = ctx;
	struct start_opts so = { .attach = false };
	auto_close int fd = -1;
	int code, r;

	if (each_is_running(c) && c->config.rm)
		return err_msg(e, -EINVAL, "container %.12s was made with --rm: it is gone when it stops",
			       c->id);
	r = each_stop(c, o->time, 0, e);
	if (r == 0)
		r = container_lock(c, /* wait */ true, e);
	if (r == 0)
		r = container_reload(c, e);
	if (r == 0 && !each_is_running(c))
		r = start_container(c, &so, &fd, &code, e);
	container_unlock(c);
	return r;
}

static int restart(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	(void)e;
	return each_container(eng, "restart", argc, argv, /* print */ true, restart_one, opts);
}

const struct cmd cmd_restart = {
	.name = "restart",
	.fn = restart,
	.init = init,
	.flags = CMD_USERNS,
	.summary = "stop containers and start them again",
	.args_help = "CONTAINER...",
	.rows = rows,
	.opts_size = sizeof(struct restart_opts),
	.min_args = 1,
	.max_args = -1,
};
