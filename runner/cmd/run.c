/* SPDX-License-Identifier: Apache-2.0
 *
 * run - make a container, start it, stay with it
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "runner/cmd/attach_common.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/create_opts.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/recorded.h"
#include "runner/engine/rootless.h"
#include "runner/engine/start.h"
#include "runner/image/store.h"

#define EXIT_SIGPIPE 141

static int check(const struct create_opts *o, struct err *e)
{
	int r = create_opts_check(o, e);

	if (r == 0 && o->detach && o->detach_keys)
		r = err_msg(e, -EINVAL, "--detach-keys makes no sense with --detach");
	/* As Docker: a terminal asked for needs one to type at. */
	if (r == 0 && o->tty && o->interactive && !o->detach && !isatty(STDIN_FILENO))
		r = err_msg(e, -ENOTTY, "--tty: stdin is not a terminal");
	return r;
}

/* As Podman: with --rm nobody would ever hear of it again, so it is stopped.
 * Else it goes on, and writes its log. */
static int unread(struct container *c, const struct create_opts *o, struct err *e)
{
	int r;

	/* our own words may be for the same reader */
	(void)signal(SIGPIPE, SIG_IGN);
	log_error("run: %s; container %.12s %s", e->msg, c->id, o->rm ? "is stopped" : "goes on");
	if (!o->rm)
		return EXIT_SIGPIPE;
	r = container_reload(c, e);
	if (r == 0)
		r = each_stop(c, -1, 0, e);
	return r < 0 && r != -ENOENT ? r : EXIT_SIGPIPE;
}

static int run(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct create_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	AUTO(container_free) struct container *c = NULL;
	struct start_opts so = { .attach = !o->detach, .fresh = true, .eng = eng };
	auto_close int fd = -1;
	int code, r = check(o, e);

	o->starts = true;
	if (r == 0)
		r = engine_store(eng, &st, e);
	if (r == 0)
		r = create_container(eng, st, o, argc, argv, &c, e);
	if (r < 0)
		return r;
	r = rootless_join(eng, e);
	if (r == 0)
		r = container_reopen(c, e);
	if (r < 0) {
		(void)start_destroy(c, st, NULL);
		return r;
	}
	if (eng->ids == ENGINE_IDS_ONE && isatty(STDERR_FILENO))
		log_warn("ids: only your own exists in the container%s; \"uidmap plan\" says what would "
			 "give more",
			 recorded_mode(c) && recorded_offered() ?
				 ", others are recorded and shown but keep nothing apart" :
				 ", and owns every file");
	so.store = st;
	attach_size(c, &so);
	r = start_container(c, &so, &fd, &code, e);
	if (r < 0) {
		/* It names a container that is gone again. */
		if (o->cidfile)
			(void)unlink(o->cidfile);
		log_error("run: %s", e->msg);
		return code;
	}
	if (o->detach) {
		printf("%s\n", c->id);
		return 0;
	}
	r = attach_relay(c, fd, o->interactive, o->sig_proxy, o->detach_keys, e);
	if (r != -EPIPE)
		return r;
	/* or what is on its way to us would be waited for */
	close(take_fd(&fd));
	return unread(c, o, e);
}

const struct cmd cmd_run = {
	.name = "run",
	.fn = run,
	.init = create_opts_init,
	.clear = create_opts_clear,
	.flags = CMD_USERNS_SOON,
	.summary = "make a container from an image and run a program in it",
	.args_help = "IMAGE [COMMAND [ARGUMENTS]]",
	.rows = create_rows,
	.opts_size = sizeof(struct create_opts),
	.min_args = 1,
	.max_args = -1,
	.stop_at_operand = 1,
};
