/* SPDX-License-Identifier: Apache-2.0
 *
 * pull - fetch images from their registries
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/err.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/image_opts.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

struct pull_opts {
	struct registry_opts registry;
	struct platform_opts platform;
	bool quiet;
};

static const struct opt rows[] = {
	OPT_BOOL('q', "quiet", struct pull_opts, quiet, "print nothing but the id"),
	PLATFORM_ROWS(struct pull_opts, platform),
	REGISTRY_ROWS(struct pull_opts, registry),
	OPT_END,
};

static void pull_init(void *opts)
{
	struct pull_opts *o = opts;

	registry_opts_init(&o->registry);
}

static int pull_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct pull_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	struct layer_mode mode;
	struct image_pull_opts how = {
		.progress = { .fd = STDERR_FILENO, .tty = isatty(STDERR_FILENO), .quiet = o->quiet },
		.mode = &mode,
	};
	int r = platform_opts_check(&o->platform, e);

	if (!r)
		r = engine_store(eng, &st, e);
	if (r)
		return r;
	engine_layer_mode(eng, &mode);
	platform_opts_apply(&o->platform, &how.os, &how.arch, &how.variant);
	registry_opts_apply(&o->registry, &how);
	for (int i = 0; i < argc; i++) {
		AUTO(image_free) struct image *img = NULL;

		r = image_pull(st, argv[i], &how, &img, e);
		if (r)
			return r;
		printf("%s\n", image_id_hex(img));
	}
	return 0;
}

const struct cmd cmd_pull = {
	.name = "pull",
	.fn = pull_main,
	.init = pull_init,
	.flags = CMD_USERNS,
	.summary = "fetch images from a registry",
	.args_help = "IMAGE [IMAGE...]",
	.rows = rows,
	.opts_size = sizeof(struct pull_opts),
	.min_args = 1,
	.max_args = -1,
};
