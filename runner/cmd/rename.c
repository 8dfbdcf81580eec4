/* SPDX-License-Identifier: Apache-2.0
 *
 * rename - give a container another name
 */
#include "common/cleanup.h"
#include "common/err.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/container.h"

static int do_rename(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(container_free) struct container *c = NULL;
	int r = container_find(eng, argv[0], &c, e);

	(void)opts;
	(void)argc;
	if (r == 0)
		r = container_lock(c, /* wait */ true, e);
	if (r == 0)
		r = container_reload(c, e);
	if (r == 0)
		r = container_rename(c, argv[1], e);
	return r;
}

const struct cmd cmd_rename = {
	.name = "rename",
	.fn = do_rename,
	.flags = CMD_STORE,
	.summary = "give a container another name",
	.args_help = "CONTAINER NAME",
	.min_args = 2,
	.max_args = 2,
};
