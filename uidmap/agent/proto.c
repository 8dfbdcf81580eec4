/* SPDX-License-Identifier: Apache-2.0
 *
 * proto - what a runtime says when it hands over a seccomp descriptor
 */
#include "uidmap/agent/proto.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/num.h"
#include "common/str.h"

#define LISTENER_NAME "seccompFd"

int proto_mode(const char *s, bool *ret_full)
{
	if (!str_eq(s, "full") && !str_eq(s, "fast"))
		return -EINVAL;
	*ret_full = str_eq(s, "full");
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int parse_groups(const char *s, struct idmeta *m, struct err *e)
{
	struct strv AUTO(strv_clear) words = { 0 };

	if (strv_split(&words, s, '+') < 0)
		return err_msg(e, -ENOMEM, "metadata: no memory");
	if (words.n > PROTO_GROUPS_MAX)
		return err_msg(e, -EINVAL, "metadata: more than %d groups", PROTO_GROUPS_MAX);
	for (size_t i = 0; i < words.n; i++)
		if (num_id(words.v[i], &m->groups[i]) < 0)
			return err_msg(e, -EINVAL, "metadata: groups: '%.20s' is not an id",
				       words.v[i]);
	m->n_groups = (uint32_t)words.n;
	qsort(m->groups, m->n_groups, sizeof(*m->groups), by_value);
	return 0;
}

static int parse_part(const char *part, struct idmeta *m, struct err *e)
{
	const char *v;
	int r;

	if ((v = str_after(part, "groups=")))
		return parse_groups(v, m, e);
	if ((v = str_after(part, "uid=")))
		r = num_id(v, &m->uid);
	else if ((v = str_after(part, "gid=")))
		r = num_id(v, &m->gid);
	else if ((v = str_after(part, "mode=")))
		r = proto_mode(v, &m->full);
	else
		r = -EINVAL;
	return r < 0 ? err_msg(e, -EINVAL, "metadata: '%.60s' is not understood", part) : 0;
}

int proto_metadata(const char *s, bool full, struct idmeta *ret, struct err *e)
{
	struct strv AUTO(strv_clear) parts = { 0 };
	struct idmeta m = { .full = full };

	if (*s && strv_split(&parts, s, ',') < 0)
		return err_msg(e, -ENOMEM, "metadata: no memory");
	for (size_t i = 0; i < parts.n; i++) {
		int r = parse_part(parts.v[i], &m, e);

		if (r < 0)
			return r;
	}
	*ret = m;
	return 0;
}

static int find_listener(const json_t *fds, size_t *ret)
{
	for (size_t i = 0; i < json_array_size(fds); i++) {
		const char *name = json_string_value(json_array_get(fds, i));

		if (name && str_eq(name, LISTENER_NAME)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_object(const json_t *o, bool full, struct hello *ret, struct err *e)
{
	json_int_t pid = json_integer_value(json_object_get(o, "pid"));
	const json_t *meta = json_object_get(o, "metadata");
	struct hello h = { 0 };
	int r;

	/* crun 1.8 sends 0 for a command that joins */
	if (!json_is_integer(json_object_get(o, "pid")) || pid < 0 || pid > INT_MAX)
		return err_msg(e, -EINVAL, "message: no pid");
	if (find_listener(json_object_get(o, "fds"), &h.fd_index) < 0)
		return err_msg(e, -EINVAL, "message: fds: no %s", LISTENER_NAME);
	if (meta && !json_is_string(meta))
		return err_msg(e, -EINVAL, "message: metadata is no string");
	r = proto_metadata(meta ? json_string_value(meta) : "", full, &h.meta, e);
	if (r < 0)
		return r;
	h.pid = (pid_t)pid;
	*ret = h;
	return 0;
}

int proto_parse(const char *text, size_t len, bool full, struct hello *ret, struct err *e)
{
	json_error_t why;
	json_t *o = json_loadb(text, len, 0, &why);
	int r;

	if (!o && json_error_code(&why) == json_error_premature_end_of_input)
		return err_msg(e, -EAGAIN, "message: not complete");
	if (!o)
		return err_msg(e, -EINVAL, "message: not JSON: %s", why.text);
	r = parse_object(o, full, ret, e);
	json_decref(o);
	return r;
}
