/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse_linux - the linux object of config.json
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <net/if.h>
#include <string.h>
#include <sys/personality.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/ns.h"
#include "runner/oci/spec_parse.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct parse_word propagations[] = {
	{ "shared", SPEC_PROP_SHARED },	      { "rshared", SPEC_PROP_SHARED },
	{ "slave", SPEC_PROP_SLAVE },	      { "rslave", SPEC_PROP_SLAVE },
	{ "private", SPEC_PROP_PRIVATE },     { "rprivate", SPEC_PROP_PRIVATE },
	{ "unbindable", SPEC_PROP_UNBINDABLE }, { "runbindable", SPEC_PROP_UNBINDABLE },
};

static const struct parse_word domains[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
};

#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif

/* The last one is newer than the headers that this has to compile with. */
static const struct parse_word mempolicy_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },     { "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_BIND", MPOL_BIND },	      { "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },	      { "MPOL_PREFERRED_MANY", 5 },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 },
};

static const struct parse_word mempolicy_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};

struct ns_entry {
	enum spec_ns_type type;
	const char *path;
};

static int parse_ns(const struct jctx *c, const json_t *o, void *elem)
{
	struct ns_entry *n = elem;
	const char *type = NULL;

	int r = json_get_str(c, o, "type", &type);
	if (r == 0)
		r = json_get_str(c, o, "path", &n->path);
	if (r < 0)
		return r;
	if (n->path && !*n->path)
		n->path = NULL;
	if (n->path && n->path[0] != '/')
		return err_msg(c->e, -EINVAL, "%s.path: not an absolute path", c->where);
	for (enum spec_ns_type t = 0; type && t < SPEC_NS_MAX_; t++)
		if (strcmp(ns_kind(t)->name, type) == 0) {
			n->type = t;
			return 0;
		}
	return err_msg(c->e, -EINVAL, "%s.type: unknown namespace '%s'", c->where, type ? type : "");
}

static int parse_namespaces(const struct jctx *c, const json_t *o, struct spec *s)
{
	struct ns_entry *v = NULL;
	size_t n = 0;

	int r = json_each(c, o, "namespaces", sizeof(*v), &v, &n, parse_ns);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (s->ns[v[i].type].set)
			return err_msg(c->e, -EINVAL, "linux.namespaces[%zu]: its type comes twice", i);
		s->ns[v[i].type] = (struct spec_ns){ true, v[i].path };
	}
	return 0;
}

static int parse_device(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_device *d = elem;
	const char *type = NULL;
	uint64_t mode = 0, uid = 0, gid = 0;

	int r = json_get_str(c, o, "path", &d->path);
	if (r == 0)
		r = json_get_str(c, o, "type", &type);
	if (r == 0)
		r = json_get_i64(c, o, "major", 0, UINT32_MAX, &d->major, NULL);
	if (r == 0)
		r = json_get_i64(c, o, "minor", 0, UINT32_MAX, &d->minor, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "fileMode", 0177777, &mode, &d->has_mode);
	if (r == 0)
		r = json_get_u64(c, o, "uid", UINT32_MAX - 1, &uid, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "gid", UINT32_MAX - 1, &gid, NULL);
	if (r < 0)
		return r;
	if (!type || strlen(type) != 1 || !strchr("cbup", type[0]))
		return err_msg(c->e, -EINVAL, "%s.type: '%s' is none of c, b, u, p", c->where,
			       type ? type : "");
	if (!d->path || d->path[0] != '/')
		return err_msg(c->e, -EINVAL, "%s.path: not an absolute path", c->where);
	d->type = type[0];
	d->mode = (mode_t)mode & 07777;
	d->uid = (uid_t)uid;
	d->gid = (gid_t)gid;
	return 0;
}

static int parse_offset(const struct jctx *c, const json_t *o, const char *key,
			struct spec_time_offset *ret)
{
	struct jctx at = json_at(c, key);
	const json_t *sub;
	uint64_t nanos = 0;

	int r = json_sub(c, o, key, &sub);
	if (r < 0 || !sub)
		return r;
	ret->set = true;
	r = json_get_i64(&at, sub, "secs", INT64_MIN, INT64_MAX, &ret->secs, NULL);
	if (r == 0)
		r = json_get_u64(&at, sub, "nanosecs", 999999999, &nanos, NULL);
	ret->nanosecs = (uint32_t)nanos;
	return r;
}

static int parse_offsets(const struct jctx *c, const json_t *o, struct spec *s)
{
	int r = parse_offset(c, o, "monotonic", &s->monotonic);

	return r < 0 ? r : parse_offset(c, o, "boottime", &s->boottime);
}

static int parse_personality(const struct jctx *c, const json_t *o, struct spec *s)
{
	const char *domain = NULL;
	struct spec_strv flags = { 0 };
	uint64_t value;

	int r = json_get_str(c, o, "domain", &domain);
	if (r == 0)
		r = json_get_strv(c, o, "flags", &flags);
	if (r == 0)
		r = parse_word(c, "domain", domain ? domain : "", domains, N(domains), &value);
	if (r < 0)
		return r;
	if (flags.n)
		return err_msg(c->e, -EOPNOTSUPP, "%s.flags: '%s': no flag is defined", c->where,
			       flags.v[0]);
	s->has_personality = true;
	s->personality = value;
	return 0;
}

static int parse_rdt(const struct jctx *c, const json_t *o, struct spec *s)
{
	s->intel_rdt_closid = "";
	return json_get_str(c, o, "closID", &s->intel_rdt_closid);
}

static int parse_mempolicy(const struct jctx *c, const json_t *o, struct spec *s)
{
	const char *mode = NULL, *nodes = NULL;
	struct spec_strv flags = { 0 };
	uint64_t value, all = 0;

	int r = json_get_str(c, o, "mode", &mode);
	if (r == 0)
		r = json_get_str(c, o, "nodes", &nodes);
	if (r == 0)
		r = json_get_strv(c, o, "flags", &flags);
	if (r == 0)
		r = parse_word(c, "mode", mode ? mode : "", mempolicy_modes, N(mempolicy_modes), &all);
	for (size_t i = 0; r == 0 && i < flags.n; i++) {
		r = parse_word(c, "flags", flags.v[i], mempolicy_flags, N(mempolicy_flags), &value);
		if (r == 0)
			all |= value;
	}
	if (r == 0)
		r = parse_bits(c, "nodes", nodes, SPEC_MAX_NODES, &s->mempolicy.nodes);
	s->mempolicy.set = true;
	s->mempolicy.mode = (int)all;
	return r;
}

static int parse_scalars(const struct jctx *c, const json_t *o, struct spec *s)
{
	const char *propagation = NULL;
	uint64_t value = SPEC_PROP_DEFAULT;

	int r = json_get_str(c, o, "cgroupsPath", &s->cgroups_path);
	if (r == 0)
		r = json_get_str(c, o, "mountLabel", &s->mount_label);
	if (r == 0)
		r = json_get_strv(c, o, "maskedPaths", &s->masked);
	if (r == 0)
		r = json_get_strv(c, o, "readonlyPaths", &s->readonly);
	if (r == 0)
		r = json_get_str(c, o, "rootfsPropagation", &propagation);
	if (r == 0 && propagation && *propagation)
		r = parse_word(c, "rootfsPropagation", propagation, propagations, N(propagations),
			       &value);
	s->propagation = (enum spec_rootfs_propagation)value;
	return r;
}

static int parse_lists(const struct jctx *c, const json_t *o, struct spec *s)
{
	int r = json_each(c, o, "devices", sizeof(struct spec_device), &s->devices, &s->n_devices,
			  parse_device);

	if (r == 0)
		r = json_each(c, o, "uidMappings", sizeof(struct spec_idmap), &s->uidmap.v,
			      &s->uidmap.n, parse_idmap);
	if (r == 0)
		r = json_each(c, o, "gidMappings", sizeof(struct spec_idmap), &s->gidmap.v,
			      &s->gidmap.n, parse_idmap);
	if (r == 0)
		r = json_get_map(c, o, "sysctl", &s->sysctl, &s->n_sysctl);
	if (r == 0)
		r = parse_namespaces(c, o, s);
	if (r == 0 && (s->uidmap.n > SPEC_MAX_IDMAPS || s->gidmap.n > SPEC_MAX_IDMAPS))
		return json_type_error(c, "uidMappings", "more than the kernel's 340");
	return r;
}

static int parse_resources_at(const struct jctx *c, const json_t *o, struct spec *s)
{
	return parse_resources(c, o, &s->res);
}

static int parse_seccomp_at(const struct jctx *c, const json_t *o, struct spec *s)
{
	return parse_seccomp(c, o, &s->seccomp);
}

/* What the kernel takes for a device's name; "%d" asks it for a number. */
static bool is_device_name(const char *name, bool pattern)
{
	const char *number = strchr(name, '%');

	if (!*name || strlen(name) >= IF_NAMESIZE || strpbrk(name, "/: \t\n\v\f\r") ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return !number || (pattern && number[1] == 'd' && !strchr(number + 1, '%'));
}

static int parse_netdev(const struct jctx *c, const char *key, const json_t *v,
			struct spec_netdev *d)
{
	struct jctx at = json_at(c, key);
	const char *name = NULL;

	if (!json_is_object(v))
		return json_type_error(c, key, "not an object");
	int r = json_get_str(&at, v, "name", &name);
	if (r < 0)
		return r;
	if (!is_device_name(key, false) || (name && *name && !is_device_name(name, true)))
		return json_type_error(c, key, "no name of a network device");
	d->host = spec_strdup(c->s, key);
	d->name = name && *name ? name : d->host;
	return 0;
}

static int parse_netdevs(const struct jctx *c, const json_t *o, struct spec *s)
{
	json_t *all = (json_t *)(uintptr_t)o; /* iterators want it not const */
	const char *key;
	json_t *v;
	size_t n = 0;

	if (json_object_size(o) > SPEC_MAX_ITEMS)
		return json_type_error(c, "", "too many entries");
	struct spec_netdev *d = spec_alloc(c->s, json_object_size(o) + 1, sizeof(*d));
	json_object_foreach(all, key, v) {
		int r = parse_netdev(c, key, v, &d[n++]);
		if (r < 0)
			return r;
	}
	s->netdevs = d;
	s->n_netdevs = n;
	return 0;
}

int parse_linux(const struct jctx *c, const json_t *o, struct spec *ret)
{
	static const struct {
		const char *key;
		int (*fn)(const struct jctx *c, const json_t *o, struct spec *s);
	} parts[] = {
		{ "timeOffsets", parse_offsets },    { "personality", parse_personality },
		{ "intelRdt", parse_rdt },	     { "resources", parse_resources_at },
		{ "seccomp", parse_seccomp_at },     { "memoryPolicy", parse_mempolicy },
		{ "netDevices", parse_netdevs },
	};

	int r = parse_scalars(c, o, ret);
	if (r == 0)
		r = parse_lists(c, o, ret);
	for (size_t i = 0; r == 0 && i < N(parts); i++) {
		struct jctx at = json_at(c, parts[i].key);
		const json_t *sub;

		r = json_sub(c, o, parts[i].key, &sub);
		if (r == 0 && sub)
			r = parts[i].fn(&at, sub, ret);
	}
	return r;
}
