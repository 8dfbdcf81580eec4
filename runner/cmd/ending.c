/* SPDX-License-Identifier: Apache-2.0
 *
 * ending - containers that are told to end, all of them before one is waited for
 */
#include "runner/cmd/ending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "runner/cmd/each.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"

#define AFTER_KILL_MS 30000

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A closed connection means that the monitor is gone, and so is all. */
static bool is_gone(int r)
{
	return r == -EPIPE || r == -ECONNRESET;
}

size_t ending_find(const struct engine *eng, char *const *words, size_t n, bool ignore,
		   struct ending *ret)
{
	size_t i;

	for (i = 0; i < n && i < ENDING_BATCH; i++) {
		ret[i] = (struct ending){ .word = words[i], .fd = -1, .ignore = ignore };
		ret[i].r = container_find(eng, words[i], &ret[i].c, &ret[i].e);
	}
	return i;
}

void ending_tell(struct ending *v, bool remove, int sig)
{
	int32_t first;
	int r = 0;

	if (!each_is_running(v->c))
		return;
	first = sig ? sig : v->c->config.stop_signal ? v->c->config.stop_signal : SIGTERM;
	v->fd = each_connect(v->c, &v->e);
	if (v->fd < 0) {
		v->r = v->fd == -ESRCH ? 0 : v->fd;
		return;
	}
	v->told = now_ms();
	if (remove)
		r = ctl_send(v->fd, CTL_REMOVE, NULL, 0);
	if (r == 0)
		r = ctl_send(v->fd, CTL_SIGNAL, &first, sizeof(first));
	if (r < 0 && !is_gone(r))
		v->r = err_set(&v->e, r, "monitor of container %.12s", v->c->id);
}

void ending_wait(struct ending *v, int timeout)
{
	int32_t last = SIGKILL;
	int64_t left;
	int code, r;

	if (v->r < 0 || v->fd < 0)
		return;
	left = v->told - now_ms() + (int64_t)(timeout < 0 ? v->c->config.stop_timeout : timeout) * 1000;
	r = client_wait(v->fd, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left, &code);
	if (r == 0) {
		(void)ctl_send(v->fd, CTL_SIGNAL, &last, sizeof(last));
		r = client_wait(v->fd, AFTER_KILL_MS, &code);
	}
	if (r == 0)
		v->r = err_msg(&v->e, -ETIMEDOUT, "container %.12s does not end, not even by SIGKILL",
			       v->c->id);
	else if (r < 0 && !is_gone(r))
		v->r = err_set(&v->e, r, "monitor of container %.12s", v->c->id);
}

int ending_close(struct ending *v, const char *cmd)
{
	bool passed = v->r == -ENOENT && v->ignore && !v->c;

	if (v->r < 0 && !passed)
		log_error("%s: %s", cmd, v->e.msg);
	else if (!passed)
		puts(v->word);
	if (v->fd >= 0)
		close(v->fd);
	container_free(v->c);
	return passed ? 0 : v->r;
}
