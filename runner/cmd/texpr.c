/* SPDX-License-Identifier: Apache-2.0
 *
 * texpr - what stands between the braces of a template: values and functions
 *
 * How it works: one function for each line of the grammar in texpr.h reads from
 * the front of the text and hands back a new reference to the value.
 */
#include "runner/cmd/texpr.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/num.h"

#define DEPTH_MAX 32
#define OPERANDS_MAX 8

/**
 * struct reader - one expression on its way
 * @p, @end:	what is not read yet
 */
struct reader {
	const char *p;
	const char *end;
	const struct texpr_scope *scope;
	unsigned int depth;
	struct err *e;
};

static int pipeline(struct reader *rd, json_t **ret);

/* --- values ------------------------------------------------------------------------- */

/* As Go prints values: lists in [a b], maps in map[k:v]. */
int texpr_print(json_t *v, struct strbuf *out)
{
	const char *sep = "";
	json_t *item;
	size_t i;
	int r;

	if (!v)
		return 0;
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
			r |= texpr_print(item, out);
		}
		return r | strbuf_adds(out, "]");
	case JSON_OBJECT:
	default:
		break;
	}
	r = strbuf_adds(out, "map[");
	for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it)) {
		r |= strbuf_addf(out, "%s%s:", sep, json_object_iter_key(it));
		r |= texpr_print(json_object_iter_value(it), out);
		sep = " ";
	}
	return r | strbuf_adds(out, "]");
}

bool texpr_is_true(const json_t *v)
{
	if (!v)
		return false;
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

static json_t *text_of(struct strbuf *b)
{
	return json_stringn_nocheck(b->s ? b->s : "", b->len);
}

static json_t *fn_json(json_t **v, size_t n)
{
	auto_free char *text = v[0] ? json_dumps(v[0], JSON_COMPACT | JSON_ENCODE_ANY) : xstrdup("null");

	(void)n;
	return text ? json_string(text) : NULL;
}

static json_t *fn_index(json_t **v, size_t n)
{
	json_t *at = v[0];

	for (size_t i = 1; at && i < n; i++) {
		if (json_is_array(at))
			at = json_array_get(at, (size_t)json_integer_value(v[i]));
		else
			at = json_object_get(at, v[i] && json_is_string(v[i]) ? json_string_value(v[i]) : "");
	}
	return json_incref(at);
}

static json_t *fn_len(json_t **v, size_t n)
{
	(void)n;
	return json_integer((json_int_t)(json_is_string(v[0])  ? json_string_length(v[0]) :
					 json_is_array(v[0]) ? json_array_size(v[0]) :
								 json_object_size(v[0])));
}

static json_t *change_case(json_t *v, int (*fn)(int))
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	if (texpr_print(v, &b) < 0)
		return NULL;
	for (size_t i = 0; i < b.len; i++)
		b.s[i] = (char)fn((unsigned char)b.s[i]);
	return text_of(&b);
}

static json_t *fn_lower(json_t **v, size_t n)
{
	(void)n;
	return change_case(v[0], tolower);
}

static json_t *fn_upper(json_t **v, size_t n)
{
	(void)n;
	return change_case(v[0], toupper);
}

static json_t *fn_join(json_t **v, size_t n)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	const char *sep = n > 1 && v[1] ? json_string_value(v[1]) : NULL;
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(v[0], i, item) {
		r |= i ? strbuf_adds(&b, sep ? sep : "") : 0;
		r |= texpr_print(item, &b);
	}
	return r ? NULL : text_of(&b);
}

static json_t *fn_split(json_t **v, size_t n)
{
	AUTO(strv_clear) struct strv parts = { 0 };
	const char *s = v[0] ? json_string_value(v[0]) : NULL;
	const char *sep = v[1] ? json_string_value(v[1]) : NULL;
	json_t *list = json_array();

	(void)n;
	if (s && sep && *sep && strv_split(&parts, s, *sep) == 0)
		for (size_t i = 0; i < parts.n; i++)
			(void)json_array_append_new(list, json_string(parts.v[i]));
	return list;
}

static json_t *print_all(json_t **v, size_t n, const char *end)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		r |= i ? strbuf_adds(&b, " ") : 0;
		r |= texpr_print(v[i], &b);
	}
	r |= strbuf_adds(&b, end);
	return r ? NULL : text_of(&b);
}

static json_t *fn_println(json_t **v, size_t n)
{
	return print_all(v, n, "\n");
}

static json_t *fn_print(json_t **v, size_t n)
{
	return print_all(v, n, "");
}

static json_t *fn_eq(json_t **v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[0] && v[i] && json_equal(v[0], v[i]))
			return json_true();
	return json_false();
}

static json_t *fn_ne(json_t **v, size_t n)
{
	(void)n;
	return json_boolean(!(v[0] && v[1] && json_equal(v[0], v[1])));
}

static json_t *fn_not(json_t **v, size_t n)
{
	(void)n;
	return json_boolean(!texpr_is_true(v[0]));
}

/* The first that decides, or the last, as in Go. */
static json_t *fn_and(json_t **v, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && texpr_is_true(v[i]))
		i++;
	return json_incref(v[i]);
}

static json_t *fn_or(json_t **v, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && !texpr_is_true(v[i]))
		i++;
	return json_incref(v[i]);
}

static const struct function {
	const char *name;
	json_t *(*fn)(json_t **v, size_t n);
	size_t min, max;
} functions[] = {
	{ "and", fn_and, 1, OPERANDS_MAX },	{ "eq", fn_eq, 2, OPERANDS_MAX },
	{ "index", fn_index, 1, OPERANDS_MAX }, { "join", fn_join, 1, 2 },
	{ "json", fn_json, 1, 1 },		{ "len", fn_len, 1, 1 },
	{ "lower", fn_lower, 1, 1 },		{ "ne", fn_ne, 2, 2 },
	{ "not", fn_not, 1, 1 },		{ "or", fn_or, 1, OPERANDS_MAX },
	{ "print", fn_print, 1, OPERANDS_MAX }, { "println", fn_println, 1, OPERANDS_MAX },
	{ "split", fn_split, 2, 2 },		{ "upper", fn_upper, 1, 1 },
};

/* --- reading --------------------------------------------------------------------------------- */

bool texpr_is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void skip_blanks(struct reader *rd)
{
	while (rd->p < rd->end && isspace((unsigned char)*rd->p))
		rd->p++;
}

static bool at(const struct reader *rd, char c)
{
	return rd->p < rd->end && *rd->p == c;
}

static size_t name_len(const struct reader *rd)
{
	size_t len = 0;

	while (rd->p + len < rd->end && texpr_is_name(rd->p[len]))
		len++;
	return len;
}

static int not_understood(struct reader *rd)
{
	int len = (int)(rd->end - rd->p);

	return err_msg(rd->e, -EINVAL, "--format: '%.*s' is not understood", len, rd->p);
}

/* Follows .A.B behind a value; the reference to @from is used up. */
static int path(struct reader *rd, json_t *from, json_t **ret)
{
	const char *start = rd->p;

	while (at(rd, '.')) {
		auto_free char *name = NULL;
		json_t *next;
		size_t len;

		rd->p++;
		len = strcspn(rd->p, ". \t\n|()");
		if (len > (size_t)(rd->end - rd->p))
			len = (size_t)(rd->end - rd->p);
		if (!len)
			break;
		name = xstrndup(rd->p, len);
		rd->p += len;
		next = json_incref(json_object_get(from, name));
		json_decref(from);
		if (!next)
			return err_msg(rd->e, -ENOENT, "--format: there is no field '%.*s'",
				       (int)(rd->p - start), start);
		from = next;
	}
	*ret = from;
	return 0;
}

static int quoted(struct reader *rd, json_t **ret)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	char quote = *rd->p++;

	for (; rd->p < rd->end && *rd->p != quote; rd->p++) {
		char c = *rd->p;

		if (quote == '"' && c == '\\' && rd->p + 1 < rd->end) {
			c = *++rd->p;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		if (strbuf_add(&b, &c, 1) < 0)
			return -ENOMEM;
	}
	if (rd->p == rd->end)
		return err_msg(rd->e, -EINVAL, "--format: a text has no end");
	rd->p++;
	*ret = text_of(&b);
	return 0;
}

static int number(struct reader *rd, json_t **ret)
{
	size_t len = name_len(rd);
	auto_free char *text = xstrndup(rd->p, len);
	uint32_t n;

	if (num_u32(text, &n) < 0)
		return not_understood(rd);
	rd->p += len;
	*ret = json_integer(n);
	return 0;
}

static int variable(struct reader *rd, json_t **ret)
{
	size_t len;

	rd->p++;
	len = name_len(rd);
	if (!len)
		return path(rd, json_incref(rd->scope->root), ret);
	for (const struct texpr_var *v = rd->scope->vars; v; v = v->next) {
		if (v->len != len || strncmp(v->name, rd->p, len) != 0)
			continue;
		rd->p += len;
		return path(rd, json_incref(v->value), ret);
	}
	rd->p--;
	return not_understood(rd);
}

static int group(struct reader *rd, json_t **ret)
{
	json_t *v = NULL;
	int r;

	if (++rd->depth > DEPTH_MAX)
		return err_msg(rd->e, -EINVAL, "--format: is nested deeper than %d", DEPTH_MAX);
	rd->p++;
	r = pipeline(rd, &v);
	rd->depth--;
	if (r < 0)
		return r;
	if (!at(rd, ')')) {
		json_decref(v);
		return err_msg(rd->e, -EINVAL, "--format: '(' has no ')'");
	}
	rd->p++;
	return path(rd, v, ret);
}

static int operand(struct reader *rd, json_t **ret)
{
	size_t len = name_len(rd);

	if (at(rd, '.'))
		return path(rd, json_incref(rd->scope->dot), ret);
	if (at(rd, '$'))
		return variable(rd, ret);
	if (at(rd, '"') || at(rd, '`'))
		return quoted(rd, ret);
	if (at(rd, '('))
		return group(rd, ret);
	if (rd->p < rd->end && isdigit((unsigned char)*rd->p))
		return number(rd, ret);
	if ((len == 4 && !strncmp(rd->p, "true", 4)) || (len == 5 && !strncmp(rd->p, "false", 5))) {
		*ret = json_boolean(len == 4);
		rd->p += len;
		return 0;
	}
	return not_understood(rd);
}

/* The operands behind a function's name, and what a pipe brought as the last. */
static int call(struct reader *rd, const struct function *f, json_t *piped, json_t **ret)
{
	json_t *v[OPERANDS_MAX + 1] = { NULL };
	size_t n = 0;
	int r = 0;

	for (skip_blanks(rd); r == 0 && rd->p < rd->end && !at(rd, '|') && !at(rd, ')'); skip_blanks(rd)) {
		if (n == OPERANDS_MAX)
			r = err_msg(rd->e, -EINVAL, "--format: '%s' has too many operands", f->name);
		else
			r = operand(rd, &v[n++]);
	}
	if (r == 0 && piped)
		v[n++] = json_incref(piped);
	if (r == 0 && (n < f->min || n > f->max))
		r = err_msg(rd->e, -EINVAL, "--format: '%s' with %zu operands", f->name, n);
	if (r == 0)
		*ret = f->fn(v, n);
	for (size_t i = 0; i < n; i++)
		json_decref(v[i]);
	return r;
}

static int command(struct reader *rd, json_t *piped, json_t **ret)
{
	size_t len;

	skip_blanks(rd);
	len = name_len(rd);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strlen(functions[i].name) != len || strncmp(functions[i].name, rd->p, len) != 0)
			continue;
		rd->p += len;
		return call(rd, &functions[i], piped, ret);
	}
	return piped ? not_understood(rd) : operand(rd, ret);
}

static int pipeline(struct reader *rd, json_t **ret)
{
	json_t *v = NULL;
	int r = command(rd, NULL, &v);

	for (skip_blanks(rd); r == 0 && at(rd, '|'); skip_blanks(rd)) {
		json_t *piped = v;

		v = NULL;
		rd->p++;
		r = command(rd, piped, &v);
		json_decref(piped);
	}
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}

int texpr_eval(const char *text, size_t len, const struct texpr_scope *scope, json_t **ret,
	       struct err *e)
{
	struct reader rd = { .p = text, .end = text + len, .scope = scope, .e = e };
	json_t *v = NULL;
	int r;

	skip_blanks(&rd);
	if (rd.p == rd.end)
		return err_msg(e, -EINVAL, "--format: '{{}}' is empty");
	r = pipeline(&rd, &v);
	if (r < 0)
		return r;
	if (rd.p < rd.end) {
		json_decref(v);
		return not_understood(&rd);
	}
	*ret = v;
	return 0;
}
