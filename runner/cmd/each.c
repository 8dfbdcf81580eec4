/* SPDX-License-Identifier: Apache-2.0
 *
 * each - several containers, one after the other or side by side
 */
#include "runner/cmd/each.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"

#define AFTER_KILL_MS 30000

int each_container(const struct engine *eng, const char *cmd, int argc, char **argv, bool print,
		   int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx)
{
	int code = 0;

	for (int i = 0; i < argc; i++) {
		AUTO(container_free) struct container *c = NULL;
		struct err e = { 0 };
		int r = container_find(eng, argv[i], &c, &e);

		if (r == 0)
			r = fn(c, ctx, &e);
		if (r < 0) {
			log_error("%s: %s", cmd, e.msg);
			code = CMD_EXIT_ENGINE;
		} else if (print) {
			puts(argv[i]);
		}
	}
	return code;
}

int each_present(const struct engine *eng, int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		AUTO(container_free) struct container *c = NULL;

		if (container_find(eng, argv[i], &c, NULL) != -ENOENT)
			argv[n++] = argv[i];
	}
	return n;
}

int each_listed(const struct engine *eng, const char *cmd, bool print,
		bool (*pick)(const struct container *c),
		int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx)
{
	struct container **list;
	struct err e = { 0 };
	int code = 0, n = container_list(eng, &list, &e);

	if (n < 0) {
		log_error("%s: %s", cmd, e.msg);
		return CMD_EXIT_ENGINE;
	}
	for (int i = 0; i < n; i++) {
		struct container *c = list[i];

		e = (struct err){ 0 };
		if (pick && !pick(c)) {
			container_free(c);
			continue;
		}
		if (fn(c, ctx, &e) < 0) {
			log_error("%s: %s", cmd, e.msg);
			code = CMD_EXIT_ENGINE;
		} else if (print) {
			puts(c->id);
		}
		container_free(c);
	}
	free(list);
	return code;
}

bool each_is_running(const struct container *c)
{
	return c->state.status == CONTAINER_RUNNING;
}

int each_connect(struct container *c, struct err *e)
{
	struct err why = { 0 };
	int r, fd = container_connect(c);

	if (fd >= 0)
		return fd;
	/* It may have ended since we read the record. */
	r = container_reload(c, &why);
	if (r == -ENOENT || (r == 0 && !each_is_running(c)))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	return err_set(e, fd, "monitor of container %.12s", c->id);
}

int each_end(const struct container *c, int fd, int timeout, struct err *e)
{
	int32_t last = SIGKILL;
	int code, r;

	if (timeout < 0)
		timeout = c->config.stop_timeout;
	r = client_wait(fd, timeout > INT32_MAX / 1000 ? INT32_MAX : timeout * 1000, &code);
	if (r == 0) {
		(void)ctl_send(fd, CTL_SIGNAL, &last, sizeof(last));
		r = client_wait(fd, AFTER_KILL_MS, &code);
	}
	if (r == 0)
		return err_msg(e, -ETIMEDOUT, "container %.12s does not end, not even by SIGKILL", c->id);
	/* A closed connection means that the monitor is gone, and so is all. */
	return r < 0 && r != -EPIPE && r != -ECONNRESET ?
		       err_set(e, r, "monitor of container %.12s", c->id) :
		       0;
}

int each_stop(struct container *c, int timeout, int sig, struct err *e)
{
	int32_t first = sig ? sig : c->config.stop_signal ? c->config.stop_signal : SIGTERM;
	auto_close int fd = -1;
	int r;

	if (!each_is_running(c))
		return 0;
	fd = each_connect(c, e);
	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	r = ctl_send(fd, CTL_SIGNAL, &first, sizeof(first));
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_set(e, r, "monitor of container %.12s", c->id);
	return each_end(c, fd, timeout, e);
}
