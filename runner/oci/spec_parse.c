/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse - config.json to struct spec
 */
#include "runner/oci/spec_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"

int parse_word(const struct jctx *c, const char *key, const char *word,
	       const struct parse_word *set, size_t n, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(set[i].word, word) == 0) {
			*ret = set[i].value;
			return 0;
		}
	return err_msg(c->e, -EINVAL, "%s%s%s: unknown value '%s'", c->where, *c->where ? "." : "",
		       key, word);
}

/* "3" or "0-3" into the set. */
static int add_range(const char *text, size_t len, size_t max, unsigned long *bits)
{
	enum { WORD = 8 * sizeof(*bits) };
	uint32_t first, last;
	char part[32];

	if (str_format(part, sizeof(part), "%.*s", (int)len, text) < 0)
		return -EINVAL;
	char *dash = strchr(part, '-');
	if (dash)
		*dash++ = '\0';
	if (num_u32(part, &first) < 0 || num_u32(dash ? dash : part, &last) < 0 || last < first ||
	    last >= max)
		return -EINVAL;
	for (uint32_t i = first; i <= last; i++)
		bits[i / WORD] |= 1UL << i % WORD;
	return 0;
}

int parse_bits(const struct jctx *c, const char *key, const char *text, size_t max,
	       struct spec_bits *ret)
{
	size_t words = max / (8 * sizeof(unsigned long));
	const char *p = text;

	if (!text || !*text)
		return 0;
	if (strlen(text) > SPEC_MAX_BITS_TEXT)
		return json_type_error(c, key, "too long");
	unsigned long *bits = spec_alloc(c->s, words, sizeof(*bits));
	for (;;) {
		size_t len = strcspn(p, ",");

		if (add_range(p, len, max, bits) < 0)
			return err_msg(c->e, -EINVAL, "%s.%s: '%s' is no list of numbers below %zu",
				       c->where, key, text, max);
		if (!p[len])
			break;
		p += len + 1;
	}
	*ret = (struct spec_bits){ bits, words };
	return 0;
}

int parse_idmap(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_idmap *m = elem;
	uint64_t container = 0, host = 0, size = 0;
	bool set[3] = { false };

	int r = json_get_u64(c, o, "containerID", UINT32_MAX, &container, &set[0]);
	if (r == 0)
		r = json_get_u64(c, o, "hostID", UINT32_MAX, &host, &set[1]);
	if (r == 0)
		r = json_get_u64(c, o, "size", UINT32_MAX, &size, &set[2]);
	if (r < 0)
		return r;
	if (!set[0] || !set[1] || !set[2])
		return err_msg(c->e, -EINVAL, "%s: needs containerID, hostID and size", c->where);
	*m = (struct spec_idmap){ (uint32_t)container, (uint32_t)host, (uint32_t)size };
	return 0;
}

static int parse_mount(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_mount *m = elem;

	m->src_fd = -1;
	int r = json_get_str(c, o, "destination", &m->dst);
	if (r == 0)
		r = json_get_str(c, o, "source", &m->src);
	if (r == 0)
		r = json_get_str(c, o, "type", &m->type);
	if (r == 0)
		r = json_get_strv(c, o, "options", &m->opts);
	if (r == 0)
		r = json_each(c, o, "uidMappings", sizeof(struct spec_idmap), &m->uidmap.v,
			      &m->uidmap.n, parse_idmap);
	if (r == 0)
		r = json_each(c, o, "gidMappings", sizeof(struct spec_idmap), &m->gidmap.v,
			      &m->gidmap.n, parse_idmap);
	if (r < 0)
		return r;
	if (!m->dst || !*m->dst)
		return err_msg(c->e, -EINVAL, "%s.destination: missing", c->where);
	/* relative ones were allowed once and meant this */
	if (m->dst[0] != '/')
		m->dst = spec_printf(c->s, "/%s", m->dst);
	return 0;
}

static int parse_hook(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_hook *h = elem;
	uint64_t timeout = 0;
	bool has = false;

	int r = json_get_str(c, o, "path", &h->path);
	if (r == 0)
		r = json_get_strv(c, o, "args", &h->args);
	if (r == 0)
		r = json_get_strv(c, o, "env", &h->env);
	if (r == 0)
		r = json_get_u64(c, o, "timeout", INT32_MAX / 1000, &timeout, &has);
	if (r < 0)
		return r;
	if (!h->path || h->path[0] != '/')
		return err_msg(c->e, -EINVAL, "%s.path: not an absolute path", c->where);
	if (has && timeout == 0)
		return err_msg(c->e, -EINVAL, "%s.timeout: must be above 0", c->where);
	h->timeout = (int)timeout;
	return 0;
}

static int parse_hooks(const struct jctx *c, const json_t *o, struct spec *s)
{
	static const char *const names[] = {
		[SPEC_HOOK_PRESTART] = "prestart",
		[SPEC_HOOK_CREATE_RUNTIME] = "createRuntime",
		[SPEC_HOOK_CREATE_CONTAINER] = "createContainer",
		[SPEC_HOOK_START_CONTAINER] = "startContainer",
		[SPEC_HOOK_POSTSTART] = "poststart",
		[SPEC_HOOK_POSTSTOP] = "poststop",
	};

	for (size_t i = 0; i < SPEC_HOOK_MAX_; i++) {
		int r = json_each(c, o, names[i], sizeof(struct spec_hook), &s->hooks[i].v,
				  &s->hooks[i].n, parse_hook);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_root(const struct jctx *c, const json_t *o, struct spec *s)
{
	int r = json_get_str(c, o, "path", &s->root_path);

	if (r == 0)
		r = json_get_bool(c, o, "readonly", &s->root_readonly);
	if (r == 0 && (!s->root_path || !*s->root_path))
		return err_msg(c->e, -EINVAL, "root.path: missing");
	return r;
}

static int parse_version(const struct jctx *c, const struct spec *s)
{
	if (!s->oci_version)
		return err_msg(c->e, -EINVAL, "ociVersion: missing");
	if (!str_starts(s->oci_version, "1.") && !str_starts(s->oci_version, "0."))
		return err_msg(c->e, -EINVAL, "ociVersion: '%s' is not one this runtime knows (1.x)",
			       s->oci_version);
	return 0;
}

/* Until 1.3 a pids.limit of 0 was no limit, to most runtimes. */
static void old_pids_limit(struct spec *s)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(s->oci_version, "%u.%u", &major, &minor) == 2 && (major > 1 || minor >= 3))
		return;
	if (s->res.pids_limit.v == 0)
		s->res.pids_limit.set = false;
}

static int parse_parts(const struct jctx *c, const json_t *o, struct spec *s)
{
	const json_t *root, *process, *hooks, *lin;

	int r = json_sub(c, o, "root", &root);
	if (r == 0)
		r = json_sub(c, o, "process", &process);
	if (r == 0)
		r = json_sub(c, o, "hooks", &hooks);
	if (r == 0)
		r = json_sub(c, o, "linux", &lin);
	if (r < 0)
		return r;

	struct jctx at = json_at(c, "root");
	if (root)
		r = parse_root(&at, root, s);
	at = json_at(c, "process");
	if (r == 0 && process) {
		s->has_process = true;
		r = parse_process(&at, process, &s->process);
	}
	at = json_at(c, "hooks");
	if (r == 0 && hooks)
		r = parse_hooks(&at, hooks, s);
	at = json_at(c, "linux");
	if (r == 0 && lin)
		r = parse_linux(&at, lin, s);
	return r;
}

/* A configuration of another kind of container means what we cannot do. */
static int refuse_platforms(const struct jctx *c, const json_t *o)
{
	static const char *const names[] = { "freebsd", "solaris", "vm", "windows", "zos" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *v = json_object_get(o, names[i]);

		if (v && !json_is_null(v))
			return err_msg(c->e, -EOPNOTSUPP, "%s: not supported: containers here are "
							  "processes of Linux", names[i]);
	}
	return 0;
}

static int parse_all(const struct jctx *c, const json_t *o, struct spec *s)
{
	int r = json_get_str(c, o, "ociVersion", &s->oci_version);

	if (r == 0)
		r = parse_version(c, s);
	if (r == 0)
		r = refuse_platforms(c, o);
	if (r == 0)
		r = json_get_str(c, o, "hostname", &s->hostname);
	if (r == 0)
		r = json_get_str(c, o, "domainname", &s->domainname);
	if (r == 0)
		r = json_each(c, o, "mounts", sizeof(struct spec_mount), &s->mounts, &s->n_mounts,
			      parse_mount);
	if (r == 0)
		r = json_get_map(c, o, "annotations", &s->annotations, &s->n_annotations);
	if (r == 0)
		r = parse_parts(c, o, s);
	if (r == 0)
		old_pids_limit(s);
	/* how Podman's --group-add keep-groups asks for it */
	for (size_t i = 0; r == 0 && i < s->n_annotations; i++)
		if (strcmp(s->annotations[i].key, "run.oci.keep_original_groups") == 0)
			s->process.user.keep_groups = strcmp(s->annotations[i].value, "0") != 0;
	return r;
}

int spec_parse(const char *json, size_t len, struct spec *ret, struct err *e)
{
	json_t *o;
	int r = json_read(json, len, &o, e);
	if (r < 0)
		return r;

	struct spec s;
	spec_init(&s);
	struct jctx c = { &s, "", e };
	r = parse_all(&c, o, &s);
	json_decref(o);
	if (r < 0) {
		spec_clear(&s);
		return r;
	}
	*ret = s;
	return 0;
}

int spec_parse_process(struct spec *s, const char *json, size_t len, struct spec_process *ret,
		       struct err *e)
{
	struct spec_process p = { 0 };
	json_t *o;
	int r = json_read(json, len, &o, e);
	if (r < 0)
		return r;

	struct jctx c = { s, "process", e };
	r = parse_process(&c, o, &p);
	json_decref(o);
	if (r == 0)
		*ret = p;
	return r;
}

int spec_load(int dirfd, const char *path, struct spec *ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;

	int r = io_read_file_at(dirfd, path, SPEC_MAX_JSON, &text, &len);
	if (r < 0)
		return err_set(e, r, "%s", path);
	r = spec_parse(text, len, ret, e);
	return r < 0 ? err_wrap(e, "%s", path) : 0;
}
