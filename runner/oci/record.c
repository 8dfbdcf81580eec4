/* SPDX-License-Identifier: Apache-2.0
 *
 * record - what runner-oci remembers of a container between two commands
 */
#include "runner/oci/record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/json.h"
#include "runner/oci/ns.h"

void record_init(struct record *r)
{
	*r = (struct record){ .id = "", .bundle = "", .rootfs = "", .created = "", .cgroup = "",
			      .scope = "" };
	spec_init(&r->mem);
}

void record_clear(struct record *r)
{
	spec_clear(&r->mem);
}

static int parse_ns(const struct jctx *c, const json_t *o, struct record *r)
{
	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++) {
		struct jctx at = json_at(c, ns_kind(t)->name);
		const json_t *sub;

		int ret = json_sub(c, o, ns_kind(t)->name, &sub);
		if (ret == 0 && sub)
			ret = json_get_u64(&at, sub, "dev", INT64_MAX, &r->ns[t].dev, NULL);
		if (ret == 0 && sub)
			ret = json_get_u64(&at, sub, "ino", INT64_MAX, &r->ns[t].ino, NULL);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int parse(const struct jctx *c, const json_t *o, struct record *r)
{
	const struct {
		const char *key, **to;
	} strings[] = {
		{ "id", &r->id },	    { "bundle", &r->bundle }, { "rootfs", &r->rootfs },
		{ "created", &r->created }, { "cgroup", &r->cgroup }, { "scope", &r->scope },
	};
	uint64_t pid = 0, owner = 0;
	const json_t *ns;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(strings) / sizeof(strings[0]); i++)
		ret = json_get_str(c, o, strings[i].key, strings[i].to);
	if (ret == 0)
		ret = json_get_u64(c, o, "pid", INT32_MAX, &pid, NULL);
	if (ret == 0)
		ret = json_get_u64(c, o, "start", INT64_MAX, &r->start, NULL);
	if (ret == 0)
		ret = json_get_u64(c, o, "owner", UINT32_MAX, &owner, NULL);
	if (ret == 0)
		ret = json_get_bool(c, o, "cgroupOurs", &r->cgroup_ours);
	if (ret == 0)
		ret = json_get_bool(c, o, "halfMade", &r->half_made);
	if (ret == 0)
		ret = json_sub(c, o, "namespaces", &ns);
	if (ret == 0 && ns)
		ret = parse_ns(c, ns, r);
	if (ret < 0)
		return ret;
	/* this path is removed one day: it must not be something else's */
	if (*r->cgroup && (r->cgroup[0] != '/' || strstr(r->cgroup, "/../")))
		return json_type_error(c, "cgroup", "not a plain absolute path");
	r->pid = (pid_t)pid;
	r->owner = (uint32_t)owner;
	return 0;
}

int record_parse(const char *json, size_t len, struct record *ret, struct err *e)
{
	json_t *o;

	if (len > RECORD_MAX)
		return err_msg(e, -EFBIG, "larger than %d bytes", RECORD_MAX);
	int r = json_read(json, len, &o, e);
	if (r < 0)
		return r;
	struct jctx c = { &ret->mem, "", e };
	r = parse(&c, o, ret);
	json_decref(o);
	return r;
}

char *record_print(const struct record *r)
{
	json_t *ns = json_object();

	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++)
		if (r->ns[t].ino)
			(void)json_object_set_new(ns, ns_kind(t)->name,
						  json_pack("{s:I, s:I}", "dev", (json_int_t)r->ns[t].dev,
							    "ino", (json_int_t)r->ns[t].ino));
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:b, s:b, s:o}", "id", r->id,
			      "bundle", r->bundle, "rootfs", r->rootfs, "created", r->created,
			      "cgroup", r->cgroup, "scope", r->scope, "pid", r->pid, "start",
			      (json_int_t)r->start, "owner", (json_int_t)r->owner, "cgroupOurs",
			      r->cgroup_ours, "halfMade", r->half_made, "namespaces", ns);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text ? text : xstrdup("{}");
}
