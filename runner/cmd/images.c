/* SPDX-License-Identifier: Apache-2.0
 *
 * images - list the images of the store
 */
#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/human.h"
#include "runner/cmd/image_opts.h"
#include "runner/cmd/template.h"
#include "runner/engine/engine.h"
#include "runner/image/image.h"
#include "runner/image/reference.h"
#include "runner/image/store.h"

#define ID_SHORT 12

struct images_opts {
	bool all;
	bool digests;
	bool no_trunc;
	bool quiet;
	bool noheading;
	const char *format;
	struct strv filters;
	json_t *table;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct images_opts, all, "intermediate images too (there are none)"),
	OPT_BOOL(0, "digests", struct images_opts, digests, "a column of digests"),
	OPT_LIST('f', "filter", struct images_opts, filters, "KEY=VALUE",
		 "reference=PATTERN, dangling=true|false, label=KEY[=VALUE]"),
	OPT_STR(0, "format", struct images_opts, format, "TEMPLATE", "a template, table TEMPLATE, or json"),
	OPT_BOOL('n', "noheading", struct images_opts, noheading, "no line of headings"),
	OPT_BOOL(0, "no-trunc", struct images_opts, no_trunc, "whole ids"),
	OPT_BOOL('q', "quiet", struct images_opts, quiet, "ids only"),
	OPT_END,
};

static void images_clear(void *opts)
{
	struct images_opts *o = opts;

	strv_clear(&o->filters);
	json_decref(o->table);
}

/* --- one line ------------------------------------------------------------------------- */

/**
 * struct line - one name of one image, or an image without name
 */
struct line {
	const struct image *img;
	char repo[REF_STR_MAX];
	char tag[REF_TAG_MAX + 1];
	const char *digest;
	char id[DIGEST_STR_MAX];
	char created[64];
	char size[32];
};

static const char *digest_of_repo(const struct image *img, const struct ref *ref)
{
	char repo[REF_STR_MAX];

	(void)ref_repo(ref, repo);
	for (size_t i = 0; i < img->repo_digests.n; i++) {
		const char *rest = str_after(img->repo_digests.v[i], repo);

		if (rest && *rest == '@')
			return rest + 1;
	}
	return img->digest;
}

static void make_line(const struct images_opts *o, const struct image *img, const char *name,
		      struct line *l)
{
	struct ref ref;

	*l = (struct line){ .img = img, .digest = img->digest };
	(void)str_format(l->repo, sizeof(l->repo), "<none>");
	(void)str_format(l->tag, sizeof(l->tag), "<none>");
	if (name && !ref_parse(name, &ref, NULL)) {
		(void)ref_familiar(&ref, l->repo);
		(void)str_format(l->tag, sizeof(l->tag), "%s", ref.tag[0] ? ref.tag : "<none>");
		l->digest = ref.digest[0] ? strchr(name, '@') + 1 : digest_of_repo(img, &ref);
	}
	if (o->no_trunc)
		(void)str_format(l->id, sizeof(l->id), "%s", img->id);
	else
		(void)str_format(l->id, sizeof(l->id), "%.*s", ID_SHORT, image_id_hex(img));
	human_ago(human_rfc3339(img->config.created), l->created, sizeof(l->created));
	human_size(img->size ? img->size : img->blob_size, l->size, sizeof(l->size));
}

static json_t *line_fields(const struct line *l)
{
	const struct image *img = l->img;

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "ID", l->id, "Repository", l->repo,
			 "Tag", l->tag, "Digest", l->digest, "CreatedSince", l->created, "CreatedAt",
			 img->config.created ? img->config.created : "", "Size", l->size,
			 "VirtualSize", (json_int_t)img->size);
}

static int print_format(const struct images_opts *o, const struct line *l, struct err *e)
{
	json_t *j = line_fields(l);
	int r;

	if (!j)
		return err_set(e, -ENOMEM, "--format");
	/* the widths of a table are known at the end */
	if (o->table)
		return json_array_append_new(o->table, j) < 0 ? err_set(e, -ENOMEM, "--format") : 0;
	r = template_print(o->format, j, e);
	json_decref(j);
	return r;
}

static int print_table(const struct images_opts *o, struct err *e)
{
	json_t *titles = o->noheading ? NULL :
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "ID", "IMAGE ID", "Repository",
			  "REPOSITORY", "Tag", "TAG", "Digest", "DIGEST", "CreatedSince", "CREATED",
			  "CreatedAt", "CREATED AT", "Size", "SIZE", "VirtualSize", "VIRTUAL SIZE");
	int r = template_table(str_after(o->format, "table "), titles, o->table, e);

	json_decref(titles);
	return r;
}

static int print_line(const struct images_opts *o, const struct line *l, struct err *e)
{
	if (o->format)
		return print_format(o, l, e);
	if (o->digests)
		printf("%-28s %-12s %-71s %-12s %-15s %s\n", l->repo, l->tag, l->digest, l->id,
		       l->created, l->size);
	else
		printf("%-28s %-12s %-12s %-15s %s\n", l->repo, l->tag, l->id, l->created, l->size);
	return 0;
}

static void print_heading(const struct images_opts *o)
{
	if (o->quiet || o->format || o->noheading)
		return;
	if (o->digests)
		printf("%-28s %-12s %-71s %-12s %-15s %s\n", "REPOSITORY", "TAG", "DIGEST",
		       "IMAGE ID", "CREATED", "SIZE");
	else
		printf("%-28s %-12s %-12s %-15s %s\n", "REPOSITORY", "TAG", "IMAGE ID", "CREATED",
		       "SIZE");
}

/* --- filters ---------------------------------------------------------------------------- */

static bool name_matches(const char *name, const char *pattern)
{
	char familiar[REF_STR_MAX];
	char tagged[REF_STR_MAX * 2];
	struct ref ref;

	if (!fnmatch(pattern, name, 0))
		return true;
	if (ref_parse(name, &ref, NULL))
		return false;
	(void)ref_familiar(&ref, familiar);
	(void)str_format(tagged, sizeof(tagged), ref.digest[0] ? "%s@%s" : "%s:%s", familiar,
			 ref.digest[0] ? ref.digest : ref.tag);
	if (!fnmatch(pattern, familiar, 0) || !fnmatch(pattern, tagged, 0))
		return true;
	/* the last part alone, as Docker does */
	const char *slash = strrchr(tagged, '/');
	if (slash && !strchr(pattern, '/') && !fnmatch(pattern, slash + 1, 0))
		return true;
	(void)ref_repo(&ref, familiar);
	return !fnmatch(pattern, familiar, 0);
}

static bool label_matches(const struct image *img, const char *want)
{
	size_t len = strcspn(want, "=");

	for (size_t i = 0; i < img->config.n_labels; i++) {
		const struct image_pair *p = &img->config.labels[i];

		if (strlen(p->key) == len && !strncmp(p->key, want, len) &&
		    (!want[len] || str_eq(p->value, want + len + 1)))
			return true;
	}
	return false;
}

static int check_filters(const struct images_opts *o, struct err *e)
{
	for (size_t i = 0; i < o->filters.n; i++) {
		const char *f = o->filters.v[i];
		const char *dangling = str_after(f, "dangling=");

		if (str_after(f, "reference=") || str_after(f, "label="))
			continue;
		if (dangling && (str_eq(dangling, "true") || str_eq(dangling, "false")))
			continue;
		return err_msg(e, -EINVAL, "--filter %s: is not reference=PATTERN, "
			       "dangling=true|false or label=KEY[=VALUE]", f);
	}
	return 0;
}

static bool passes(const struct images_opts *o, const struct image *img, const char *name)
{
	bool any_reference = false;
	bool reference = false;

	for (size_t i = 0; i < o->filters.n; i++) {
		const char *f = o->filters.v[i];
		const char *arg;

		if ((arg = str_after(f, "reference="))) {
			any_reference = true;
			reference |= name && name_matches(name, arg);
		} else if ((arg = str_after(f, "dangling="))) {
			if (str_eq(arg, "true") != (img->names.n == 0 && img->repo_digests.n == 0))
				return false;
		} else if ((arg = str_after(f, "label="))) {
			if (!label_matches(img, arg))
				return false;
		}
	}
	return !any_reference || reference;
}

/* --- the list ------------------------------------------------------------------------------ */

static int by_age(const void *a, const void *b)
{
	const struct image *const *x = a;
	const struct image *const *y = b;
	time_t tx = human_rfc3339((*x)->config.created);
	time_t ty = human_rfc3339((*y)->config.created);

	return tx < ty ? 1 : tx > ty ? -1 : strcmp((*x)->id, (*y)->id);
}

static int print_image(const struct images_opts *o, const struct image *img, struct err *e)
{
	/* an image pulled by digest only has that for a name */
	const struct strv *names = img->names.n ? &img->names : &img->repo_digests;
	struct line line;
	bool said = false;
	int r = 0;

	for (size_t i = 0; !r && i < (names->n ? names->n : 1); i++) {
		const char *name = names->n ? names->v[i] : NULL;

		if (!passes(o, img, name))
			continue;
		make_line(o, img, name, &line);
		/* an id once, however many names it has */
		if (o->quiet && !said)
			puts(line.id);
		else if (!o->quiet)
			r = print_line(o, &line, e);
		said = true;
	}
	return r;
}

static int images_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct images_opts *o = opts;
	AUTO(store_close) struct store *st = NULL;
	AUTO(image_list_free) struct image **list = NULL;
	int r = check_filters(o, e);

	if (!r && argc)
		r = strv_addf(&o->filters, "reference=%s", argv[0]);
	if (!r)
		r = engine_store(eng, &st, e);
	if (r)
		return r;
	int n = image_list(st, &list, e);
	if (n < 0)
		return n;
	qsort(list, (size_t)n, sizeof(struct image *), by_age);
	if (o->format && str_eq(o->format, "table"))
		o->format = NULL;
	if (o->format && str_after(o->format, "table "))
		o->table = json_array();
	print_heading(o);
	for (int i = 0; !r && i < n; i++)
		r = print_image(o, list[i], e);
	return !r && o->table ? print_table(o, e) : r;
}

const struct cmd cmd_images = {
	.name = "images",
	.fn = images_main,
	.clear = images_clear,
	.flags = CMD_STORE,
	.summary = "list images",
	.args_help = "[NAME]",
	.rows = rows,
	.opts_size = sizeof(struct images_opts),
	.min_args = 0,
	.max_args = 1,
};
