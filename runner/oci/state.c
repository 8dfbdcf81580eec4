/* SPDX-License-Identifier: Apache-2.0
 *
 * state - what is known about a container, for hooks and for other commands
 */
#include "runner/oci/state.h"

#include <jansson.h>

#include "common/str.h"

char *state_json(const struct oci_state *s)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "ociVersion", json_string(SPEC_VERSION));
	(void)json_object_set_new(o, "id", json_string(s->id));
	(void)json_object_set_new(o, "status", json_string(s->status));
	if (s->pid > 0)
		(void)json_object_set_new(o, "pid", json_integer(s->pid));
	(void)json_object_set_new(o, "bundle", json_string(s->bundle ? s->bundle : "/"));
	if (s->spec && s->spec->n_annotations) {
		json_t *a = json_object();

		for (size_t i = 0; i < s->spec->n_annotations; i++)
			(void)json_object_set_new(a, s->spec->annotations[i].key,
						  json_string(s->spec->annotations[i].value));
		(void)json_object_set_new(o, "annotations", a);
	}

	char *text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	return text ? text : xstrdup("{}");
}
