/* SPDX-License-Identifier: Apache-2.0
 *
 * volume - list, make, show and remove volumes
 *
 * Four commands of two words, which words.c finds; "volume" alone says so.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/cmd/template.h"
#include "runner/engine/engine.h"
#include "runner/engine/volume.h"

struct volume_opts {
	bool force;
	bool noheading;
	bool quiet;
	const char *format;
};

/* RFC 3339, which is how both engines show times; "" when there is none. */
static void made_at(const struct engine *eng, const char *name, char *buf, size_t size)
{
	auto_free char *dir = xasprintf("volumes/%s", name);
	struct stat st;
	struct tm tm;

	*buf = '\0';
	if (fstatat(eng->root_fd, dir, &st, 0) == 0 && gmtime_r(&st.st_mtim.tv_sec, &tm))
		(void)strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static json_t *describe(const struct engine *eng, const char *name)
{
	auto_free char *path = xasprintf("%s/volumes/%s/_data", eng->root, name);
	char made[32];

	made_at(eng, name, made, sizeof(made));
	return json_pack("{s:s,s:s,s:o,s:s,s:s,s:{},s:{}}", "Name", name, "Driver", "local", "Mountpoint",
			 template_text(path), "CreatedAt", made, "Scope", "local", "Labels", "Options");
}

/* ------------------------------------------------------------------- ls -- */

static int print_list(const struct volume_opts *o, json_t *list, struct err *e)
{
	const char *fields = o->format ? str_after(o->format, "table ") : "{{.Driver}}\t{{.Name}}";
	json_t *heads, *one;
	size_t i;
	int r = 0;

	if (o->format && str_eq(o->format, "json")) {
		(void)json_dumpf(list, stdout, JSON_INDENT(4));
		puts("");
		return 0;
	}
	if (fields && !o->quiet) {
		heads = o->noheading ? NULL :
				       json_pack("{s:s,s:s,s:s,s:s,s:s}", "Driver", "DRIVER", "Name",
						 "VOLUME NAME", "Mountpoint", "MOUNTPOINT", "Scope",
						 "SCOPE", "CreatedAt", "CREATED AT");
		r = template_table(fields, heads, list, e);
		json_decref(heads);
		return r;
	}
	json_array_foreach(list, i, one)
		if (r == 0)
			r = template_print(o->quiet ? "{{.Name}}" : o->format, one, e);
	return r;
}

static int ls(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(strv_clear) struct strv names = { 0 };
	json_t *list = json_array();
	int r = volume_list(eng, &names, e);

	(void)argc;
	(void)argv;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		(void)json_array_append_new(list, describe(eng, names.v[i]));
	if (r == 0)
		r = print_list(opts, list, e);
	json_decref(list);
	return r;
}

static const struct opt ls_rows[] = {
	OPT_STR(0, "format", struct volume_opts, format, "TEMPLATE", "a template, table TEMPLATE, or json"),
	OPT_BOOL('n', "noheading", struct volume_opts, noheading, "no line of headings"),
	OPT_BOOL('q', "quiet", struct volume_opts, quiet, "names only"),
	OPT_END,
};

const struct cmd cmd_volume_ls = {
	.name = "volume ls",
	.fn = ls,
	.flags = CMD_STORE | CMD_HIDDEN,
	.summary = "list volumes",
	.args_help = "",
	.rows = ls_rows,
	.opts_size = sizeof(struct volume_opts),
};

/* ----------------------------------------------------- create, inspect, rm -- */

static int create(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	int r = volume_create(eng, argv[0], e);

	(void)opts;
	(void)argc;
	if (r == 0)
		puts(argv[0]);
	return r;
}

const struct cmd cmd_volume_create = {
	.name = "volume create",
	.fn = create,
	.flags = CMD_STORE | CMD_HIDDEN,
	.summary = "make a volume",
	.args_help = "NAME",
	.min_args = 1,
	.max_args = 1,
};

static int inspect(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct volume_opts *o = opts;
	json_t *list = json_array(), *one;
	int code = 0, r = 0;
	size_t n;

	for (int i = 0; i < argc; i++) {
		struct err why = { 0 };

		if (volume_find(eng, argv[i], &why) == 0) {
			(void)json_array_append_new(list, describe(eng, argv[i]));
			continue;
		}
		log_error("volume inspect: %s", why.msg);
		code = CMD_EXIT_ENGINE;
	}
	if (!o->format || str_eq(o->format, "json")) {
		(void)json_dumpf(list, stdout, JSON_INDENT(4));
		puts("");
	} else {
		json_array_foreach(list, n, one)
			if (r == 0)
				r = template_print(o->format, one, e);
	}
	json_decref(list);
	return r < 0 ? r : code;
}

static const struct opt inspect_rows[] = {
	OPT_STR('f', "format", struct volume_opts, format, "TEMPLATE", "a template, or json"),
	OPT_END,
};

const struct cmd cmd_volume_inspect = {
	.name = "volume inspect",
	.fn = inspect,
	.flags = CMD_STORE | CMD_HIDDEN,
	.summary = "show where volumes are",
	.args_help = "NAME...",
	.rows = inspect_rows,
	.opts_size = sizeof(struct volume_opts),
	.min_args = 1,
	.max_args = -1,
};

static int rm(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct volume_opts *o = opts;
	int code = 0;

	(void)e;
	for (int i = 0; i < argc; i++) {
		struct err why = { 0 };
		int r = volume_remove(eng, argv[i], &why);

		if (r == -ENOENT && o->force)
			continue;
		if (r == 0)
			puts(argv[i]);
		else
			log_error("volume rm: %s", why.msg);
		code = each_removal_code(code, r);
	}
	return code;
}

static const struct opt rm_rows[] = {
	OPT_BOOL('f', "force", struct volume_opts, force, "a missing volume is no failure"),
	OPT_END,
};

const struct cmd cmd_volume_rm = {
	.name = "volume rm",
	.fn = rm,
	.flags = CMD_USERNS | CMD_HIDDEN,
	.summary = "remove volumes and all that is in them",
	.args_help = "NAME...",
	.rows = rm_rows,
	.opts_size = sizeof(struct volume_opts),
	.min_args = 1,
	.max_args = -1,
};

/* --------------------------------------------------------------- volume -- */

static int volume(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	(void)eng;
	(void)opts;
	(void)argc;
	(void)argv;
	return err_msg(e, -EINVAL, "say which: volume create, inspect, ls or rm");
}

const struct cmd cmd_volume = {
	.name = "volume",
	.fn = volume,
	.summary = "volumes: create, inspect, ls, rm",
	.args_help = "create|inspect|ls|rm [ARGUMENTS]",
	.max_args = -1,
};
