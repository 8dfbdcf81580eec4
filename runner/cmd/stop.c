/* SPDX-License-Identifier: Apache-2.0
 *
 * stop - ask containers to end, and kill those that do not
 */
#include <errno.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/cmd/ending.h"
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

static int stop_these(const struct engine *eng, const struct stop_opts *o, size_t n, char **words)
{
	struct ending v[ENDING_BATCH];
	size_t some;
	int code = 0;

	for (size_t done = 0; done < n; done += some) {
		some = ending_find(eng, words + done, n - done, o->all || o->ignore, v);
		for (size_t i = 0; i < some; i++)
			if (v[i].r == 0)
				ending_tell(&v[i], /* remove */ false, o->sig);
		for (size_t i = 0; i < some; i++) {
			ending_wait(&v[i], o->time);
			if (ending_close(&v[i], "stop") < 0)
				code = CMD_EXIT_ENGINE;
		}
	}
	return code;
}

static int stop(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct stop_opts *o = opts;

	if (o->signal && signal_parse(o->signal, &o->sig, e) < 0)
		return err_wrap(e, "--signal");
	if (o->time < -1)
		return err_msg(e, -EINVAL, "--time %d: below -1", o->time);
	if (o->all) {
		AUTO(strv_clear) struct strv ids = { 0 };
		int r = each_id(eng, each_is_running, &ids, e);

		return r < 0 ? r : stop_these(eng, o, ids.n, ids.v);
	}
	if (!argc)
		return err_msg(e, -EINVAL, "name a container, or --all");
	return stop_these(eng, o, (size_t)argc, argv);
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
