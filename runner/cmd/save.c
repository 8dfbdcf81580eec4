/* SPDX-License-Identifier: Apache-2.0
 *
 * save - write images to an archive
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

struct save_opts {
	const char *output;
	const char *format;
	bool quiet;
};

static const struct opt rows[] = {
	OPT_STR('o', "output", struct save_opts, output, "FILE", "instead of standard output"),
	OPT_STR(0, "format", struct save_opts, format, "FORMAT",
		"docker-archive or oci-archive: one archive is both"),
	OPT_BOOL('q', "quiet", struct save_opts, quiet, "say nothing (nothing is said anyway)"),
	OPT_END,
};

static int save_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct save_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	auto_close int file = -1;

	if (o->format && !str_eq(o->format, "docker-archive") && !str_eq(o->format, "oci-archive"))
		return err_msg(e, -EINVAL, "--format %s: must be docker-archive or oci-archive",
			       o->format);
	if (!o->output && isatty(STDOUT_FILENO))
		return err_msg(e, -EINVAL, "standard output is a terminal: name a file with "
			       "--output");
	int r = engine_store(eng, &st, e);
	if (r)
		return r;
	if (o->output) {
		file = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (file < 0)
			return err_set(e, -errno, "write '%s'", o->output);
	}
	r = image_save(st, argv, (size_t)argc, file >= 0 ? file : STDOUT_FILENO, e);
	if (r && o->output)
		(void)unlink(o->output);
	return r;
}

const struct cmd cmd_save = {
	.name = "save",
	.fn = save_main,
	.flags = CMD_STORE,
	.summary = "write images to an archive",
	.args_help = "IMAGE [IMAGE...]",
	.rows = rows,
	.opts_size = sizeof(struct save_opts),
	.min_args = 1,
	.max_args = -1,
};
