/* SPDX-License-Identifier: Apache-2.0
 *
 * json - reading other people's JSON
 */
#include "runner/image/json.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/err.h"

int json_object_load(const char *data, size_t len, const char *what, json_t **ret, struct err *e)
{
	json_error_t why;
	json_t *j = json_loadb(data, len, 0, &why);

	if (!j)
		return err_msg(e, -EINVAL, "%s: line %d: %s", what, why.line, why.text);
	if (!json_is_object(j)) {
		json_decref(j);
		return err_msg(e, -EINVAL, "%s: is not a JSON object", what);
	}
	*ret = j;
	return 0;
}

static const char *text_of(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

const char *json_str(const json_t *obj, const char *key)
{
	return text_of(json_object_get(obj, key));
}

static void xstrv_add(struct strv *out, const char *s)
{
	/* the x* regime: without memory there is nothing to go on with */
	if (strv_add(out, s))
		(void)xcalloc(SIZE_MAX, 1);
}

void json_strv(const json_t *obj, const char *key, struct strv *out)
{
	const json_t *arr = json_object_get(obj, key);
	size_t i;
	json_t *v;

	json_array_foreach(arr, i, v) {
		const char *s = text_of(v);

		if (s)
			xstrv_add(out, s);
	}
}

void json_keys(const json_t *obj, const char *key, struct strv *out)
{
	json_t *o = json_object_get(obj, key);

	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
		xstrv_add(out, json_object_iter_key(it));
}
