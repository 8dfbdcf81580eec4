/* SPDX-License-Identifier: Apache-2.0
 *
 * load - take images out of an archive or folder
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

struct load_opts {
	const char *input;
	struct platform_opts platform;
	bool quiet;
};

static const struct opt rows[] = {
	OPT_STR('i', "input", struct load_opts, input, "PATH",
		"archive or OCI layout folder (standard input)"),
	OPT_BOOL('q', "quiet", struct load_opts, quiet, "no progress"),
	PLATFORM_ROWS(struct load_opts, platform),
	OPT_END,
};

static void show(const struct image *img)
{
	for (size_t i = 0; i < img->names.n; i++)
		printf("Loaded image: %s\n", img->names.v[i]);
	if (!img->names.n)
		printf("Loaded image ID: %s\n", img->id);
}

static int load_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct load_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	AUTO(image_list_free) struct image **list = NULL;
	struct layer_mode mode;
	struct image_load_opts how = {
		.progress = { .fd = STDERR_FILENO, .tty = isatty(STDERR_FILENO), .quiet = o->quiet },
		.mode = &mode,
	};

	(void)argc;
	(void)argv;
	if (!o->input && isatty(STDIN_FILENO))
		return err_msg(e, -EINVAL, "standard input is a terminal: name an archive with "
			       "--input");
	int r = platform_opts_check(&o->platform, e);
	if (!r)
		r = engine_store(eng, &st, e);
	if (r)
		return r;
	engine_layer_mode(eng, &mode);
	platform_opts_apply(&o->platform, &how.os, &how.arch, &how.variant);
	r = image_load(st, o->input, STDIN_FILENO, &how, &list, e);
	for (int i = 0; i < r; i++)
		show(list[i]);
	return r < 0 ? r : 0;
}

const struct cmd cmd_load = {
	.name = "load",
	.fn = load_main,
	.flags = CMD_USERNS,
	.summary = "take images out of an archive or folder",
	.args_help = "",
	.rows = rows,
	.opts_size = sizeof(struct load_opts),
	.min_args = 0,
	.max_args = 0,
};
