/* SPDX-License-Identifier: Apache-2.0
 *
 * json - typed reading of JSON objects, with errors that name the field
 */
#include "runner/oci/json.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/num.h"
#include "common/str.h"

enum { DIGITS_I64 = 18 /* that many always fit */ };

/* Marks an integer that was too big for the library and became a string. */
#define BIG "\\u0001"
#define BIG_CHAR '\001'

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool fits_i64(const char *s, size_t n)
{
	return n <= DIGITS_I64 || (n == 19 && memcmp(s, "9223372036854775807", 19) <= 0);
}

/* Copies the text with big integers as marked strings. */
static int keep_big(const char *text, size_t len, struct strbuf *out)
{
	size_t from = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
			continue;
		}
		if (text[i] == '"')
			in_string = true;
		if (!digit(text[i]))
			continue;

		size_t start = i;
		while (i < len && digit(text[i]))
			i++;
		char before = start ? text[start - 1] : ' ';
		char after = i < len ? text[i] : ' ';
		bool plain = !strchr("-+.eE", before) && !strchr(".eE", after);
		if (plain && !fits_i64(text + start, i - start)) {
			int r = strbuf_add(out, text + from, start - from);
			if (r == 0)
				r = strbuf_addf(out, "\"" BIG "%.*s\"", (int)(i - start), text + start);
			if (r < 0)
				return r;
			from = i;
		}
		i--;
	}
	return strbuf_add(out, text + from, len - from);
}

int json_read(const char *text, size_t len, json_t **ret, struct err *e)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	json_error_t why;

	if (len > SPEC_MAX_JSON)
		return err_msg(e, -EFBIG, "larger than %d bytes", SPEC_MAX_JSON);
	if (keep_big(text, len, &b) < 0)
		return err_set(e, -ENOMEM, "JSON");
	json_t *o = json_loadb(b.s ? b.s : "", b.len, JSON_REJECT_DUPLICATES, &why);
	if (!o)
		return err_msg(e, -EINVAL, "line %d: %s", why.line, why.text);
	if (!json_is_object(o)) {
		json_decref(o);
		return err_msg(e, -EINVAL, "not a JSON object");
	}
	*ret = o;
	return 0;
}

struct jctx json_at(const struct jctx *c, const char *key)
{
	struct jctx sub = *c;

	sub.where = *c->where ? spec_printf(c->s, "%s.%s", c->where, key) : spec_strdup(c->s, key);
	return sub;
}

int json_type_error(const struct jctx *c, const char *key, const char *what)
{
	return err_msg(c->e, -EINVAL, "%s%s%s: %s", c->where, *c->where ? "." : "", key, what);
}

static const json_t *member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_null(v) ? NULL : v;
}

static int own_string(const struct jctx *c, const char *key, const json_t *v, const char **ret)
{
	if (!json_is_string(v))
		return json_type_error(c, key, "not a string");

	const char *text = json_string_value(v);
	size_t len = json_string_length(v);
	if (len > SPEC_MAX_STRING)
		return json_type_error(c, key, "too long");
	if (strlen(text) != len)
		return json_type_error(c, key, "contains a NUL");
	*ret = spec_strdup(c->s, text);
	return 0;
}

int json_get_str(const struct jctx *c, const json_t *o, const char *key, const char **ret)
{
	const json_t *v = member(o, key);

	return v ? own_string(c, key, v, ret) : 0;
}

int json_get_bool(const struct jctx *c, const json_t *o, const char *key, bool *ret)
{
	const json_t *v = member(o, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return json_type_error(c, key, "not true or false");
	*ret = json_is_true(v);
	return 0;
}

int json_get_u64(const struct jctx *c, const json_t *o, const char *key, uint64_t max,
		 uint64_t *ret, bool *ret_set)
{
	const json_t *v = member(o, key);
	uint64_t n;

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		n = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) || json_string_value(v)[0] != BIG_CHAR ||
		 num_u64(json_string_value(v) + 1, &n) < 0)
		return json_type_error(c, key, "not a number of that kind");
	if (n > max)
		return json_type_error(c, key, "too large");
	*ret = n;
	if (ret_set)
		*ret_set = true;
	return 0;
}

int json_get_i64(const struct jctx *c, const json_t *o, const char *key, int64_t min, int64_t max,
		 int64_t *ret, bool *ret_set)
{
	const json_t *v = member(o, key);

	if (!v)
		return 0;
	if (!json_is_integer(v))
		return json_type_error(c, key, "not a number of that kind");
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return json_type_error(c, key, "out of range");
	*ret = json_integer_value(v);
	if (ret_set)
		*ret_set = true;
	return 0;
}

int json_get_flag(const struct jctx *c, const json_t *o, const char *key, struct spec_opt_i64 *ret)
{
	bool on = false;
	int r = json_get_bool(c, o, key, &on);

	if (r == 0 && member(o, key))
		*ret = (struct spec_opt_i64){ true, on };
	return r;
}

int json_get_opt(const struct jctx *c, const json_t *o, const char *key, struct spec_opt_i64 *ret)
{
	const json_t *v = member(o, key);

	/* "no limit" is also written as the largest unsigned number */
	if (json_is_string(v) && json_string_value(v)[0] == BIG_CHAR) {
		*ret = (struct spec_opt_i64){ true, -1 };
		return 0;
	}
	return json_get_i64(c, o, key, INT64_MIN, INT64_MAX, &ret->v, &ret->set);
}

static int check_array(const struct jctx *c, const char *key, const json_t *v)
{
	if (!json_is_array(v))
		return json_type_error(c, key, "not an array");
	if (json_array_size(v) > SPEC_MAX_ITEMS)
		return json_type_error(c, key, "too many entries");
	return 0;
}

int json_get_strv(const struct jctx *c, const json_t *o, const char *key, struct spec_strv *ret)
{
	const json_t *v = member(o, key);

	if (!v)
		return 0;
	int r = check_array(c, key, v);
	if (r < 0)
		return r;

	struct spec_strv l = { spec_alloc(c->s, json_array_size(v) + 1, sizeof(char *)), 0 };
	for (; l.n < json_array_size(v); l.n++) {
		r = own_string(c, key, json_array_get(v, l.n), &l.v[l.n]);
		if (r < 0)
			return r;
	}
	*ret = l;
	return 0;
}

int json_get_map(const struct jctx *c, const json_t *o, const char *key,
		 const struct spec_kv **ret, size_t *ret_n)
{
	json_t *v = json_object_get(o, key); /* iterators want it not const */
	const char *name;
	json_t *value;
	size_t n = 0;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return json_type_error(c, key, "not an object");
	if (json_object_size(v) > SPEC_MAX_ITEMS)
		return json_type_error(c, key, "too many entries");

	struct spec_kv *kv = spec_alloc(c->s, json_object_size(v) + 1, sizeof(*kv));
	struct jctx at = json_at(c, key);
	json_object_foreach(v, name, value) {
		kv[n].key = spec_strdup(c->s, name);
		int r = own_string(&at, name, value, &kv[n].value);
		if (r < 0)
			return r;
		n++;
	}
	*ret = kv;
	*ret_n = n;
	return 0;
}

int json_sub(const struct jctx *c, const json_t *o, const char *key, const json_t **ret)
{
	const json_t *v = member(o, key);

	if (v && !json_is_object(v))
		return json_type_error(c, key, "not an object");
	*ret = v;
	return 0;
}

int json_each(const struct jctx *c, const json_t *o, const char *key, size_t size, void *ret,
	      size_t *ret_n, int (*fn)(const struct jctx *c, const json_t *o, void *elem))
{
	const json_t *v = member(o, key);

	if (!v)
		return 0;
	int r = check_array(c, key, v);
	if (r < 0)
		return r;

	size_t n = json_array_size(v);
	char *elems = spec_alloc(c->s, n + 1, size);
	for (size_t i = 0; i < n; i++) {
		struct jctx at = json_at(c, spec_printf(c->s, "%s[%zu]", key, i));
		const json_t *item = json_array_get(v, i);

		if (!json_is_object(item))
			return err_msg(c->e, -EINVAL, "%s: not an object", at.where);
		r = fn(&at, item, elems + i * size);
		if (r < 0)
			return r;
	}
	memcpy(ret, &elems, sizeof(elems));
	*ret_n = n;
	return 0;
}
