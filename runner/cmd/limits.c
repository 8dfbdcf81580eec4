/* SPDX-License-Identifier: Apache-2.0
 *
 * limits - --memory and its kin, as numbers
 */
#include "runner/cmd/limits.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/err.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/cmd/create_opts.h"
#include "runner/engine/container.h"

enum {
	PERIOD_DEFAULT = 100000, /* microseconds, as the kernel's */
	PERIOD_MIN = 1000,
	PERIOD_MAX = 1000000,
	QUOTA_MIN = 1000,
	CPUS_MAX = 10000,
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
};

/* -1 for none where that is a word of the option; NULL is 0: nothing asked for. */
static int bytes(const char *option, const char *text, bool none, int64_t *ret, struct err *e)
{
	uint64_t n;

	if (!text)
		return 0;
	if (none && str_eq(text, "-1")) {
		*ret = -1;
		return 0;
	}
	if (num_bytes(text, &n) < 0 || n > INT64_MAX)
		return err_msg(e, -EINVAL, "%s %s: not a size", option, text);
	*ret = (int64_t)n;
	return 0;
}

static int number(const char *option, const char *text, bool none, uint32_t min, uint32_t max,
		  int64_t *ret, struct err *e)
{
	uint32_t n;

	if (!text)
		return 0;
	if (none && str_eq(text, "-1")) {
		*ret = -1;
		return 0;
	}
	if (num_u32(text, &n) < 0 || (n && n < min) || n > max)
		return err_msg(e, -EINVAL, "%s %s: not between %u and %u", option, text, min, max);
	*ret = n;
	return 0;
}

/* "1.5" processors as time in a period; thousandths are what is told apart. */
static int cpus(const char *text, int64_t *ret_quota, int64_t *ret_period, struct err *e)
{
	char whole[8], part[4] = "000";
	const char *dot = text + strcspn(text, ".");
	uint32_t n = 0, thousandths = 0;
	size_t len = *dot ? strlen(dot + 1) : 0;

	if (len > 3 || dot - text >= (long)sizeof(whole) || (dot == text && !len))
		return err_msg(e, -EINVAL, "--cpus %s: not a number of processors", text);
	memcpy(whole, text, (size_t)(dot - text));
	whole[dot - text] = '\0';
	memcpy(part, dot + (*dot == '.'), len);
	if ((*whole && num_u32(whole, &n) < 0) || num_u32(part, &thousandths) < 0 || n > CPUS_MAX)
		return err_msg(e, -EINVAL, "--cpus %s: not a number of processors", text);
	*ret_period = PERIOD_DEFAULT;
	*ret_quota = ((int64_t)n * 1000 + thousandths) * (PERIOD_DEFAULT / 1000);
	if (*ret_quota && *ret_quota < QUOTA_MIN)
		return err_msg(e, -EINVAL, "--cpus %s: the least is 0.01", text);
	return 0;
}

static int memory(const struct create_opts *o, struct container_config *c, struct err *e)
{
	int r = bytes("--memory", o->memory, false, &c->memory, e);

	if (r == 0)
		r = bytes("--memory-reservation", o->memory_reservation, false, &c->memory_reservation, e);
	if (r == 0)
		r = bytes("--memory-swap", o->memory_swap, true, &c->memory_swap, e);
	if (r < 0)
		return r;
	if (c->memory_swap && !c->memory)
		return err_msg(e, -EINVAL, "--memory-swap %s: needs --memory", o->memory_swap);
	if (c->memory_swap > 0 && c->memory_swap < c->memory)
		return err_msg(e, -EINVAL, "--memory-swap %s: counts memory too, so not below --memory",
			       o->memory_swap);
	if (c->memory && c->memory_reservation > c->memory)
		return err_msg(e, -EINVAL, "--memory-reservation %s: above --memory",
			       o->memory_reservation);
	return 0;
}

static int processors(const struct create_opts *o, struct container_config *c, struct err *e)
{
	int r = number("--cpu-shares", o->cpu_shares, false, SHARES_MIN, SHARES_MAX, &c->cpu_shares, e);

	if (r == 0)
		r = number("--cpu-quota", o->cpu_quota, true, QUOTA_MIN, UINT32_MAX, &c->cpu_quota, e);
	if (r == 0)
		r = number("--cpu-period", o->cpu_period, false, PERIOD_MIN, PERIOD_MAX, &c->cpu_period,
			   e);
	if (r == 0 && o->cpus && (o->cpu_quota || o->cpu_period))
		return err_msg(e, -EINVAL, "--cpus %s: not together with --cpu-quota or --cpu-period",
			       o->cpus);
	if (r == 0 && o->cpus)
		r = cpus(o->cpus, &c->cpu_quota, &c->cpu_period, e);
	return r;
}

static int check_set(const char *option, const char *text, struct err *e)
{
	if (!text || (*text && text[strspn(text, "0123456789,-")] == '\0'))
		return 0;
	return err_msg(e, -EINVAL, "%s %s: not numbers and ranges such as 0-2,5", option, text);
}

int limits_set(const struct create_opts *o, struct container_config *cfg, struct err *e)
{
	struct container_config only_checked = { 0 };
	struct container_config *c = cfg ? cfg : &only_checked;
	int r = memory(o, c, e);

	if (r == 0)
		r = processors(o, c, e);
	if (r == 0)
		r = number("--pids-limit", o->pids_limit, true, 1, INT32_MAX, &c->pids_limit, e);
	if (r == 0)
		r = check_set("--cpuset-cpus", o->cpuset_cpus, e);
	if (r == 0)
		r = check_set("--cpuset-mems", o->cpuset_mems, e);
	if (r == 0 && cfg) {
		cfg->cpuset_cpus = xstrdup(o->cpuset_cpus ? o->cpuset_cpus : "");
		cfg->cpuset_mems = xstrdup(o->cpuset_mems ? o->cpuset_mems : "");
	}
	return r;
}
