/* SPDX-License-Identifier: Apache-2.0
 *
 * logout - forget a registry's credentials
 */
#include <errno.h>
#include <stdio.h>

#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/image/auth.h"

struct logout_opts {
	const char *authfile;
	bool all;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct logout_opts, all, "every registry's"),
	OPT_STR(0, "authfile", struct logout_opts, authfile, "FILE", "instead of the usual file"),
	OPT_END,
};

static int logout_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct logout_opts *o = opts;
	const char *domain = o->all ? NULL : argc ? auth_domain(argv[0]) : "docker.io";

	(void)eng;
	if (o->all && argc)
		return err_msg(e, -EINVAL, "name a registry, or --all, and not both");
	int r = domain ? auth_save(o->authfile, domain, NULL, NULL, e)
		       : auth_remove_all(o->authfile, e);
	if (!r)
		printf("Removed login credentials for %s\n", domain ? domain : "all registries");
	return r;
}

const struct cmd cmd_logout = {
	.name = "logout",
	.fn = logout_main,
	.summary = "forget a registry's credentials",
	.args_help = "[REGISTRY]",
	.rows = rows,
	.opts_size = sizeof(struct logout_opts),
	.min_args = 0,
	.max_args = 1,
};
