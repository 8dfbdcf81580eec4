/* SPDX-License-Identifier: Apache-2.0
 *
 * ctrecord - container.json, from one table for both directions
 *
 * Members that hold nothing (empty, 0, false) are not written.
 */
#include "runner/engine/ctrecord.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"

#define RECORD_VERSION 1
#define RECORD_LIST_MAX 65536
#define RAW_MARK '\1'

enum field_type {
	FIELD_STR,
	FIELD_LIST,
	FIELD_BOOL,
	FIELD_INT,
	FIELD_I64,
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
};

#define FIELD(s, t, f) { #f, FIELD_##t, offsetof(struct container_##s, f) }

static const struct field config_fields[] = {
	FIELD(config, STR, image),
	FIELD(config, STR, image_id),
	FIELD(config, LIST, layers),
	FIELD(config, BOOL, wh_files),
	FIELD(config, LIST, entrypoint),
	FIELD(config, LIST, cmd),
	FIELD(config, LIST, args),
	FIELD(config, LIST, env),
	FIELD(config, STR, workdir),
	FIELD(config, STR, user),
	FIELD(config, LIST, group_add),
	FIELD(config, STR, hostname),
	FIELD(config, LIST, labels),
	FIELD(config, LIST, annotations),
	FIELD(config, BOOL, tty),
	FIELD(config, BOOL, open_stdin),
	FIELD(config, BOOL, rm),
	FIELD(config, BOOL, read_only),
	FIELD(config, BOOL, privileged),
	FIELD(config, BOOL, no_hosts),
	FIELD(config, BOOL, publish_all),
	FIELD(config, BOOL, rungs),
	FIELD(config, LIST, require),
	FIELD(config, STR, recorded_ids),
	FIELD(config, STR, network),
	FIELD(config, LIST, publish),
	FIELD(config, LIST, expose),
	FIELD(config, LIST, add_host),
	FIELD(config, LIST, dns),
	FIELD(config, LIST, dns_search),
	FIELD(config, LIST, dns_option),
	FIELD(config, LIST, mounts),
	FIELD(config, LIST, devices),
	FIELD(config, LIST, cap_add),
	FIELD(config, LIST, cap_drop),
	FIELD(config, LIST, security_opt),
	FIELD(config, LIST, ulimit),
	FIELD(config, LIST, sysctl),
	FIELD(config, STR, pid_mode),
	FIELD(config, STR, ipc_mode),
	FIELD(config, STR, uts_mode),
	FIELD(config, I64, shm_size),
	FIELD(config, INT, stop_signal),
	FIELD(config, INT, stop_timeout),
	FIELD(config, INT, oom_score_adj),
	FIELD(config, I64, memory),
	FIELD(config, I64, memory_reservation),
	FIELD(config, I64, memory_swap),
	FIELD(config, I64, cpu_period),
	FIELD(config, I64, cpu_quota),
	FIELD(config, I64, cpu_shares),
	FIELD(config, STR, cpuset_cpus),
	FIELD(config, STR, cpuset_mems),
	FIELD(config, I64, pids_limit),
	FIELD(config, STR, log_driver),
	FIELD(config, I64, log_max),
};

static const struct field state_fields[] = {
	FIELD(state, INT, status),
	FIELD(state, INT, monitor_pid),
	FIELD(state, I64, monitor_start),
	FIELD(state, INT, pid),
	FIELD(state, I64, pid_start),
	FIELD(state, STR, boot_id),
	FIELD(state, STR, runroot),
	FIELD(state, I64, created),
	FIELD(state, I64, started),
	FIELD(state, I64, finished),
	FIELD(state, INT, exit_code),
	FIELD(state, STR, error),
	FIELD(state, STR, rung_ids),
	FIELD(state, STR, rung_rootfs),
	FIELD(state, STR, rung_network),
	FIELD(state, STR, rung_cgroups),
	FIELD(state, STR, cgroup),
	FIELD(state, LIST, ports),
};

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Arguments, variables and paths need not be UTF-8, JSON strings must. Other
 * text is written as if it were Latin-1, behind a byte that no text starts
 * with. */
static json_t *text_to_json(const char *s)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	json_t *v = *s == RAW_MARK ? NULL : json_string(s);

	if (v)
		return v;
	(void)strbuf_addf(&b, "%c", RAW_MARK);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char utf8[2] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };

		if (strbuf_add(&b, c < 0x80 ? s : utf8, c < 0x80 ? 1 : 2) < 0)
			return NULL;
	}
	return json_string(b.s);
}

static char *text_from_json(const json_t *v)
{
	const char *s = json_string_value(v);
	char *out, *w;

	if (*s != RAW_MARK)
		return strdup(s);
	out = w = malloc(strlen(s));
	if (!out)
		return NULL;
	for (s++; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x80 && s[1])
			c = (unsigned char)(c << 6 | (*++s & 0x3f));
		*w++ = (char)c;
	}
	*w = '\0';
	return out;
}

static json_t *list_to_json(const struct strv *l)
{
	json_t *arr = json_array();

	for (size_t i = 0; arr && i < l->n; i++) {
		json_t *s = text_to_json(l->v[i]);

		if (json_array_append_new(arr, s) < 0) {
			json_decref(arr);
			return NULL;
		}
	}
	return arr;
}

/* What a member is worth writing, NULL if it is empty. */
static json_t *field_to_json(const struct field *f, const char *base, bool *failed)
{
	const void *p = base + f->offset;
	json_t *v = NULL;

	switch (f->type) {
	case FIELD_STR: {
		const char *s = *(char *const *)p;

		if (!s || !*s)
			return NULL;
		v = text_to_json(s);
		break;
	}
	case FIELD_LIST:
		if (!((const struct strv *)p)->n)
			return NULL;
		v = list_to_json(p);
		break;
	case FIELD_BOOL:
		if (!*(const bool *)p)
			return NULL;
		v = json_true();
		break;
	case FIELD_INT:
		if (!*(const int *)p)
			return NULL;
		v = json_integer(*(const int *)p);
		break;
	case FIELD_I64:
		if (!*(const int64_t *)p)
			return NULL;
		v = json_integer(*(const int64_t *)p);
		break;
	}
	if (!v)
		*failed = true;
	return v;
}

static json_t *fields_to_json(const struct field *fields, size_t n, const void *base)
{
	json_t *obj = json_object();
	bool failed = !obj;

	for (size_t i = 0; !failed && i < n; i++) {
		json_t *v = field_to_json(&fields[i], base, &failed);

		if (v && json_object_set_new_nocheck(obj, fields[i].key, v) < 0)
			failed = true;
	}
	if (!failed)
		return obj;
	json_decref(obj);
	return NULL;
}

char *ctrecord_format(const struct container *c, size_t *ret_len)
{
	json_t *root = json_object();
	json_t *config = fields_to_json(config_fields, N_ELEMENTS(config_fields), &c->config);
	json_t *state = fields_to_json(state_fields, N_ELEMENTS(state_fields), &c->state);
	char *text = NULL;

	if (root && config && state &&
	    json_object_set_new(root, "version", json_integer(RECORD_VERSION)) == 0 &&
	    json_object_set_new(root, "id", json_string(c->id)) == 0 &&
	    json_object_set_new(root, "name", json_string(c->name)) == 0 &&
	    json_object_set(root, "config", config) == 0 &&
	    json_object_set(root, "state", state) == 0)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	json_decref(config);
	json_decref(state);
	if (text && ret_len)
		*ret_len = strlen(text);
	return text;
}

static int list_from_json(const json_t *v, struct strv *l)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v) || n > RECORD_LIST_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(v, i);
		auto_free char *s = NULL;

		if (!json_is_string(item))
			return -EBADMSG;
		s = text_from_json(item);
		if (!s || strv_add(l, s) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int field_from_json(const struct field *f, const json_t *v, char *base)
{
	void *p = base + f->offset;
	json_int_t i;

	switch (f->type) {
	case FIELD_STR:
		if (!json_is_string(v))
			return -EBADMSG;
		free(*(char **)p);
		*(char **)p = text_from_json(v);
		return *(char **)p ? 0 : -ENOMEM;
	case FIELD_LIST:
		strv_clear(p);
		return list_from_json(v, p);
	case FIELD_BOOL:
		if (!json_is_boolean(v))
			return -EBADMSG;
		*(bool *)p = json_is_true(v);
		return 0;
	case FIELD_INT:
		i = json_integer_value(v);
		if (!json_is_integer(v) || i < INT32_MIN || i > INT32_MAX)
			return -EBADMSG;
		*(int *)p = (int)i;
		return 0;
	case FIELD_I64:
		if (!json_is_integer(v))
			return -EBADMSG;
		*(int64_t *)p = json_integer_value(v);
		return 0;
	}
	return -EBADMSG;
}

static int fields_from_json(const struct field *fields, size_t n, const json_t *obj,
			    const json_t *none, void *base, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(obj, fields[i].key);
		int r;

		/* Empty strings are not written: they are there all the same. */
		if (!v && fields[i].type == FIELD_STR)
			v = none;
		if (!v)
			continue;
		r = field_from_json(&fields[i], v, base);
		if (r < 0)
			return err_set(e, r, "container.json: %s", fields[i].key);
	}
	return 0;
}

static int parse_root(const json_t *root, struct container *c, struct err *e)
{
	const char *id = json_string_value(json_object_get(root, "id"));
	const char *name = json_string_value(json_object_get(root, "name"));
	const json_t *config = json_object_get(root, "config");
	const json_t *state = json_object_get(root, "state");
	json_t *none;
	int r;

	if (json_integer_value(json_object_get(root, "version")) != RECORD_VERSION)
		return err_msg(e, -EBADMSG, "container.json: not a record of version %d",
			       RECORD_VERSION);
	if (!id || strlen(id) != CONTAINER_ID_LEN || strspn(id, "0123456789abcdef") != CONTAINER_ID_LEN)
		return err_msg(e, -EBADMSG, "container.json: no valid id");
	if (!name || !json_is_object(config) || !json_is_object(state))
		return err_msg(e, -EBADMSG, "container.json: name, config or state is missing");
	memcpy(c->id, id, CONTAINER_ID_LEN + 1);
	free(c->name);
	c->name = xstrdup(name);
	none = json_string("");
	r = fields_from_json(config_fields, N_ELEMENTS(config_fields), config, none, &c->config, e);
	if (r == 0)
		r = fields_from_json(state_fields, N_ELEMENTS(state_fields), state, none, &c->state, e);
	json_decref(none);
	if (r < 0)
		return r;
	if (c->state.status < 0 || c->state.status >= CONTAINER_STATUS_MAX_)
		return err_msg(e, -EBADMSG, "container.json: status %d is not known",
			       c->state.status);
	return 0;
}

int ctrecord_parse(const char *text, size_t len, struct container *c, struct err *e)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, 0, &why);
	int r;

	if (!root)
		return err_msg(e, -EBADMSG, "container.json: line %d: %s", why.line, why.text);
	ctrecord_clear(c);
	r = parse_root(root, c, e);
	json_decref(root);
	return r;
}

static void fields_clear(const struct field *fields, size_t n, char *base)
{
	for (size_t i = 0; i < n; i++) {
		void *p = base + fields[i].offset;

		if (fields[i].type == FIELD_STR)
			free(*(char **)p);
		else if (fields[i].type == FIELD_LIST)
			strv_clear(p);
	}
}

void ctrecord_clear(struct container *c)
{
	fields_clear(config_fields, N_ELEMENTS(config_fields), (char *)&c->config);
	fields_clear(state_fields, N_ELEMENTS(state_fields), (char *)&c->state);
	memset(&c->config, 0, sizeof(c->config));
	memset(&c->state, 0, sizeof(c->state));
}
