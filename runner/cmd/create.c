/* SPDX-License-Identifier: Apache-2.0
 *
 * create - make a container without starting it
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/create_opts.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/start.h"
#include "runner/image/store.h"

static int create(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct create_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	AUTO(container_free) struct container *c = NULL;
	int r = create_opts_check(o, e);

	if (r == 0 && (o->detach || o->detach_keys || !o->sig_proxy))
		r = err_msg(e, -EINVAL, "%s: create starts nothing",
			    o->detach	   ? "--detach" :
			    o->detach_keys ? "--detach-keys" :
					     "--sig-proxy");
	if (r == 0)
		r = engine_store(eng, &st, e);
	if (r == 0)
		r = create_container(eng, st, o, argc, argv, &c, e);
	if (r < 0)
		return r;
	r = container_save(c, e);
	if (r < 0)
		(void)start_destroy(c, st, NULL);
	container_unlock(c);
	if (r < 0)
		return r;
	puts(c->id);
	return 0;
}

const struct cmd cmd_create = {
	.name = "create",
	.fn = create,
	.init = create_opts_init,
	.clear = create_opts_clear,
	.flags = CMD_USERNS,
	.summary = "make a container from an image without starting it",
	.args_help = "IMAGE [COMMAND [ARGUMENTS]]",
	.rows = create_rows,
	.opts_size = sizeof(struct create_opts),
	.min_args = 1,
	.max_args = -1,
	.stop_at_operand = 1,
};
