/* SPDX-License-Identifier: Apache-2.0
 *
 * tag - give an image more names
 */
#include "common/err.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

static int tag_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(store_close) struct store *st = NULL;
	AUTO(image_free) struct image *img = NULL;
	int r = engine_store(eng, &st, e);

	(void)opts;
	if (!r)
		r = image_get(st, argv[0], &img, e);
	for (int i = 1; !r && i < argc; i++)
		r = image_tag(st, img, argv[i], e);
	return r;
}

const struct cmd cmd_tag = {
	.name = "tag",
	.fn = tag_main,
	.flags = CMD_STORE,
	.summary = "give an image more names",
	.args_help = "IMAGE NAME [NAME...]",
	.min_args = 2,
	.max_args = -1,
};
