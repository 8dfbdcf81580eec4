/* SPDX-License-Identifier: Apache-2.0
 *
 * attach - stay with a running container
 */
#include <errno.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/attach_common.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"

struct attach_opts {
	const char *detach_keys;
	bool no_stdin;
	bool sig_proxy;
};

static const struct opt rows[] = {
	OPT_STR(0, "detach-keys", struct attach_opts, detach_keys, "KEYS",
		"keys that leave it running (ctrl-p,ctrl-q)"),
	OPT_BOOL(0, "no-stdin", struct attach_opts, no_stdin, "output only"),
	OPT_BOOL(0, "sig-proxy", struct attach_opts, sig_proxy, "relay signals (default true)"),
	OPT_END,
};

static void init(void *opts)
{
	((struct attach_opts *)opts)->sig_proxy = true;
}

static int attach(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct attach_opts *o = opts;
	AUTO(container_free) struct container *c = NULL;
	auto_close int fd = -1;
	int r = container_find(eng, argv[0], &c, e);

	(void)argc;
	if (r < 0)
		return r;
	if (!each_is_running(c))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	fd = each_connect(c, e);
	if (fd < 0)
		return fd;
	r = ctl_send(fd, CTL_ATTACH, NULL, 0);
	if (r < 0)
		return err_set(e, r, "monitor of container %.12s", c->id);
	return attach_relay(c, fd, !o->no_stdin && c->config.open_stdin, o->sig_proxy, o->detach_keys, e);
}

const struct cmd cmd_attach = {
	.name = "attach",
	.fn = attach,
	.init = init,
	.flags = CMD_STORE,
	.summary = "stay with a running container: its output, stdin and signals",
	.args_help = "CONTAINER",
	.rows = rows,
	.opts_size = sizeof(struct attach_opts),
	.min_args = 1,
	.max_args = 1,
};
