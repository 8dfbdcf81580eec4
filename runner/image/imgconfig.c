/* SPDX-License-Identifier: Apache-2.0
 *
 * imgconfig - an image's config object
 */
#include "runner/image/imgconfig.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "runner/image/digest.h"
#include "runner/image/json.h"

#define HISTORY_MAX 4096

void image_config_clear(struct image_config *c)
{
	strv_clear(&c->entrypoint);
	strv_clear(&c->cmd);
	strv_clear(&c->env);
	strv_clear(&c->shell);
	strv_clear(&c->exposed);
	strv_clear(&c->volumes);
	strv_clear(&c->health.test);
	strv_clear(&c->diff_ids);
	for (size_t i = 0; i < c->n_labels; i++) {
		free(c->labels[i].key);
		free(c->labels[i].value);
	}
	for (size_t i = 0; i < c->n_history; i++) {
		free(c->history[i].created);
		free(c->history[i].created_by);
		free(c->history[i].comment);
	}
	free(c->labels);
	free(c->history);
	free(c->workdir);
	free(c->user);
	free(c->stop_signal);
	free(c->architecture);
	free(c->os);
	free(c->variant);
	free(c->created);
	free(c->author);
	*c = (struct image_config){ 0 };
}

static char *dup_str(const json_t *obj, const char *key)
{
	const char *s = json_str(obj, key);

	return s && *s ? xstrdup(s) : NULL;
}

/* Entrypoint and Cmd are lists; some old builders wrote one string. */
static void words(const json_t *obj, const char *key, struct strv *out)
{
	const char *s = json_str(obj, key);

	if (s && *s && !strv_add(out, s))
		return;
	json_strv(obj, key, out);
}

static void parse_labels(json_t *obj, struct image_config *c)
{
	size_t n = json_object_size(obj);

	if (!n)
		return;
	c->labels = xcalloc(n, sizeof(*c->labels));
	for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
		const char *v = json_string_value(json_object_iter_value(it));
		struct image_pair *p = &c->labels[c->n_labels++];

		p->key = xstrdup(json_object_iter_key(it));
		p->value = xstrdup(v ? v : "");
	}
}

static void parse_health(const json_t *h, struct image_health *out)
{
	json_int_t retries = json_integer_value(json_object_get(h, "Retries"));

	json_strv(h, "Test", &out->test);
	out->interval_ns = json_integer_value(json_object_get(h, "Interval"));
	out->timeout_ns = json_integer_value(json_object_get(h, "Timeout"));
	out->start_period_ns = json_integer_value(json_object_get(h, "StartPeriod"));
	out->retries = retries > 0 && retries < 1000000 ? (int)retries : 0;
}

static void parse_run(const json_t *run, struct image_config *c)
{
	words(run, "Entrypoint", &c->entrypoint);
	words(run, "Cmd", &c->cmd);
	json_strv(run, "Env", &c->env);
	json_strv(run, "Shell", &c->shell);
	json_keys(run, "ExposedPorts", &c->exposed);
	json_keys(run, "Volumes", &c->volumes);
	c->workdir = dup_str(run, "WorkingDir");
	c->user = dup_str(run, "User");
	c->stop_signal = dup_str(run, "StopSignal");
	parse_labels(json_object_get(run, "Labels"), c);
	parse_health(json_object_get(run, "Healthcheck"), &c->health);
}

static void parse_history(const json_t *arr, struct image_config *c)
{
	size_t n = json_array_size(arr);

	if (!n || n > HISTORY_MAX)
		return;
	c->history = xcalloc(n, sizeof(*c->history));
	c->n_history = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *h = json_array_get(arr, i);

		c->history[i].created = dup_str(h, "created");
		c->history[i].created_by = dup_str(h, "created_by");
		c->history[i].comment = dup_str(h, "comment");
		c->history[i].empty_layer = json_is_true(json_object_get(h, "empty_layer"));
	}
}

int image_config_parse(const char *data, size_t len, const char *what, struct image_config *ret,
		       struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	AUTO(image_config_clear) struct image_config c = { 0 };
	int r = json_object_load(data, len, what, &j, e);

	if (r)
		return r;
	parse_run(json_object_get(j, "config"), &c);
	parse_history(json_object_get(j, "history"), &c);
	c.architecture = dup_str(j, "architecture");
	c.os = dup_str(j, "os");
	c.variant = dup_str(j, "variant");
	c.created = dup_str(j, "created");
	c.author = dup_str(j, "author");

	json_strv(json_object_get(j, "rootfs"), "diff_ids", &c.diff_ids);
	if (c.diff_ids.n > IMAGE_LAYERS_MAX)
		return err_msg(e, -EINVAL, "%s: has %zu layers, more than %d", what,
			       c.diff_ids.n, IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < c.diff_ids.n; i++) {
		if (!digest_is_valid(c.diff_ids.v[i]))
			return err_msg(e, -EINVAL, "%s: diff id '%.100s' is not a sha256 digest",
				       what, c.diff_ids.v[i]);
	}
	*ret = c;
	c = (struct image_config){ 0 };
	return 0;
}
