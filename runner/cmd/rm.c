/* SPDX-License-Identifier: Apache-2.0
 *
 * rm - remove containers
 *
 * Running ones are all told to end first and then waited for, so that a
 * hundred take hardly longer than one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"
#include "runner/engine/engine.h"
#include "runner/engine/start.h"
#include "runner/image/store.h"

/* Connections held open at a time. */
#define BATCH 128

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

/**
 * struct victim - a container on its way out
 * @c:		it, NULL when it was not found
 * @word:	how to name it on stdout
 * @fd:		connection to its monitor, which was told to remove it, or -1
 * @r:		0 or what went wrong, told in @e
 */
struct victim {
	struct container *c;
	const char *word;
	int fd;
	int r;
	struct err e;
};

static int tell_monitor(const struct victim *v, int sig)
{
	int r = ctl_send(v->fd, CTL_REMOVE, NULL, 0);

	return r < 0 ? r : ctl_send(v->fd, CTL_SIGNAL, &sig, sizeof(sig));
}

/* The monitor of a running container does the work, beside those of others. */
static void begin(const struct rm_opts *o, struct victim *v)
{
	const struct container *c = v->c;
	int32_t sig = !o->time ? SIGKILL : c->config.stop_signal ? c->config.stop_signal : SIGTERM;

	if (!each_is_running(c))
		return;
	if (!o->force) {
		v->r = err_msg(&v->e, -EBUSY, "container %.12s runs: stop it first, or use --force",
			       c->id);
		return;
	}
	v->fd = each_connect(v->c, &v->e);
	if (v->fd >= 0) {
		v->r = tell_monitor(v, sig);
		if (v->r == -EPIPE || v->r == -ECONNRESET)
			v->r = 0;
		if (v->r < 0)
			(void)err_set(&v->e, v->r, "monitor of container %.12s", c->id);
	} else if (v->fd != -ESRCH) {
		v->r = v->fd;
	}
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

static void end(const struct rm_opts *o, struct victim *v)
{
	if (v->r == 0 && v->fd >= 0)
		v->r = each_end(v->c, v->fd, o->time ? o->time : -1, &v->e);
	/* Whatever a killed monitor did not do is done here. */
	if (v->r == 0 && container_exists(v->c->eng, v->c->id))
		v->r = remove_stopped(v->c, o->store, &v->e);
}

static int remove_batch(const struct rm_opts *o, struct victim *v, size_t n)
{
	int code = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].r == 0)
			begin(o, &v[i]);
	for (size_t i = 0; i < n; i++) {
		if (v[i].r == 0)
			end(o, &v[i]);
		if (v[i].r < 0) {
			log_error("rm: %s", v[i].e.msg);
			code = CMD_EXIT_ENGINE;
		} else {
			puts(v[i].word);
		}
		if (v[i].fd >= 0)
			close(v[i].fd);
		container_free(v[i].c);
	}
	return code;
}

static int remove_named(const struct engine *eng, const struct rm_opts *o, int argc, char **argv)
{
	int code = 0;

	for (int done = 0; done < argc;) {
		struct victim v[BATCH];
		size_t n = 0;

		for (; n < BATCH && done < argc; n++, done++) {
			v[n] = (struct victim){ .word = argv[done], .fd = -1 };
			v[n].r = container_find(eng, argv[done], &v[n].c, &v[n].e);
		}
		if (remove_batch(o, v, n))
			code = CMD_EXIT_ENGINE;
	}
	return code;
}

static int remove_all(const struct engine *eng, const struct rm_opts *o, struct err *e)
{
	struct container **list;
	int code = 0, count = container_list(eng, &list, e);

	if (count < 0)
		return count;
	for (int done = 0; done < count;) {
		struct victim v[BATCH];
		char words[BATCH][CONTAINER_ID_LEN + 1];
		size_t n = 0;

		for (; n < BATCH && done < count; n++, done++) {
			memcpy(words[n], list[done]->id, sizeof(words[n]));
			v[n] = (struct victim){ .c = list[done], .word = words[n], .fd = -1 };
		}
		if (remove_batch(o, v, n))
			code = CMD_EXIT_ENGINE;
	}
	free(list);
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
	if (o->all)
		return remove_all(eng, o, e);
	if (o->force || o->ignore)
		argc = each_present(eng, argc, argv);
	return remove_named(eng, o, argc, argv);
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
