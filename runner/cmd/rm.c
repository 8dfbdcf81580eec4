/* SPDX-License-Identifier: Apache-2.0
 *
 * rm - remove containers
 *
 * Running ones are all told to end first and then waited for, so that a
 * hundred take hardly longer than one.
 */
#include <errno.h>
#include <signal.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/cmd/ending.h"
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

/* The monitor of a running container does the work, beside those of others. */
static void begin(const struct rm_opts *o, struct ending *v)
{
	if (each_is_running(v->c) && !o->force)
		v->r = err_msg(&v->e, -EBUSY, "container %.12s runs: stop it first, or use --force",
			       v->c->id);
	else
		ending_tell(v, /* remove */ true, o->time ? 0 : SIGKILL);
}

static int remove_stopped(struct container *c, struct store *store, struct err *e)
{
	int r = container_lock(c, /* wait */ true, e);

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
		r = start_destroy(c, store, e);
	}
	container_unlock(c);
	return r;
}

static void end(const struct rm_opts *o, struct ending *v)
{
	ending_wait(v, o->time ? o->time : -1);
	/* Whatever a killed monitor did not do is done here. */
	if (v->r == 0 && container_exists(v->c->eng, v->c->id))
		v->r = remove_stopped(v->c, o->store, &v->e);
}

/* Return: exit code; @code is that of the batches before */
static int remove_batch(const struct rm_opts *o, struct ending *v, size_t n, int code)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].r == 0)
			begin(o, &v[i]);
	for (size_t i = 0; i < n; i++) {
		if (v[i].r == 0)
			end(o, &v[i]);
		code = each_removal_code(code, ending_close(&v[i], "rm"));
	}
	return code;
}

static int remove_named(const struct engine *eng, const struct rm_opts *o, size_t n, char **words)
{
	struct ending v[ENDING_BATCH];
	size_t some;
	int code = 0;

	for (size_t done = 0; done < n; done += some) {
		some = ending_find(eng, words + done, n - done, o->all || o->force || o->ignore, v);
		code = remove_batch(o, v, some, code);
	}
	return code;
}

static int rm(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(store_close) struct store *st = NULL;
	struct rm_opts *o = opts;
	int r;

	if (!o->all && !argc)
		return err_msg(e, -EINVAL, "name a container, or --all");
	if (o->time < 0)
		return err_msg(e, -EINVAL, "--time %d: below 0", o->time);
	r = engine_store(eng, &st, e);
	if (r < 0)
		return r;
	o->store = st;
	start_repair(eng, st);
	if (o->all) {
		AUTO(strv_clear) struct strv ids = { 0 };

		r = each_id(eng, NULL, &ids, e);
		return r < 0 ? r : remove_named(eng, o, ids.n, ids.v);
	}
	return remove_named(eng, o, (size_t)argc, argv);
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
