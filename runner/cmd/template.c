/* SPDX-License-Identifier: Apache-2.0
 *
 * template - the part of Go templates that people give to --format
 *
 * How it works: the text is walked once, recursively. walk() stops at the
 * {{end}} or {{else}} that belongs to its caller; with a NULL output it only
 * finds that place. What an action computes is texpr.c's.
 */
#include "runner/cmd/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/cmd/texpr.h"

#define DEPTH_MAX 32

/**
 * struct tmpl - one expansion
 * @p:		where we are
 * @root:	what "$" is
 * @vars:	variables of the ranges around us
 */
struct tmpl {
	const char *p;
	json_t *root;
	const struct texpr_var *vars;
	unsigned int depth;
	struct err *e;
};

/**
 * struct action - what stands between two pairs of braces
 * @text, @len:	without blanks and trim marks around it
 */
struct action {
	const char *text;
	size_t len;
};

enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

static int walk(struct tmpl *t, json_t *dot, struct strbuf *out, enum stop *ret_stop,
		struct action *ret_else);

static int eval(struct tmpl *t, json_t *dot, const char *text, size_t len, json_t **ret)
{
	struct texpr_scope scope = { .root = t->root, .dot = dot, .vars = t->vars };

	return texpr_eval(text, len, &scope, ret, t->e);
}

/* --- actions --------------------------------------------------------------------------------- */

/* What follows a keyword, NULL when the action is another. */
static const char *after_word(const struct action *a, const char *word)
{
	size_t len = strlen(word);

	if (a->len < len || strncmp(a->text, word, len) != 0 ||
	    (a->len > len && texpr_is_name(a->text[len])))
		return NULL;
	return a->text + len;
}

/* The braces that close, but not inside of a text. */
static const char *find_close(const char *s)
{
	char quote = 0;

	for (; *s; s++) {
		if (quote && *s == '\\' && quote == '"' && s[1])
			s++;
		else if (quote)
			quote = *s == quote ? 0 : quote;
		else if (*s == '"' || *s == '`')
			quote = *s;
		else if (s[0] == '}' && s[1] == '}')
			return s;
	}
	return NULL;
}

static int print_action(struct tmpl *t, json_t *dot, const struct action *a, struct strbuf *out)
{
	json_t *v = NULL;
	int r;

	if (!out)
		return 0;
	r = eval(t, dot, a->text, a->len, &v);
	if (r == 0)
		r = texpr_print(v, out);
	json_decref(v);
	return r;
}

/**
 * struct range - one range action
 * @key, @value: the variables that it sets; without name when it has none
 * @over, @len:	the pipeline that it goes over
 */
struct range {
	struct texpr_var key;
	struct texpr_var value;
	const char *over;
	size_t len;
};

static const char *take_name(const char *s, const char *end, struct texpr_var *v)
{
	if (s == end || *s != '$')
		return NULL;
	v->name = ++s;
	while (s < end && texpr_is_name(*s))
		s++;
	v->len = (size_t)(s - v->name);
	while (s < end && isspace((unsigned char)*s))
		s++;
	return v->len ? s : NULL;
}

/* "$k, $v := .X", "$v := .X" or ".X" */
static void parse_range(const char *s, const char *end, struct range *ret)
{
	struct texpr_var first = { 0 }, second = { 0 };
	const char *p;

	while (s < end && isspace((unsigned char)*s))
		s++;
	*ret = (struct range){ .over = s, .len = (size_t)(end - s) };
	p = take_name(s, end, &first);
	if (p && p < end && *p == ',') {
		for (p++; p < end && isspace((unsigned char)*p); p++)
			;
		p = take_name(p, end, &second);
	}
	if (!p || end - p < 2 || strncmp(p, ":=", 2) != 0)
		return;
	ret->key = second.len ? first : (struct texpr_var){ 0 };
	ret->value = second.len ? second : first;
	ret->over = p + 2;
	ret->len = (size_t)(end - ret->over);
}

/* The body once for every element. */
static int range_over(struct tmpl *t, json_t *list, const struct range *range, struct strbuf *out,
		      enum stop *stop, struct action *alt)
{
	const char *body = t->p;
	const struct texpr_var *outer = t->vars;
	bool object = json_is_object(list);
	size_t n = object ? json_object_size(list) : json_array_size(list);
	void *it = object ? json_object_iter(list) : NULL;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		struct texpr_var key = range->key, value = range->value;

		value.value = object ? json_object_iter_value(it) : json_array_get(list, i);
		value.next = outer;
		key.value = object ? json_string(json_object_iter_key(it)) : json_integer((json_int_t)i);
		key.next = &value;
		t->vars = &key;
		t->p = body;
		r = walk(t, value.value, out, stop, alt);
		t->vars = outer;
		json_decref(key.value);
		it = object ? json_object_iter_next(list, it) : NULL;
	}
	return r;
}

static int block(struct tmpl *t, json_t *dot, const struct action *a, struct strbuf *out);

/* What is behind {{else}}: to {{end}}, or another condition that has one. */
static int otherwise(struct tmpl *t, json_t *dot, const struct action *alt, struct strbuf *out,
		     enum stop *stop)
{
	struct action none;

	if (!alt->len)
		return walk(t, dot, out, stop, &none);
	*stop = STOP_END;
	return block(t, dot, alt, out);
}

static int block(struct tmpl *t, json_t *dot, const struct action *a, struct strbuf *out)
{
	bool is_range = after_word(a, "range"), is_with = after_word(a, "with");
	const char *rest = is_range ? after_word(a, "range") : after_word(a, is_with ? "with" : "if");
	struct action alt = { 0 };
	enum stop stop = STOP_END;
	struct range range = { 0 };
	json_t *v = NULL;
	bool yes;
	int r = 0;

	if (!rest)
		return err_msg(t->e, -EINVAL, "--format: '{{else %.*s}}' is not understood",
			       (int)a->len, a->text);
	parse_range(rest, a->text + a->len, &range);
	if (out)
		r = eval(t, dot, range.over, range.len, &v);
	if (r < 0)
		return r;
	yes = texpr_is_true(v);
	if (is_range && yes && !json_is_object(v) && !json_is_array(v))
		r = err_msg(t->e, -EINVAL, "--format: '%.*s' is no list", (int)range.len, range.over);
	else if (is_range && yes)
		r = range_over(t, v, &range, out, &stop, &alt);
	else
		r = walk(t, is_with && yes ? v : dot, yes ? out : NULL, &stop, &alt);
	if (!r && stop == STOP_ELSE)
		r = otherwise(t, dot, &alt, yes ? NULL : out, &stop);
	json_decref(v);
	if (!r && stop != STOP_END)
		return err_msg(t->e, -EINVAL, "--format: '{{%.*s}}' has no '{{end}}'", (int)a->len,
			       a->text);
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

/* Text up to the next action, and the action; {{- and -}} take blanks away. */
static int next_action(struct tmpl *t, struct strbuf *out, struct action *ret)
{
	const char *open = strstr(t->p, "{{");
	const char *end = open ? open : t->p + strlen(t->p);
	bool trim = open && open[2] == '-' && isspace((unsigned char)open[3]);
	const char *s = open ? open + (trim ? 3 : 2) : end;
	const char *close;
	int r;

	while (trim && end > t->p && isspace((unsigned char)end[-1]))
		end--;
	r = literal(t, end, out);
	if (r < 0 || !open)
		return r;
	close = find_close(s);
	if (!close)
		return err_msg(t->e, -EINVAL, "--format: '{{' has no '}}'");
	t->p = close + 2;
	trim = close - s >= 2 && close[-1] == '-' && isspace((unsigned char)close[-2]);
	while (trim && isspace((unsigned char)*t->p))
		t->p++;
	end = trim ? close - 1 : close;
	while (s < end && isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*ret = (struct action){ .text = s, .len = (size_t)(end - s) };
	return 1;
}

static int walk(struct tmpl *t, json_t *dot, struct strbuf *out, enum stop *ret_stop,
		struct action *ret_else)
{
	struct action a;
	int r = 0;

	if (++t->depth > DEPTH_MAX)
		return err_msg(t->e, -EINVAL, "--format: is nested deeper than %d", DEPTH_MAX);
	*ret_stop = STOP_END_OF_TEXT;
	while (r == 0 && (r = next_action(t, out, &a)) > 0) {
		const char *rest = after_word(&a, "else");

		r = 0;
		if (after_word(&a, "end")) {
			*ret_stop = STOP_END;
			break;
		}
		if (rest) {
			while (rest < a.text + a.len && isspace((unsigned char)*rest))
				rest++;
			*ret_else = (struct action){ rest, (size_t)(a.text + a.len - rest) };
			*ret_stop = STOP_ELSE;
			break;
		}
		if (after_word(&a, "if") || after_word(&a, "range") || after_word(&a, "with"))
			r = block(t, dot, &a, out);
		else
			r = print_action(t, dot, &a, out);
		if (r < 0)
			break;
	}
	t->depth--;
	return r < 0 ? r : 0;
}

json_t *template_text(const char *s)
{
	json_t *v = json_string(s ? s : "");
	auto_free char *plain = v ? NULL : xstrdup(s);

	for (char *p = plain; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return v ? v : json_string(plain);
}

int template_expand(const char *tmpl, json_t *obj, struct strbuf *out, struct err *e)
{
	struct tmpl t = { .p = tmpl, .root = obj, .e = e };
	struct action alt;
	enum stop stop;
	int r = walk(&t, obj, out, &stop, &alt);

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
