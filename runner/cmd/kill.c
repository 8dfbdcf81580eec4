/* SPDX-License-Identifier: Apache-2.0
 *
 * kill - send a signal to the first process of containers
 */
#include <errno.h>
#include <signal.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"
#include "runner/engine/signals.h"

struct kill_opts {
	bool all;
	const char *signal;
	int sig;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct kill_opts, all, "all running containers"),
	OPT_STR('s', "signal", struct kill_opts, signal, "SIGNAL", "instead of KILL"),
	OPT_END,
};

static int kill_one(struct container *c, void *ctx, struct err *e)
{
	const struct kill_opts *o = ctx;
	int32_t sig = o->sig;
	auto_close int fd = -1;
	int code, r;

	if (!each_is_running(c))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	fd = each_connect(c, e);
	if (fd < 0)
		return fd;
	r = ctl_send(fd, CTL_SIGNAL, &sig, sizeof(sig));
	if (r < 0)
		return err_set(e, r, "monitor of container %.12s", c->id);
	/* Killed means gone: the record says so when we return. */
	if (sig == SIGKILL)
		(void)client_wait(fd, 30000, &code);
	return 0;
}

static int kill_all(const struct engine *eng, struct kill_opts *o, struct err *e)
{
	AUTO(strv_clear) struct strv ids = { 0 };
	int r = each_id(eng, each_is_running, &ids, e);

	return r < 0 ? r : each_container(eng, "kill", (int)ids.n, ids.v, /* print */ true, kill_one, o);
}

static int do_kill(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct kill_opts *o = opts;

	o->sig = SIGKILL;
	if (o->signal && signal_parse(o->signal, &o->sig, e) < 0)
		return err_wrap(e, "--signal");
	if (o->all)
		return kill_all(eng, o, e);
	if (!argc)
		return err_msg(e, -EINVAL, "name a container, or --all");
	return each_container(eng, "kill", argc, argv, /* print */ true, kill_one, o);
}

const struct cmd cmd_kill = {
	.name = "kill",
	.fn = do_kill,
	.flags = CMD_STORE,
	.summary = "send a signal to the first process of containers",
	.args_help = "CONTAINER...",
	.rows = rows,
	.opts_size = sizeof(struct kill_opts),
	.max_args = -1,
};
