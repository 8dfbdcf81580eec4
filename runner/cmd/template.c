/* SPDX-License-Identifier: Apache-2.0
 *
 * template - the part of Go templates that people give to --format
 *
 * How it works: the text is walked once, recursively. walk() stops at the
 * {{end}} or {{else}} that belongs to its caller; with a NULL output it only
 * finds that place. An action's words are split, and a table maps the first
 * word to a function of its operands.
 */
#include "runner/cmd/template.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define DEPTH_MAX 32
#define WORDS_MAX 8

/**
 * struct tmpl - one expansion
 * @p:		where we are
 * @root:	what "$" is
 */
struct tmpl {
	const char *p;
	json_t *root;
	unsigned int depth;
	struct err *e;
};

enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

static int walk(struct tmpl *t, json_t *dot, struct strbuf *out, enum stop *ret_stop);

/* --- values ------------------------------------------------------------------------- */

static json_t *follow(struct tmpl *t, json_t *from, const char *path, int *rc)
{
	AUTO(strv_clear) struct strv parts = { 0 };

	while (*path == '.')
		path++;
	if (!*path)
		return from;
	*rc = strv_split(&parts, path, '.');
	for (size_t i = 0; !*rc && i < parts.n; i++) {
		json_t *next = json_object_get(from, parts.v[i]);

		if (!next) {
			*rc = err_msg(t->e, -ENOENT, "--format: there is no field '.%s'", path);
			return NULL;
		}
		from = next;
	}
	return from;
}

/* A word is .Path, $, $.Path or a "string"; a new reference is returned. */
static json_t *operand(struct tmpl *t, json_t *dot, const char *word, int *rc)
{
	if (*word == '"') {
		size_t len = strlen(word);

		return json_stringn(word + 1, len >= 2 ? len - 2 : 0);
	}
	if (*word == '$' && (!word[1] || word[1] == '.'))
		return json_incref(follow(t, t->root, word + 1, rc));
	if (*word == '.')
		return json_incref(follow(t, dot, word, rc));
	if (isdigit((unsigned char)*word))
		return json_integer(strtoll(word, NULL, 10));
	*rc = err_msg(t->e, -EINVAL, "--format: '%s' is not understood", word);
	return NULL;
}

/* As Go prints values: lists in [a b], maps in map[k:v]. */
static int print_value(json_t *v, struct strbuf *out)
{
	size_t i;
	json_t *item;
	int r = 0;

	switch (json_typeof(v)) {
	case JSON_STRING:
		return strbuf_add(out, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return strbuf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	case JSON_REAL:
		return strbuf_addf(out, "%g", json_real_value(v));
	case JSON_TRUE:
		return strbuf_adds(out, "true");
	case JSON_FALSE:
		return strbuf_adds(out, "false");
	case JSON_NULL:
		return strbuf_adds(out, "<nil>");
	case JSON_ARRAY:
		r = strbuf_adds(out, "[");
		json_array_foreach(v, i, item) {
			r |= i ? strbuf_adds(out, " ") : 0;
			r |= print_value(item, out);
		}
		return r | strbuf_adds(out, "]");
	case JSON_OBJECT:
	default:
		break;
	}

	const char *sep = "";
	r = strbuf_adds(out, "map[");
	for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it)) {
		r |= strbuf_addf(out, "%s%s:", sep, json_object_iter_key(it));
		r |= print_value(json_object_iter_value(it), out);
		sep = " ";
	}
	return r | strbuf_adds(out, "]");
}

static bool is_true(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_length(v) > 0;
	case JSON_INTEGER:
		return json_integer_value(v) != 0;
	case JSON_REAL:
		return fabs(json_real_value(v)) > 0;
	case JSON_ARRAY:
		return json_array_size(v) > 0;
	case JSON_OBJECT:
		return json_object_size(v) > 0;
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
	default:
		return false;
	}
}

/* --- functions ---------------------------------------------------------------------------- */

static int fn_json(json_t **v, size_t n, struct strbuf *out)
{
	auto_free char *text = json_dumps(v[0], JSON_COMPACT | JSON_ENCODE_ANY);

	(void)n;
	return text ? strbuf_adds(out, text) : -ENOMEM;
}

static int fn_index(json_t **v, size_t n, struct strbuf *out)
{
	json_t *at = v[0];

	for (size_t i = 1; at && i < n; i++) {
		if (json_is_array(at))
			at = json_array_get(at, (size_t)json_integer_value(v[i]));
		else
			at = json_object_get(at, json_string_value(v[i]));
	}
	return at ? print_value(at, out) : 0;
}

static int fn_len(json_t **v, size_t n, struct strbuf *out)
{
	size_t len = json_is_string(v[0])   ? json_string_length(v[0])
		     : json_is_array(v[0]) ? json_array_size(v[0])
					   : json_object_size(v[0]);

	(void)n;
	return strbuf_addf(out, "%zu", len);
}

static int change_case(json_t *v, int (*fn)(int), struct strbuf *out)
{
	size_t from = out->len;
	int r = print_value(v, out);

	for (size_t i = from; !r && i < out->len; i++)
		out->s[i] = (char)fn((unsigned char)out->s[i]);
	return r;
}

static int fn_lower(json_t **v, size_t n, struct strbuf *out)
{
	(void)n;
	return change_case(v[0], tolower, out);
}

static int fn_upper(json_t **v, size_t n, struct strbuf *out)
{
	(void)n;
	return change_case(v[0], toupper, out);
}

static int fn_join(json_t **v, size_t n, struct strbuf *out)
{
	const char *sep = n > 1 ? json_string_value(v[1]) : "";
	size_t i;
	json_t *item;
	int r = 0;

	json_array_foreach(v[0], i, item) {
		r |= i ? strbuf_adds(out, sep ? sep : "") : 0;
		r |= print_value(item, out);
	}
	return r;
}

static int fn_println(json_t **v, size_t n, struct strbuf *out)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		r |= i ? strbuf_adds(out, " ") : 0;
		r |= print_value(v[i], out);
	}
	return r | strbuf_adds(out, "\n");
}

static const struct {
	const char *name;
	int (*fn)(json_t **v, size_t n, struct strbuf *out);
} functions[] = {
	{ "json", fn_json },   { "index", fn_index }, { "len", fn_len },	 { "lower", fn_lower },
	{ "upper", fn_upper }, { "join", fn_join },   { "println", fn_println },
};

/* --- actions --------------------------------------------------------------------------------- */

/* Splits "range .A" at blanks, keeping "a b" whole. */
static int split_words(const char *s, size_t len, struct strv *out)
{
	const char *end = s + len;
	int r = 0;

	while (!r && s < end) {
		const char *from = s;

		if (isspace((unsigned char)*s)) {
			s++;
			continue;
		}
		if (*s == '"') {
			const char *close = memchr(s + 1, '"', (size_t)(end - s - 1));
			s = close ? close + 1 : end;
		} else {
			while (s < end && !isspace((unsigned char)*s))
				s++;
		}
		r = strv_addf(out, "%.*s", (int)(s - from), from);
	}
	return r;
}

/* {{.A | json}} is {{json .A}} */
static void turn_pipe(struct strv *w)
{
	if (w->n == 3 && str_eq(w->v[1], "|")) {
		char *pipe = w->v[1];

		w->v[1] = w->v[0];
		w->v[0] = w->v[2];
		w->v[2] = NULL;
		w->n = 2;
		free(pipe);
	}
}

static int call(struct tmpl *t, json_t *dot, const struct strv *w, struct strbuf *out)
{
	json_t *v[WORDS_MAX] = { NULL };
	size_t n = 0;
	int r = -EINVAL;

	for (size_t f = 0; f < sizeof(functions) / sizeof(functions[0]); f++) {
		if (!str_eq(w->v[0], functions[f].name) || w->n < 2 || w->n > WORDS_MAX)
			continue;
		for (r = 0; !r && n + 1 < w->n; n++)
			v[n] = operand(t, dot, w->v[n + 1], &r);
		if (!r)
			r = functions[f].fn(v, n, out);
		for (size_t i = 0; i < n; i++)
			json_decref(v[i]);
		return r;
	}
	return err_msg(t->e, r, "--format: '%s' is not understood", w->v[0]);
}

static int print_action(struct tmpl *t, json_t *dot, struct strv *w, struct strbuf *out)
{
	int r = 0;

	if (!out)
		return 0;
	turn_pipe(w);
	if (!w->n)
		return err_msg(t->e, -EINVAL, "--format: '{{}}' is empty");
	if (w->n > 1 || (*w->v[0] != '.' && *w->v[0] != '$' && *w->v[0] != '"'))
		return call(t, dot, w, out);
	json_t *v = operand(t, dot, w->v[0], &r);
	if (!r)
		r = print_value(v, out);
	json_decref(v);
	return r;
}

/* The body once for every element, or the else part for none. */
static int range_over(struct tmpl *t, json_t *list, struct strbuf *out, enum stop *stop)
{
	const char *body = t->p;
	size_t n = json_is_array(list) ? json_array_size(list) : json_object_size(list);
	void *it = json_is_object(list) ? json_object_iter(list) : NULL;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		json_t *item = it ? json_object_iter_value(it) : json_array_get(list, i);

		t->p = body;
		r = walk(t, item, out, stop);
		it = it ? json_object_iter_next(list, it) : NULL;
	}
	return r || n ? r : walk(t, list, NULL, stop);
}

static int block(struct tmpl *t, json_t *dot, const struct strv *w, struct strbuf *out)
{
	bool range = str_eq(w->v[0], "range");
	enum stop stop;
	json_t *v = NULL;
	int r = 0;

	if (w->n != 2)
		return err_msg(t->e, -EINVAL, "--format: '%s' takes one value", w->v[0]);
	if (out)
		v = operand(t, dot, w->v[1], &r);
	if (r)
		return r;
	bool yes = v && is_true(v);
	if (range && out)
		r = range_over(t, v, out, &stop);
	else
		r = walk(t, dot, yes ? out : NULL, &stop);
	if (!r && stop == STOP_ELSE)
		r = walk(t, dot, yes ? NULL : out, &stop);
	json_decref(v);
	if (!r && stop != STOP_END)
		return err_msg(t->e, -EINVAL, "--format: '{{%s}}' has no '{{end}}'", w->v[0]);
	return r;
}

static int literal(struct tmpl *t, const char *end, struct strbuf *out)
{
	while (t->p < end) {
		char c = *t->p++;

		if (c == '\\' && t->p < end && (*t->p == 't' || *t->p == 'n'))
			c = *t->p++ == 't' ? '\t' : '\n';
		if (out && strbuf_add(out, &c, 1))
			return -ENOMEM;
	}
	return 0;
}

static int walk(struct tmpl *t, json_t *dot, struct strbuf *out, enum stop *ret_stop)
{
	int r = 0;

	if (++t->depth > DEPTH_MAX)
		return err_msg(t->e, -EINVAL, "--format: is nested deeper than %d", DEPTH_MAX);
	while (!r) {
		AUTO(strv_clear) struct strv w = { 0 };
		const char *open = strstr(t->p, "{{");

		r = literal(t, open ? open : t->p + strlen(t->p), out);
		if (r)
			break;
		*ret_stop = STOP_END_OF_TEXT;
		if (!open)
			break;
		const char *close = strstr(open, "}}");
		if (!close)
			return err_msg(t->e, -EINVAL, "--format: '{{' has no '}}'");
		t->p = close + 2;
		r = split_words(open + 2, (size_t)(close - open - 2), &w);
		if (r)
			break;
		const char *first = w.n ? w.v[0] : "";
		if (str_eq(first, "end") || str_eq(first, "else")) {
			*ret_stop = str_eq(first, "end") ? STOP_END : STOP_ELSE;
			break;
		}
		if (str_eq(first, "if") || str_eq(first, "range"))
			r = block(t, dot, &w, out);
		else
			r = print_action(t, dot, &w, out);
	}
	t->depth--;
	return r;
}

int template_expand(const char *tmpl, json_t *obj, struct strbuf *out, struct err *e)
{
	struct tmpl t = { .p = tmpl, .root = obj, .e = e };
	enum stop stop;
	int r = walk(&t, obj, out, &stop);

	if (!r && stop != STOP_END_OF_TEXT)
		return err_msg(e, -EINVAL, "--format: '{{end}}' ends nothing");
	return r;
}

int template_print(const char *tmpl, json_t *obj, struct err *e)
{
	AUTO(strbuf_clear) struct strbuf out = { 0 };
	int r = template_expand(str_eq(tmpl, "json") ? "{{json .}}" : tmpl, obj, &out, e);

	if (!r)
		puts(out.s ? out.s : "");
	return r;
}

#define COLUMNS_MAX 64

static size_t column_len(const char *at)
{
	return strcspn(at, "\t");
}

static void widen(const char *line, size_t *width)
{
	for (size_t col = 0; col < COLUMNS_MAX && *line; col++) {
		size_t len = column_len(line);

		if (len > width[col])
			width[col] = len;
		line += len + (line[len] ? 1 : 0);
	}
}

/* The last column is as wide as its text. */
static void print_columns(const char *line, const size_t *width)
{
	size_t col = 0;

	for (; line[column_len(line)] && col < COLUMNS_MAX; col++) {
		size_t len = column_len(line);

		printf("%-*.*s   ", (int)width[col], (int)len, line);
		line += len + 1;
	}
	puts(line);
}

int template_table(const char *tmpl, json_t *titles, json_t *list, struct err *e)
{
	AUTO(strv_clear) struct strv lines = { 0 };
	size_t width[COLUMNS_MAX] = { 0 };
	size_t n = json_array_size(list);

	for (size_t i = 0; i <= n; i++) {
		AUTO(strbuf_clear) struct strbuf out = { 0 };
		json_t *obj = i ? json_array_get(list, i - 1) : titles;
		int r = obj ? template_expand(tmpl, obj, &out, e) : 0;

		if (r < 0)
			return r;
		if (obj && strv_add(&lines, out.s ? out.s : "") < 0)
			return err_set(e, -ENOMEM, "--format");
	}
	for (size_t i = 0; i < lines.n; i++)
		widen(lines.v[i], width);
	for (size_t i = 0; i < lines.n; i++)
		print_columns(lines.v[i], width);
	return 0;
}
