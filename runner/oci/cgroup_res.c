/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup_res - linux.resources as cgroup2 files
 *
 * How it works: each limit becomes one write. The first that fails is the
 * code of the error, but the rest is still written, for a lost limit shall not
 * lose others, and each that fails is named.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/ns.h"

struct writer {
	int dir;
	int first; /* first error */
	int hard;  /* one that is no warning */
	struct err *e;
};

static void failed(struct writer *w, int code, const char *file, const char *text)
{
	struct err why;
	int r = code == -ENOENT ?
			err_msg(&why, -EOPNOTSUPP, "%s: the cgroup has no such controller", file) :
			err_set(&why, code, "%s = '%s'", file, text);

	if (w->first == 0) {
		w->first = err_msg(w->e, r, "linux.resources: %s", why.msg);
	} else if (w->e) {
		size_t len = strlen(w->e->msg);

		(void)snprintf(w->e->msg + len, sizeof(w->e->msg) - len, "; %s", why.msg);
	}
}

static void put(struct writer *w, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void put(struct writer *w, const char *file, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	int r = io_write_file_at(w->dir, file, text);
	if (r < 0)
		failed(w, r, file, text);
}

static void put_or_max(struct writer *w, const char *file, int64_t v)
{
	if (v < 0)
		put(w, file, "max");
	else
		put(w, file, "%" PRId64, v);
}

static void check_usage(struct writer *w, const struct spec_resources *r)
{
	auto_free char *text = NULL;
	uint64_t now;

	if (!r->mem_check_before.v || r->mem_limit.v < 0 ||
	    io_read_file_at(w->dir, "memory.current", 64, &text, NULL) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (num_u64(text, &now) == 0 && now > (uint64_t)r->mem_limit.v && w->first == 0)
		w->first = err_msg(w->e, -EBUSY, "linux.resources.memory.limit: %" PRId64
						 " is below the %" PRIu64 " in use",
				   r->mem_limit.v, now);
}

static void memory(struct writer *w, const struct spec_resources *r)
{
	int64_t limit = r->mem_limit.v;

	if (r->mem_limit.set && limit != 0) {
		check_usage(w, r);
		if (w->first == 0 || !r->mem_check_before.v)
			put_or_max(w, "memory.max", limit);
	}
	if (r->mem_reservation.set && r->mem_reservation.v != 0)
		put_or_max(w, "memory.low", r->mem_reservation.v);
	if (r->mem_swap.set && r->mem_swap.v != 0) {
		/* the spec's number is memory and swap together */
		if (r->mem_swap.v < 0)
			put(w, "memory.swap.max", "max");
		else if (!r->mem_limit.set || limit <= 0 || r->mem_swap.v < limit)
			failed(w, -EINVAL, "memory.swap.max", "swap below, or without, the memory limit");
		else
			put(w, "memory.swap.max", "%" PRId64, r->mem_swap.v - limit);
	}
}

int64_t cgroup_weight(int64_t shares)
{
	int64_t v = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;

	/* 2..262144 onto 1..10000, as everybody does */
	return 1 + (v - 2) * 9999 / 262142;
}

static void cpu(struct writer *w, const struct spec_resources *r)
{
	if (r->cpu_shares.set && r->cpu_shares.v > 0)
		put(w, "cpu.weight", "%" PRId64, cgroup_weight(r->cpu_shares.v));
	if (r->cpu_idle.set)
		put(w, "cpu.idle", "%" PRId64, r->cpu_idle.v);
	if (r->cpu_burst.set)
		put(w, "cpu.max.burst", "%" PRId64, r->cpu_burst.v);
	if ((r->cpu_quota.set && r->cpu_quota.v != 0) || (r->cpu_period.set && r->cpu_period.v > 0)) {
		char quota[32] = "max";

		if (r->cpu_quota.v > 0)
			(void)snprintf(quota, sizeof(quota), "%" PRId64, r->cpu_quota.v);
		put(w, "cpu.max", "%s %" PRId64, quota, r->cpu_period.v > 0 ? r->cpu_period.v : 100000);
	}
	if (r->cpus && *r->cpus)
		put(w, "cpuset.cpus", "%s", r->cpus);
	if (r->mems && *r->mems)
		put(w, "cpuset.mems", "%s", r->mems);
}

static void io_rates(struct writer *w, const struct spec_dev_rates *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		put(w, "io.max", "%" PRId64 ":%" PRId64 " %s=%" PRIu64, l->v[i].major, l->v[i].minor, key,
		    l->v[i].rate);
}

static void io(struct writer *w, const struct spec_resources *r)
{
	bool bfq = faccessat(w->dir, "io.bfq.weight", F_OK, 0) == 0;

	if (r->blkio_weight.set && r->blkio_weight.v > 0) {
		int64_t v = r->blkio_weight.v;

		if (bfq)
			put(w, "io.bfq.weight", "%" PRId64, v);
		else
			put(w, "io.weight", "default %" PRId64, 1 + (v - 10) * 9999 / 990);
	}
	for (size_t i = 0; i < r->n_blkio_devs; i++) {
		const struct spec_dev_weight *d = &r->blkio_devs[i];

		if (d->has_weight)
			put(w, bfq ? "io.bfq.weight" : "io.weight", "%" PRId64 ":%" PRId64 " %u", d->major,
			    d->minor, bfq ? d->weight : 1U + (d->weight - 10U) * 9999U / 990U);
	}
	io_rates(w, &r->read_bps, "rbps");
	io_rates(w, &r->write_bps, "wbps");
	io_rates(w, &r->read_iops, "riops");
	io_rates(w, &r->write_iops, "wiops");
}

/* Asked for by file name: never a limit to be lost with a warning. */
static void unified(struct writer *w, const char *key, const char *value)
{
	const char *dot = strchr(key, '.');

	/* a file of this group, not of another */
	if (strchr(key, '/') || !dot || dot == key) {
		w->hard = err_msg(w->e, -EINVAL,
				  "linux.resources.unified: the specified key has not the form "
				  "CONTROLLER.VALUE `%s`", key);
		return;
	}
	int r = io_write_file_at(w->dir, key, value);
	if (r == -ENOENT && faccessat(w->dir, "cgroup.controllers", F_OK, 0) == 0)
		w->hard = err_msg(w->e, -ENOENT,
				  "linux.resources.unified: %s: the requested cgroup controller `%.*s` "
				  "is not available", key, (int)(dot - key), key);
	else if (r < 0)
		w->hard = err_set(w->e, r, "linux.resources.unified: %s = '%s'", key, value);
}

int64_t cgroup_pids(int64_t limit)
{
	/* with 0 the kernel would let none be born into the group, our own neither;
	 * to whoever is the only one, 1 is the same */
	return limit == 0 ? 1 : limit;
}

static void others(struct writer *w, const struct spec_resources *r)
{
	char file[128];

	if (r->pids_limit.set)
		put_or_max(w, "pids.max", cgroup_pids(r->pids_limit.v));
	for (size_t i = 0; i < r->n_hugetlb; i++) {
		if (str_format(file, sizeof(file), "hugetlb.%s.max", r->hugetlb[i].page_size) > 0)
			put(w, file, "%" PRIu64, r->hugetlb[i].limit);
		/* reservations too, where the kernel counts them apart */
		if (str_format(file, sizeof(file), "hugetlb.%s.rsvd.max", r->hugetlb[i].page_size) > 0 &&
		    faccessat(w->dir, file, F_OK, 0) == 0)
			put(w, file, "%" PRIu64, r->hugetlb[i].limit);
	}
	for (size_t i = 0; i < r->n_rdma; i++) {
		const struct spec_rdma *d = &r->rdma[i];

		if (d->has_handles)
			put(w, "rdma.max", "%s hca_handle=%u", d->device, d->handles);
		if (d->has_objects)
			put(w, "rdma.max", "%s hca_object=%u", d->device, d->objects);
	}
	for (size_t i = 0; i < r->n_unified; i++) {
		const char *key = r->unified[i].key, *value = r->unified[i].value;

		unified(w, key, value);
	}
}

int cgroup_apply(int dir, const struct spec_resources *r, bool *ret_hard, struct err *e)
{
	struct writer w = { dir, 0, 0, e };

	memory(&w, r);
	cpu(&w, r);
	io(&w, r);
	others(&w, r);
	if (ret_hard)
		*ret_hard = w.hard < 0;
	return w.hard < 0 ? w.hard : w.first;
}

int oci_cgroup_update(const char *cgroup, const struct spec_resources *r, struct err *e)
{
	auto_close int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, -errno, "%s", cgroup);
	cgroup_systemd_update(cgroup, r);
	int ret = cgroup_apply(dir, r, NULL, e);
	if (ret < 0)
		return ret;
	ret = cgroup_devices_apply(dir, r, e);
	/* whoever may not load programs has a container that makes no nodes */
	bool lost = cgroup_devices_lost(r, NULL, 0, geteuid() == 0 && ns_user_is_initial());
	return (ret == -EPERM || ret == -ENOSYS) && !lost ? 0 : ret;
}
