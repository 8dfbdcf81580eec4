/* SPDX-License-Identifier: Apache-2.0
 *
 * rmi - remove images
 */
#include <errno.h>
#include <stdio.h>

#include "common/err.h"
#include "common/log.h"
#include "common/opt.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

struct rmi_opts {
	bool all;
	bool force;
	bool ignore;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct rmi_opts, all, "every image"),
	OPT_BOOL('f', "force", struct rmi_opts, force,
		 "also when it has several names or a container uses it"),
	OPT_BOOL('i', "ignore", struct rmi_opts, ignore, "an image that is not here is no error"),
	OPT_END,
};

static int remove_one(struct store *st, const char *name, const struct rmi_opts *o)
{
	AUTO(image_rm_result_clear) struct image_rm_result res = { 0 };
	struct err e = { 0 };
	int r = image_remove(st, name, o->force, &res, &e);

	if (r == -ENOENT && (o->ignore || o->force))
		return 0;
	if (r) {
		log_error("rmi: %s", e.msg);
		return r;
	}
	for (size_t i = 0; i < res.untagged.n; i++)
		printf("Untagged: %s\n", res.untagged.v[i]);
	if (res.deleted[0])
		printf("Deleted: %s\n", res.deleted);
	return 0;
}

static int remove_all(struct store *st, const struct rmi_opts *o, struct err *e)
{
	AUTO(image_list_free) struct image **list = NULL;
	struct rmi_opts one = *o;
	int code = 0;
	int n = image_list(st, &list, e);

	/* whatever names an image has, it is to go */
	for (int i = 0; i < n; i++) {
		bool many = list[i]->names.n > 1;

		one.force = o->force;
		for (size_t k = 0; many && k + 1 < list[i]->names.n; k++)
			code = each_removal_code(code, remove_one(st, list[i]->names.v[k], &one));
		code = each_removal_code(code, remove_one(st, list[i]->id, &one));
	}
	return n < 0 ? n : code;
}

static int rmi_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct rmi_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	int code = 0;

	if (o->all == (argc > 0))
		return err_msg(e, -EINVAL, "name images, or --all, and not both");
	int r = engine_store(eng, &st, e);
	if (r)
		return r;
	if (o->all)
		return remove_all(st, o, e);
	for (int i = 0; i < argc; i++)
		code = each_removal_code(code, remove_one(st, argv[i], o));
	return code;
}

const struct cmd cmd_rmi = {
	.name = "rmi",
	.fn = rmi_main,
	.flags = CMD_USERNS,
	.summary = "remove images",
	.args_help = "IMAGE [IMAGE...]",
	.rows = rows,
	.opts_size = sizeof(struct rmi_opts),
	.min_args = 0,
	.max_args = -1,
};
