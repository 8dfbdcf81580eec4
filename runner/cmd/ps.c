/* SPDX-License-Identifier: Apache-2.0
 *
 * ps - list containers
 *
 * Reads records and process times only: it never waits for a lock, a monitor
 * or a container.
 */
#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/num.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/cmd/human.h"
#include "runner/cmd/template.h"
#include "runner/engine/container.h"
#include "runner/image/reference.h"

struct ps_opts {
	bool all;
	bool quiet;
	bool no_trunc;
	bool latest;
	bool noheading;
	int last;
	const char *format;
	struct strv filter;
};

static const struct opt rows[] = {
	OPT_BOOL('a', "all", struct ps_opts, all, "also those that do not run"),
	OPT_LIST('f', "filter", struct ps_opts, filter, "KEY=VALUE",
		 "id, name, status, label, ancestor, exited or network"),
	OPT_STR(0, "format", struct ps_opts, format, "FORMAT", "json, or a template: {{.ID}} {{.Names}}"),
	OPT_INT('n', "last", struct ps_opts, last, "N", "the last N made, in any state"),
	OPT_BOOL('l', "latest", struct ps_opts, latest, "the last one made"),
	OPT_BOOL(0, "no-trunc", struct ps_opts, no_trunc, "whole ids and commands"),
	OPT_BOOL(0, "noheading", struct ps_opts, noheading, "no line of titles"),
	OPT_BOOL('q', "quiet", struct ps_opts, quiet, "ids only"),
	OPT_END,
};

static void clear(void *opts)
{
	strv_clear(&((struct ps_opts *)opts)->filter);
}

/* --------------------------------------------------------------- words -- */

static char *age(int64_t ns)
{
	char buf[32];

	if (!human_age((container_now() - ns) / 1000000000, buf, sizeof(buf)))
		return xstrdup("Less than a second");
	return xstrdup(buf);
}

static char *status_text(const struct container *c)
{
	auto_free char *when = age(c->state.status == CONTAINER_RUNNING ? c->state.started :
								     c->state.finished);

	if (c->state.status == CONTAINER_RUNNING)
		return xasprintf("Up %s", when);
	if (c->state.status == CONTAINER_EXITED)
		return xasprintf("Exited (%d) %s ago", c->state.exit_code, when);
	return xstrdup("Created");
}

static char *join(const struct strv *l, const char *sep)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	for (size_t i = 0; i < l->n; i++)
		(void)strbuf_addf(&b, "%s%s", i ? sep : "", l->v[i]);
	return strbuf_take(&b);
}

static char *time_text(int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	char buf[64];

	(void)localtime_r(&t, &tm);
	(void)strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return xstrdup(buf);
}

static void set(json_t *obj, const char *key, char *value_take)
{
	(void)json_object_set_new(obj, key, template_text(value_take));
	free(value_take);
}

static json_t *describe(const struct container *c, bool whole)
{
	json_t *o = json_object();
	char *command = join(&c->config.args, " ");
	char *running_for = age(c->state.created);

	if (!whole && strlen(command) > 20)
		memcpy(command + 17, "...", 4);
	set(o, "ID", xasprintf("%.*s", whole ? CONTAINER_ID_LEN : CONTAINER_ID_SHORT, c->id));
	set(o, "Image", xstrdup(c->config.image));
	set(o, "ImageID", xstrdup(c->config.image_id));
	set(o, "Command", xasprintf("\"%s\"", command));
	set(o, "CreatedAt", time_text(c->state.created));
	set(o, "RunningFor", xasprintf("%s ago", running_for));
	set(o, "State", xstrdup(container_status_name((enum container_status)c->state.status)));
	set(o, "Status", status_text(c));
	set(o, "Ports", join(&c->state.ports, ", "));
	set(o, "Names", xstrdup(c->name));
	set(o, "Labels", join(&c->config.labels, ","));
	set(o, "Mounts", join(&c->config.mounts, ";"));
	set(o, "Networks", xstrdup(c->config.network));
	set(o, "Pid", xasprintf("%d", c->state.pid));
	set(o, "ExitCode", xasprintf("%d", c->state.exit_code));
	free(command);
	free(running_for);
	return o;
}

/* -------------------------------------------------------------- filters -- */

static bool label_fits(const struct container *c, const char *want)
{
	size_t len = strlen(want);

	for (size_t i = 0; i < c->config.labels.n; i++) {
		const char *l = c->config.labels.v[i];

		if (strncmp(l, want, len) == 0 && (!l[len] || (l[len] == '=' && !strchr(want, '='))))
			return true;
	}
	return false;
}

/* A regular expression as with Docker, for whom a name begins with a slash. */
static int name_compile(const char *want, regex_t *ret)
{
	auto_free char *text = str_after(want, "^/") ? xasprintf("^%s", str_after(want, "^/")) :
						       xstrdup(want);

	return regcomp(ret, text, REG_EXTENDED | REG_NOSUB) ? -EINVAL : 0;
}

static bool name_fits(const char *name, const char *want)
{
	bool fits;
	regex_t re;

	if (!strpbrk(want, "^$.*+?()[]{}|\\"))
		return strstr(name, want) != NULL;
	if (name_compile(want, &re) < 0)
		return false;
	fits = regexec(&re, name, 0, NULL, 0) == 0;
	regfree(&re);
	return fits;
}

/* By id, or by name with a tag or without. */
static bool ancestor_fits(const struct container *c, const char *want)
{
	const char *id = c->config.image_id, *hex = str_after(id, "sha256:");
	struct ref have, asked;

	if (str_eq(want, c->config.image) || (*want && (str_starts(id, want) || (hex && str_starts(hex, want)))))
		return true;
	return ref_parse(c->config.image, &have, NULL) == 0 && ref_parse(want, &asked, NULL) == 0 &&
	       str_eq(have.domain, asked.domain) && str_eq(have.path, asked.path) &&
	       (asked.no_tag || str_eq(have.tag, asked.tag)) &&
	       (!asked.digest[0] || str_eq(have.digest, asked.digest));
}

static bool filter_fits(const struct container *c, const char *f)
{
	const char *v;

	if ((v = str_after(f, "id=")))
		return str_starts(c->id, v);
	if ((v = str_after(f, "name=")))
		return name_fits(c->name, v);
	if ((v = str_after(f, "status=")))
		return str_eq(v, container_status_name((enum container_status)c->state.status));
	if ((v = str_after(f, "label=")))
		return label_fits(c, v);
	if ((v = str_after(f, "ancestor=")))
		return ancestor_fits(c, v);
	if ((v = str_after(f, "network=")))
		return str_eq(v, c->config.network);
	if ((v = str_after(f, "exited="))) {
		auto_free char *code = xasprintf("%d", c->state.exit_code);

		return c->state.status == CONTAINER_EXITED && str_eq(v, code);
	}
	return false;
}

/* Values of one key are alternatives, different keys all have to fit. */
static bool fits(const struct container *c, const struct ps_opts *o)
{
	for (size_t i = 0; i < o->filter.n; i++) {
		size_t key = strcspn(o->filter.v[i], "=") + 1;
		bool any = false;

		for (size_t k = 0; k < o->filter.n; k++) {
			if (strncmp(o->filter.v[i], o->filter.v[k], key) == 0)
				any = any || filter_fits(c, o->filter.v[k]);
		}
		if (!any)
			return false;
	}
	return true;
}

static int check_value(const char *f, struct err *e)
{
	/* the last ones are states that Docker and Podman have besides; nothing is ever in them */
	static const char *const words[] = { "created", "running",  "exited",	 "paused",
					     "dead",	"removing", "restarting", "stopped" };
	const char *v;
	regex_t re;
	int32_t n;

	if ((v = str_after(f, "name="))) {
		if (name_compile(v, &re) < 0)
			return err_msg(e, -EINVAL, "--filter %s: not a regular expression", f);
		regfree(&re);
	}
	if ((v = str_after(f, "exited=")) && num_i32(v, &n) < 0)
		return err_msg(e, -EINVAL, "--filter %s: not an exit code", f);
	if (!(v = str_after(f, "status=")))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(v, words[i]))
			return 0;
	return err_msg(e, -EINVAL, "--filter %s: not created, running or exited", f);
}

/* Also when there is no container to look at. */
static int check_filters(const struct ps_opts *o, struct err *e)
{
	static const char *const keys[] = { "id=", "name=", "status=", "label=", "ancestor=",
					    "network=", "exited=" };

	for (size_t i = 0; i < o->filter.n; i++) {
		bool known = false;
		int r = check_value(o->filter.v[i], e);

		if (r < 0)
			return r;
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			known = known || str_starts(o->filter.v[i], keys[k]);
		if (!known)
			return err_msg(e, -EINVAL,
				       "--filter %s: not id, name, status, label, ancestor, exited or "
				       "network",
				       o->filter.v[i]);
	}
	return 0;
}

static bool filters_by_state(const struct ps_opts *o)
{
	for (size_t i = 0; i < o->filter.n; i++)
		if (str_starts(o->filter.v[i], "status=") || str_starts(o->filter.v[i], "exited="))
			return true;
	return false;
}

/* ---------------------------------------------------------------- print -- */

static const char *const columns[] = { "ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names" };
static const char *const titles[] = { "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS",
				      "NAMES" };

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *cell(const json_t *row, size_t col)
{
	return json_string_value(json_object_get(row, columns[col]));
}

static void print_row(const char *const *cells, const int *width)
{
	for (size_t k = 0; k < N_COLUMNS; k++)
		if (k + 1 < N_COLUMNS)
			printf("%-*s   ", width[k], cells[k]);
		else
			printf("%s\n", cells[k]);
}

static void print_table(const json_t *list, bool heading)
{
	int width[N_COLUMNS];
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < N_COLUMNS; k++) {
		width[k] = (int)strlen(titles[k]);
		json_array_foreach(list, i, row)
			if ((int)strlen(cell(row, k)) > width[k])
				width[k] = (int)strlen(cell(row, k));
	}
	if (heading)
		print_row(titles, width);
	json_array_foreach(list, i, row) {
		const char *cells[N_COLUMNS];

		for (size_t k = 0; k < N_COLUMNS; k++)
			cells[k] = cell(row, k);
		print_row(cells, width);
	}
}

/* As Docker calls the columns; any other has its field's name. */
static json_t *field_titles(void)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "ID",
			 "CONTAINER ID", "Image", "IMAGE", "ImageID", "IMAGE ID", "Command", "COMMAND",
			 "CreatedAt", "CREATED AT", "RunningFor", "CREATED", "State", "STATE",
			 "Status", "STATUS", "Ports", "PORTS", "Names", "NAMES", "Labels", "LABELS",
			 "Mounts", "MOUNTS", "Networks", "NETWORKS", "Pid", "PID", "ExitCode",
			 "EXIT CODE");
}

static int print_fields(json_t *list, const char *fields, bool heading, struct err *e)
{
	json_t *heads = heading ? field_titles() : NULL;
	int r = template_table(fields, heads, list, e);

	json_decref(heads);
	return r;
}

static int print_format(json_t *list, const char *format, bool heading, struct err *e)
{
	const char *fields = str_after(format, "table ");
	json_t *row;
	size_t i;

	if (fields)
		return print_fields(list, fields, heading, e);
	if (str_eq(format, "json")) {
		(void)json_dumpf(list, stdout, JSON_INDENT(4));
		puts("");
		return 0;
	}
	json_array_foreach(list, i, row) {
		int r = template_print(format, row, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int print_list(json_t *list, const struct ps_opts *o, struct err *e)
{
	const json_t *row;
	size_t i;

	if (o->format && !str_eq(o->format, "table"))
		return print_format(list, o->format, !o->noheading, e);
	if (o->quiet)
		json_array_foreach(list, i, row)
			puts(cell(row, 0));
	else
		print_table(list, !o->noheading);
	return 0;
}

static int ps(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct ps_opts *o = opts;
	struct container **list = NULL;
	json_t *out = json_array();
	int left, n, r = check_filters(o, e);

	(void)argc;
	(void)argv;
	n = r < 0 ? r : container_list(eng, &list, e);
	left = o->latest ? 1 : o->last > 0 ? o->last : n;
	/* Newest first. */
	for (int i = n - 1; i >= 0; i--) {
		struct container *c = list[i];
		bool shown = o->all || o->latest || o->last > 0 || filters_by_state(o) ||
			     each_is_running(c);

		if (shown && left > 0 && fits(c, o)) {
			(void)json_array_append_new(out, describe(c, o->no_trunc));
			left--;
		}
		container_free(c);
	}
	free(list);
	if (n < 0)
		r = n;
	if (r >= 0)
		r = print_list(out, o, e);
	json_decref(out);
	return r < 0 ? r : 0;
}

const struct cmd cmd_ps = {
	.name = "ps",
	.fn = ps,
	.clear = clear,
	.flags = CMD_STORE,
	.summary = "list containers",
	.args_help = "",
	.rows = rows,
	.opts_size = sizeof(struct ps_opts),
};
