/* SPDX-License-Identifier: Apache-2.0
 *
 * rm - remove containers
 */
#include <errno.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/start.h"
#include "runner/image/store.h"

struct rm_opts {
	bool all;
	bool force;
	bool ignore;
	bool volumes;
	int time;
	struct store *store;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct rm_opts, all, "all containers"),
	OPT_BOOL('f', "force", struct rm_opts, force, "kill running ones first; a missing one is no failure"),
	OPT_BOOL('i', "ignore", struct rm_opts, ignore, "a missing container is no failure"),
	OPT_INT('t', "time", struct rm_opts, time, "SECONDS", "with --force: stop, and kill after so long (0)"),
	OPT_BOOL('v', "volumes", struct rm_opts, volumes, "anonymous volumes too (they always go)"),
	OPT_END,
};

static int rm_one(struct container *c, void *ctx, struct err *e)
{
	const struct rm_opts *o = ctx;
	int r = 0;

	if (each_is_running(c) && !o->force)
		return err_msg(e, -EBUSY, "container %.12s runs: stop it first, or use --force", c->id);
	r = each_stop(c, o->time, o->time ? 0 : 9, e);
	if (r == 0)
		r = container_lock(c, /* wait */ true, e);
	if (r < 0)
		return r;
	/* It may have gone by itself (--rm), or run again. */
	r = container_reload(c, e);
	if (r == -ENOENT) {
		(void)container_delete(c, NULL);
		r = 0;
	} else if (r == 0 && each_is_running(c)) {
		r = err_msg(e, -EBUSY, "container %.12s was started again meanwhile", c->id);
	} else if (r == 0 || r == -EBADMSG) {
		r = start_destroy(c, o->store, e);
	}
	container_unlock(c);
	return r;
}

static bool is_there(const struct engine *eng, const char *name)
{
	AUTO(container_free) struct container *c = NULL;

	return container_find(eng, name, &c, NULL) != -ENOENT;
}

static int rm(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(store_close) struct store *st = NULL;
	struct rm_opts *o = opts;
	int r, n = 0;

	if (!o->all && !argc)
		return err_msg(e, -EINVAL, "name a container, or --all");
	if (o->time < 0)
		return err_msg(e, -EINVAL, "--time %d: below 0", o->time);
	r = engine_store(eng, &st, e);
	if (r < 0)
		return r;
	o->store = st;
	start_repair(eng, st);
	if (o->all)
		return each_listed(eng, "rm", /* print */ true, NULL, rm_one, o);
	for (int i = 0; i < argc; i++)
		if (!(o->force || o->ignore) || is_there(eng, argv[i]))
			argv[n++] = argv[i];
	return each_container(eng, "rm", n, argv, /* print */ true, rm_one, o);
}

const struct cmd cmd_rm = {
	.name = "rm",
	.fn = rm,
	.flags = CMD_USERNS,
	.summary = "remove containers",
	.args_help = "CONTAINER...",
	.rows = rows,
	.opts_size = sizeof(struct rm_opts),
	.max_args = -1,
};
