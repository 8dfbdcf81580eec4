/* SPDX-License-Identifier: Apache-2.0
 *
 * each - several containers, one after the other or side by side
 */
#include "runner/cmd/each.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/ending.h"
#include "runner/engine/container.h"

#define DYING_MS 5000

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

int each_id(const struct engine *eng, bool (*pick)(const struct container *c), struct strv *ret,
	    struct err *e)
{
	struct container **list;
	int r = 0, n = container_list(eng, &list, e);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (r == 0 && (!pick || pick(list[i])))
			r = strv_add(ret, list[i]->id);
		container_free(list[i]);
	}
	free(list);
	return r < 0 ? err_set(e, r, "containers") : 0;
}

int each_removal_code(int code, int r)
{
	int now = r == -ENOENT ? CMD_EXIT_MISSING : r == -EBUSY ? CMD_EXIT_BUSY : CMD_EXIT_ENGINE;

	return r < 0 && now > code ? now : code;
}

bool each_is_running(const struct container *c)
{
	return c->state.status == CONTAINER_RUNNING;
}

/* A process that is killed closes its sockets first, and is alive a moment longer. */
static void await_end(const struct container *c)
{
	auto_close int pidfd = proc_pidfd_open(c->state.monitor_pid, (uint64_t)c->state.monitor_start);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0)
		(void)poll(&p, 1, DYING_MS);
}

int each_connect(struct container *c, struct err *e)
{
	struct err why = { 0 };
	int r, fd = container_connect(c);

	if (fd >= 0)
		return fd;
	if (fd == -ECONNREFUSED)
		await_end(c);
	/* It may have ended since we read the record. */
	r = container_reload(c, &why);
	if (r == -ENOENT || (r == 0 && !each_is_running(c)))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	return err_set(e, fd, "monitor of container %.12s", c->id);
}

int each_stop(struct container *c, int timeout, int sig, struct err *e)
{
	struct ending v = { .c = c, .fd = -1 };

	ending_tell(&v, /* remove */ false, sig);
	ending_wait(&v, timeout);
	if (v.fd >= 0)
		close(v.fd);
	if (v.r < 0 && e)
		*e = v.e;
	return v.r;
}
