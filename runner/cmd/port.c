/* SPDX-License-Identifier: Apache-2.0
 *
 * port - published ports of a container
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/container.h"

/* "0.0.0.0:8080->80/tcp" is shown as "80/tcp -> 0.0.0.0:8080". */
static int port(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(container_free) struct container *c = NULL;
	auto_free char *want = NULL;
	bool found = false;
	int r = container_find(eng, argv[0], &c, e);

	(void)opts;
	if (r < 0)
		return r;
	if (argc > 1)
		want = strchr(argv[1], '/') ? xstrdup(argv[1]) : xasprintf("%s/tcp", argv[1]);
	for (size_t i = 0; i < c->state.ports.n; i++) {
		const char *p = c->state.ports.v[i];
		const char *arrow = strstr(p, "->");

		if (!arrow || (want && !str_eq(arrow + 2, want)))
			continue;
		found = true;
		if (want)
			printf("%.*s\n", (int)(arrow - p), p);
		else
			printf("%s -> %.*s\n", arrow + 2, (int)(arrow - p), p);
	}
	if (want && !found)
		return err_msg(e, -ENOENT, "container %.12s publishes no port %s", c->id, want);
	return 0;
}

const struct cmd cmd_port = {
	.name = "port",
	.fn = port,
	.flags = CMD_STORE,
	.summary = "show the published ports of a container",
	.args_help = "CONTAINER [PORT[/PROTO]]",
	.min_args = 1,
	.max_args = 2,
};
