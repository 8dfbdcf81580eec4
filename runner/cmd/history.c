/* SPDX-License-Identifier: Apache-2.0
 *
 * history - the steps that made an image
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/human.h"
#include "runner/cmd/image_opts.h"
#include "runner/cmd/template.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/manifest.h"
#include "runner/image/store.h"

#define ID_SHORT 12
#define STEP_SHORT 45

struct history_opts {
	bool no_trunc;
	bool quiet;
	bool human;
	const char *format;
};

static const struct opt rows[] = {
	OPT_STR(0, "format", struct history_opts, format, "FORMAT", "a template, table TEMPLATE, or json"),
	OPT_BOOL('H', "human", struct history_opts, human, "=false: exact sizes and times"),
	OPT_BOOL(0, "no-trunc", struct history_opts, no_trunc, "whole ids and steps"),
	OPT_BOOL('q', "quiet", struct history_opts, quiet, "ids only"),
	OPT_END,
};

static void init(void *opts)
{
	((struct history_opts *)opts)->human = true;
}

static void set(json_t *o, const char *key, const char *value)
{
	(void)json_object_set_new(o, key, template_text(value));
}

static void set_step(json_t *o, const struct history_opts *h, const char *by)
{
	auto_free char *text = xstrdup(by ? by : "");

	/* one line each, whatever the recipe had */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	if (!h->no_trunc && strlen(text) > STEP_SHORT) {
		size_t cut = STEP_SHORT - 3;

		/* not in the middle of a character */
		while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--;
		memcpy(text + cut, "...", 4);
	}
	set(o, "CreatedBy", text);
}

/* The uppermost step is the image; those below may have been images once. */
static json_t *step(const struct history_opts *h, const struct image *img, size_t i, uint64_t size)
{
	const struct image_history *s = &img->config.history[i];
	json_t *o = json_object();
	char buf[64];

	if (i + 1 < img->config.n_history)
		set(o, "ID", "<missing>");
	else if (str_format(buf, sizeof(buf), "%.*s", ID_SHORT, image_id_hex(img)) > 0)
		set(o, "ID", h->no_trunc ? img->id : buf);
	human_ago(human_rfc3339(s->created), buf, sizeof(buf));
	set(o, "CreatedSince", h->human ? buf : s->created);
	set(o, "CreatedAt", s->created);
	set_step(o, h, s->created_by);
	human_size(size, buf, sizeof(buf));
	if (!h->human)
		(void)str_format(buf, sizeof(buf), "%llu", (unsigned long long)size);
	set(o, "Size", buf);
	set(o, "Comment", s->comment);
	return o;
}

static uint64_t layer_size(const struct manifest *m, size_t layer)
{
	return layer < m->n ? m->list[layer].size : 0;
}

/* Newest first, as Docker lists them. */
static int steps(const struct history_opts *h, const struct image *img, json_t *list, struct err *e)
{
	AUTO(manifest_clear) struct manifest m = { 0 };
	size_t layer = 0;
	int r = manifest_parse(img->manifest_json, strlen(img->manifest_json), "manifest", NULL, &m, e);

	for (size_t i = 0; r == 0 && i < img->config.n_history; i++) {
		bool empty = img->config.history[i].empty_layer;
		json_t *o = step(h, img, i, empty ? 0 : layer_size(&m, layer));

		layer += empty ? 0 : 1;
		if (json_array_insert_new(list, 0, o) < 0)
			r = err_set(e, -ENOMEM, "history");
	}
	return r;
}

static json_t *titles(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "ID", "IMAGE", "CreatedSince", "CREATED",
			 "CreatedAt", "CREATED AT", "CreatedBy", "CREATED BY", "Size", "SIZE",
			 "Comment", "COMMENT");
}

static int print_table(const char *fields, json_t *list, struct err *e)
{
	json_t *heads = titles();
	int r = template_table(fields, heads, list, e);

	json_decref(heads);
	return r;
}

static int print(const struct history_opts *h, json_t *list, struct err *e)
{
	const char *fields = h->format ? str_after(h->format, "table ") : NULL;
	json_t *row;
	size_t i;
	int r = 0;

	if (h->format && str_eq(h->format, "json")) {
		(void)json_dumpf(list, stdout, JSON_INDENT(4));
		puts("");
		return 0;
	}
	if (!h->quiet && (!h->format || str_eq(h->format, "table")))
		fields = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
	if (fields)
		return print_table(fields, list, e);
	json_array_foreach(list, i, row)
		if (r == 0)
			r = template_print(h->quiet ? "{{.ID}}" : h->format, row, e);
	return r;
}

static int history(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct history_opts *h = opts;
	AUTO(store_close) struct store *st = NULL;
	AUTO(image_free) struct image *img = NULL;
	json_t *list = json_array();
	int r = engine_store(eng, &st, e);

	(void)argc;
	if (r == 0)
		r = image_get(st, argv[0], &img, e);
	if (r == 0)
		r = steps(h, img, list, e);
	if (r == 0)
		r = print(h, list, e);
	json_decref(list);
	return r;
}

const struct cmd cmd_history = {
	.name = "history",
	.fn = history,
	.init = init,
	.flags = CMD_STORE,
	.summary = "show the steps that made an image",
	.args_help = "IMAGE",
	.rows = rows,
	.opts_size = sizeof(struct history_opts),
	.min_args = 1,
	.max_args = 1,
};
