/* SPDX-License-Identifier: Apache-2.0
 *
 * wait - until containers end, and print their exit codes
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"

static int wait_one(struct container *c, void *ctx, struct err *e)
{
	auto_close int fd = -1;
	int code = c->state.exit_code, r;

	(void)ctx;
	if (c->state.status == CONTAINER_CREATED)
		return err_msg(e, -EINVAL, "container %.12s was never started", c->id);
	if (each_is_running(c)) {
		fd = container_connect(c);
		r = fd < 0 ? fd : client_wait(fd, -1, &code);
		/* Ended between two looks: the record knows. */
		if (r < 0) {
			r = container_reload(c, e);
			if (r < 0)
				return r;
			code = c->state.exit_code;
		}
	}
	printf("%d\n", code);
	return 0;
}

static int do_wait(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	(void)opts;
	(void)e;
	return each_container(eng, "wait", argc, argv, /* print */ false, wait_one, NULL);
}

const struct cmd cmd_wait = {
	.name = "wait",
	.fn = do_wait,
	.flags = CMD_STORE,
	.summary = "wait until containers end, and print their exit codes",
	.args_help = "CONTAINER...",
	.min_args = 1,
	.max_args = -1,
};
