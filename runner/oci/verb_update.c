/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_update - change the limits of a living container
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/num.h"
#include "runner/oci/cli.h"
#include "runner/oci/spec_parse.h"

struct update_opts {
	const char *resources, *memory, *reservation, *swap, *shares, *quota, *period, *pids, *weight;
	const char *cpus, *mems, *rt_runtime, *rt_period, *kernel, *kernel_tcp;
};

static int no_resctrl(const char *value, void *field, struct err *e)
{
	(void)value;
	(void)field;
	return err_msg(e, -EOPNOTSUPP, "not supported, as linux.intelRdt");
}

static const struct opt update_rows[] = {
	OPT_STR('r', "resources", struct update_opts, resources, "FILE|-", "resources object in JSON"),
	OPT_STR(0, "memory", struct update_opts, memory, "BYTES", "memory limit"),
	OPT_STR(0, "memory-reservation", struct update_opts, reservation, "BYTES", "soft limit"),
	OPT_STR(0, "memory-swap", struct update_opts, swap, "BYTES", "memory and swap together"),
	OPT_STR(0, "cpu-share", struct update_opts, shares, "N", "relative weight"),
	OPT_STR(0, "cpu-shares", struct update_opts, shares, "N", "same"),
	OPT_STR(0, "cpu-quota", struct update_opts, quota, "USEC", "time in each period"),
	OPT_STR(0, "cpu-period", struct update_opts, period, "USEC", "length of a period"),
	OPT_STR(0, "cpuset-cpus", struct update_opts, cpus, "LIST", "processors"),
	OPT_STR(0, "cpuset-mems", struct update_opts, mems, "LIST", "memory nodes"),
	OPT_STR(0, "pids-limit", struct update_opts, pids, "N", "processes"),
	OPT_STR(0, "blkio-weight", struct update_opts, weight, "N", "relative weight"),
	/* of crun and runc, for whoever says 0; anything else is refused by its field's name */
	OPT_STR(0, "cpu-rt-runtime", struct update_opts, rt_runtime, "USEC", NULL),
	OPT_STR(0, "cpu-rt-period", struct update_opts, rt_period, "USEC", NULL),
	OPT_STR(0, "kernel-memory", struct update_opts, kernel, "BYTES", NULL),
	OPT_STR(0, "kernel-memory-tcp", struct update_opts, kernel_tcp, "BYTES", NULL),
	OPT_CALL(0, "l3-cache-schema", struct update_opts, mems, "TEXT", no_resctrl, NULL),
	OPT_CALL(0, "mem-bw-schema", struct update_opts, mems, "TEXT", no_resctrl, NULL),
	OPT_END,
};

static int read_resources(const char *path, struct spec *mem, struct spec_resources *r,
			  struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	json_t *o;

	int ret = strcmp(path, "-") == 0 ? io_read_fd(0, SPEC_MAX_JSON, &text, &len) :
					   io_read_file_at(AT_FDCWD, path, SPEC_MAX_JSON, &text, &len);
	if (ret < 0)
		return err_set(e, ret, "--resources %s", path);
	ret = json_read(text, len, &o, e);
	if (ret < 0)
		return err_wrap(e, "--resources %s", path);
	struct jctx c = { mem, "resources", e };
	ret = parse_resources(&c, o, r);
	json_decref(o);
	return ret;
}

static int set_number(const char *name, const char *text, struct spec_opt_i64 *to, struct err *e)
{
	bool minus = text && text[0] == '-';
	uint64_t n;

	if (!text)
		return 0;
	if (num_bytes(text + minus, &n) < 0 || n > INT64_MAX)
		return err_msg(e, -EINVAL, "--%s: '%s' is not a number", name, text);
	*to = (struct spec_opt_i64){ true, minus ? -(int64_t)n : (int64_t)n };
	return 0;
}

static int set_words(const struct update_opts *o, struct spec_resources *r, struct err *e)
{
	const struct {
		const char *name, *text;
		struct spec_opt_i64 *to;
	} rows[] = {
		{ "memory", o->memory, &r->mem_limit },
		{ "memory-reservation", o->reservation, &r->mem_reservation },
		{ "memory-swap", o->swap, &r->mem_swap },
		{ "cpu-share", o->shares, &r->cpu_shares },
		{ "cpu-quota", o->quota, &r->cpu_quota },
		{ "cpu-period", o->period, &r->cpu_period },
		{ "pids-limit", o->pids, &r->pids_limit },
		{ "blkio-weight", o->weight, &r->blkio_weight },
		{ "cpu-rt-runtime", o->rt_runtime, &r->cpu_rt_runtime },
		{ "cpu-rt-period", o->rt_period, &r->cpu_rt_period },
		{ "kernel-memory", o->kernel, &r->mem_kernel },
		{ "kernel-memory-tcp", o->kernel_tcp, &r->mem_kernel_tcp },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = set_number(rows[i].name, rows[i].text, rows[i].to, e);
		if (ret < 0)
			return ret;
	}
	if (o->cpus)
		r->cpus = o->cpus;
	if (o->mems)
		r->mems = o->mems;
	return 0;
}

static int update_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct update_opts o = { 0 };
	struct spec_resources res = { 0 };
	struct spec mem;
	struct box b;
	char **args;

	int r = cli_operands(&verb_update, argc, argv, &o, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	spec_init(&mem);
	r = o.resources ? read_resources(o.resources, &mem, &res, e) : 0;
	if (r == 0)
		r = set_words(&o, &res, e);
	/* engines send all fields, and 0 for what shall stay */
	if (res.pids_limit.v == 0)
		res.pids_limit.set = false;
	if (r == 0)
		r = spec_check_resources(&res, e);
	if (r == 0)
		r = box_open(cli->root_fd, args[0], /*lock*/ true, &b, e);
	if (r == 0) {
		r = box_require(&b, STORE_BIT(STORE_CREATED) | STORE_BIT(STORE_RUNNING) |
					    STORE_BIT(STORE_PAUSED), e);
		if (r == 0 && !*b.rec.cgroup)
			r = err_msg(e, -EOPNOTSUPP, "container %s: has no cgroup of its own", args[0]);
		if (r == 0)
			r = oci_cgroup_update(b.rec.cgroup, &res, e);
		box_close(&b);
	}
	spec_clear(&mem);
	return r;
}

const struct verb verb_update = {
	.name = "update", .operands = "CONTAINER", .summary = "change a container's limits",
	.rows = update_rows, .fn = update_main,
};
