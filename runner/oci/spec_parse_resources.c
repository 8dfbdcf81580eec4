/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse_resources - linux.resources, also what `update` reads
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "runner/oci/spec_parse.h"

static int parse_dev_rule(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_dev_rule *d = elem;
	const char *type = NULL, *access = NULL;

	d->major = d->minor = -1;
	int r = json_get_bool(c, o, "allow", &d->allow);
	if (r == 0)
		r = json_get_str(c, o, "type", &type);
	if (r == 0)
		r = json_get_i64(c, o, "major", -1, UINT32_MAX, &d->major, NULL);
	if (r == 0)
		r = json_get_i64(c, o, "minor", -1, UINT32_MAX, &d->minor, NULL);
	if (r == 0)
		r = json_get_str(c, o, "access", &access);
	if (r < 0)
		return r;
	d->type = type && *type ? type[0] : 'a';
	if (!strchr("acbup", d->type))
		return err_msg(c->e, -EINVAL, "%s.type: '%s' is none of a, c, b", c->where, type);
	if (d->type == 'u')
		d->type = 'c';
	if (!access || !*access)
		access = "rwm";
	if (access[strspn(access, "rwm")])
		return err_msg(c->e, -EINVAL, "%s.access: '%s' is not made of r, w, m", c->where,
			       access);
	d->r = strchr(access, 'r');
	d->w = strchr(access, 'w');
	d->m = strchr(access, 'm');
	return 0;
}

static int parse_weight(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_dev_weight *w = elem;
	uint64_t weight = 0, leaf = 0;

	int r = json_get_i64(c, o, "major", 0, UINT32_MAX, &w->major, NULL);
	if (r == 0)
		r = json_get_i64(c, o, "minor", 0, UINT32_MAX, &w->minor, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "weight", UINT16_MAX, &weight, &w->has_weight);
	if (r == 0)
		r = json_get_u64(c, o, "leafWeight", UINT16_MAX, &leaf, &w->has_leaf_weight);
	w->weight = (uint16_t)weight;
	w->leaf_weight = (uint16_t)leaf;
	return r;
}

static int parse_rate(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_dev_rate *d = elem;

	int r = json_get_i64(c, o, "major", 0, UINT32_MAX, &d->major, NULL);
	if (r == 0)
		r = json_get_i64(c, o, "minor", 0, UINT32_MAX, &d->minor, NULL);
	if (r == 0)
		r = json_get_u64(c, o, "rate", UINT64_MAX, &d->rate, NULL);
	return r;
}

static int parse_hugetlb(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_hugetlb *h = elem;

	int r = json_get_str(c, o, "pageSize", &h->page_size);
	if (r == 0)
		r = json_get_u64(c, o, "limit", UINT64_MAX, &h->limit, NULL);
	if (r == 0 && (!h->page_size || strchr(h->page_size, '/')))
		return err_msg(c->e, -EINVAL, "%s.pageSize: missing", c->where);
	return r;
}

static int parse_priority(const struct jctx *c, const json_t *o, void *elem)
{
	struct spec_kv *p = elem;
	uint64_t prio = 0;

	int r = json_get_str(c, o, "name", &p->key);
	if (r == 0)
		r = json_get_u64(c, o, "priority", UINT32_MAX, &prio, NULL);
	p->value = spec_printf(c->s, "%llu", (unsigned long long)prio);
	return r;
}

static int parse_memory(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	const struct {
		const char *key;
		struct spec_opt_i64 *to;
	} rows[] = {
		{ "limit", &r->mem_limit },	      { "reservation", &r->mem_reservation },
		{ "swap", &r->mem_swap },	      { "kernel", &r->mem_kernel },
		{ "kernelTCP", &r->mem_kernel_tcp },  { "swappiness", &r->mem_swappiness },
	}, flags[] = {
		{ "disableOOMKiller", &r->mem_disable_oom },
		{ "useHierarchy", &r->mem_use_hierarchy },
		{ "checkBeforeUpdate", &r->mem_check_before },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = json_get_opt(c, o, rows[i].key, rows[i].to);
		if (ret < 0)
			return ret;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int ret = json_get_flag(c, o, flags[i].key, flags[i].to);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int parse_cpu(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	const struct {
		const char *key;
		struct spec_opt_i64 *to;
	} rows[] = {
		{ "shares", &r->cpu_shares }, { "quota", &r->cpu_quota },
		{ "period", &r->cpu_period }, { "burst", &r->cpu_burst },
		{ "idle", &r->cpu_idle },     { "realtimeRuntime", &r->cpu_rt_runtime },
		{ "realtimePeriod", &r->cpu_rt_period },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = json_get_opt(c, o, rows[i].key, rows[i].to);
		if (ret < 0)
			return ret;
	}
	int ret = json_get_str(c, o, "cpus", &r->cpus);
	return ret < 0 ? ret : json_get_str(c, o, "mems", &r->mems);
}

static int parse_pids(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	return json_get_opt(c, o, "limit", &r->pids_limit);
}

static int parse_blkio(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	const struct {
		const char *key;
		struct spec_dev_rates *to;
	} rows[] = {
		{ "throttleReadBpsDevice", &r->read_bps },
		{ "throttleWriteBpsDevice", &r->write_bps },
		{ "throttleReadIOPSDevice", &r->read_iops },
		{ "throttleWriteIOPSDevice", &r->write_iops },
	};

	int ret = json_get_opt(c, o, "weight", &r->blkio_weight);
	if (ret == 0)
		ret = json_get_opt(c, o, "leafWeight", &r->blkio_leaf_weight);
	if (ret == 0)
		ret = json_each(c, o, "weightDevice", sizeof(struct spec_dev_weight),
				&r->blkio_devs, &r->n_blkio_devs, parse_weight);
	for (size_t i = 0; ret == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		ret = json_each(c, o, rows[i].key, sizeof(struct spec_dev_rate), &rows[i].to->v,
				&rows[i].to->n, parse_rate);
	return ret;
}

static int parse_network(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	int ret = json_get_opt(c, o, "classID", &r->net_classid);

	return ret < 0 ? ret : json_each(c, o, "priorities", sizeof(struct spec_kv), &r->net_prio,
					 &r->n_net_prio, parse_priority);
}

static int parse_rdma(const struct jctx *c, const json_t *o, struct spec_resources *r)
{
	json_t *v = json_object_get(o, "rdma");
	const char *name;
	json_t *item;

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return json_type_error(c, "rdma", "not an object");

	struct spec_rdma *out = spec_alloc(c->s, json_object_size(v) + 1, sizeof(*out));
	struct jctx at = json_at(c, "rdma");
	json_object_foreach(v, name, item) {
		struct spec_rdma *d = &out[r->n_rdma];
		uint64_t handles = 0, objects = 0;

		if (!json_is_object(item))
			return json_type_error(&at, name, "not an object");
		d->device = spec_strdup(c->s, name);
		int ret = json_get_u64(&at, item, "hcaHandles", UINT32_MAX, &handles, &d->has_handles);
		if (ret == 0)
			ret = json_get_u64(&at, item, "hcaObjects", UINT32_MAX, &objects,
					   &d->has_objects);
		if (ret < 0)
			return ret;
		d->handles = (uint32_t)handles;
		d->objects = (uint32_t)objects;
		r->n_rdma++;
	}
	r->rdma = out;
	return 0;
}

int parse_resources(const struct jctx *c, const json_t *o, struct spec_resources *ret)
{
	static const struct {
		const char *key;
		int (*fn)(const struct jctx *c, const json_t *o, struct spec_resources *r);
	} parts[] = {
		{ "memory", parse_memory },   { "cpu", parse_cpu },	    { "pids", parse_pids },
		{ "blockIO", parse_blkio },   { "network", parse_network },
	};

	ret->set = true;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct jctx at = json_at(c, parts[i].key);
		const json_t *sub;

		int r = json_sub(c, o, parts[i].key, &sub);
		if (r == 0 && sub)
			r = parts[i].fn(&at, sub, ret);
		if (r < 0)
			return r;
	}
	int r = parse_rdma(c, o, ret);
	if (r == 0)
		r = json_each(c, o, "hugepageLimits", sizeof(struct spec_hugetlb), &ret->hugetlb,
			      &ret->n_hugetlb, parse_hugetlb);
	if (r == 0)
		r = json_each(c, o, "devices", sizeof(struct spec_dev_rule), &ret->devs, &ret->n_devs,
			      parse_dev_rule);
	if (r == 0)
		r = json_get_map(c, o, "unified", &ret->unified, &ret->n_unified);
	return r;
}
