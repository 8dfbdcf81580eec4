/* SPDX-License-Identifier: Apache-2.0
 *
 * start - start containers that exist
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/opt.h"
#include "runner/cmd/attach_common.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/start.h"

struct start_cmd_opts {
	bool attach;
	bool interactive;
	bool sig_proxy;
	const char *detach_keys;
	int code;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "attach", struct start_cmd_opts, attach, "stay with it: output and signals"),
	OPT_STR(0, "detach-keys", struct start_cmd_opts, detach_keys, "KEYS",
		"keys that leave it running (ctrl-p,ctrl-q)"),
	OPT_BOOL('i', "interactive", struct start_cmd_opts, interactive, "connect stdin; implies --attach"),
	OPT_BOOL(0, "sig-proxy", struct start_cmd_opts, sig_proxy, "relay signals (default true)"),
	OPT_END,
};

static void init(void *opts)
{
	((struct start_cmd_opts *)opts)->sig_proxy = true;
}

/* Locked, and in a state from which it may start. */
static int claim(struct container *c, struct err *e)
{
	int r = container_lock(c, /* wait */ true, e);

	if (r == 0)
		r = container_reload(c, e);
	return r;
}

static int start_one(struct container *c, void *ctx, struct err *e)
{
	struct start_cmd_opts *o = ctx;
	struct start_opts so = { .attach = o->attach };
	auto_close int fd = -1;
	int r = claim(c, e);

	if (r == 0 && each_is_running(c)) {
		container_unlock(c);
		if (!o->attach)
			return 0;
		return err_msg(e, -EALREADY, "container %.12s runs already: use attach", c->id);
	}
	if (r == 0) {
		attach_size(c, &so);
		r = start_container(c, &so, &fd, &o->code, e);
	}
	container_unlock(c);
	if (r < 0)
		return r;
	if (o->attach) {
		r = attach_relay(c, fd, o->interactive && c->config.open_stdin, o->sig_proxy,
				 o->detach_keys, e);
		o->code = r < 0 ? CMD_EXIT_ENGINE : r;
		return r < 0 ? r : 0;
	}
	o->code = 0;
	return 0;
}

static int start(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct start_cmd_opts *o = opts;
	int r;

	o->attach = o->attach || o->interactive;
	if (o->attach && argc > 1)
		return err_msg(e, -EINVAL, "--attach takes one container");
	r = each_container(eng, "start", argc, argv, /* print */ !o->attach, start_one, o);
	return argc == 1 && o->code ? o->code : r;
}

const struct cmd cmd_start = {
	.name = "start",
	.fn = start,
	.init = init,
	.flags = CMD_USERNS,
	.summary = "start containers that exist",
	.args_help = "CONTAINER...",
	.rows = rows,
	.opts_size = sizeof(struct start_cmd_opts),
	.min_args = 1,
	.max_args = -1,
};
