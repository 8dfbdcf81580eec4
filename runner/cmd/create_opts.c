/* SPDX-License-Identifier: Apache-2.0
 *
 * create_opts - rows and rules of the options of run and create
 */
#include "runner/cmd/create_opts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/num.h"
#include "common/portspec.h"
#include "runner/cmd/limits.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/ladder.h"
#include "runner/engine/mountspec.h"
#include "runner/engine/network.h"
#include "runner/engine/recorded.h"
#include "runner/engine/signals.h"
#include "runner/engine/specgen.h"

#define DEFAULT_STOP_TIMEOUT 10

static int set_entrypoint(const char *value, void *field, struct err *e)
{
	struct create_opts *o = field;

	(void)e;
	o->entrypoint = value;
	o->has_entrypoint = true;
	return 0;
}

static int refuse(const char *value, void *field, struct err *e)
{
	(void)value;
	(void)field;
	return err_msg(e, -EOPNOTSUPP, "not supported");
}

#define O struct create_opts
#define REFUSED(l, a) OPT_CALL(0, l, O, detach, a, refuse, NULL)

/* Of Docker and Podman: a word of their own, so that nobody doubts the spelling. */
static const struct opt refused_rows[] = {
	REFUSED("attach", "STREAM"),
	REFUSED("cgroup-parent", "PATH"),
	REFUSED("gidmap", "MAP"),
	REFUSED("gpus", "LIST"),
	REFUSED("health-cmd", "COMMAND"),
	REFUSED("health-interval", "TIME"),
	REFUSED("health-on-failure", "ACTION"),
	REFUSED("health-retries", "N"),
	REFUSED("health-start-period", "TIME"),
	REFUSED("health-timeout", "TIME"),
	REFUSED("init", NULL),
	REFUSED("ip", "ADDRESS"),
	REFUSED("ip6", "ADDRESS"),
	REFUSED("link", "CONTAINER"),
	REFUSED("mac-address", "ADDRESS"),
	REFUSED("network-alias", "NAME"),
	REFUSED("no-healthcheck", NULL),
	REFUSED("pod", "POD"),
	REFUSED("replace", NULL),
	REFUSED("restart", "POLICY"),
	REFUSED("runtime", "PATH"),
	REFUSED("secret", "SECRET"),
	REFUSED("systemd", "MODE"),
	REFUSED("uidmap", "MAP"),
	REFUSED("userns", "MODE"),
	REFUSED("volumes-from", "CONTAINER"),
	OPT_END,
};

/* clang-format off */
const struct opt create_rows[] = {
	OPT_LIST(0, "add-host", O, add_host, "NAME:ADDRESS", "a line for /etc/hosts (ADDRESS may be host-gateway)"),
	OPT_LIST(0, "annotation", O, annotation, "KEY=VALUE", "annotation of the container"),
	OPT_STR(0, "authfile", O, authfile, "PATH", "credentials for the registry"),
	OPT_LIST(0, "cap-add", O, cap_add, "NAME", "give a capability, or ALL"),
	OPT_LIST(0, "cap-drop", O, cap_drop, "NAME", "take a capability away, or ALL"),
	OPT_STR(0, "cidfile", O, cidfile, "PATH", "write the container's id to a file that must not exist"),
	OPT_STR(0, "cpu-period", O, cpu_period, "USEC", "length of a period of --cpu-quota"),
	OPT_STR(0, "cpu-quota", O, cpu_quota, "USEC", "processor time in each period"),
	OPT_STR('c', "cpu-shares", O, cpu_shares, "N", "weight against others when processors are short"),
	OPT_STR(0, "cpus", O, cpus, "N", "number of processors, such as 1.5"),
	OPT_STR(0, "cpuset-cpus", O, cpuset_cpus, "LIST", "processors it may run on"),
	OPT_STR(0, "cpuset-mems", O, cpuset_mems, "LIST", "memory nodes it may use"),
	OPT_BOOL('d', "detach", O, detach, "run in the background and print the id"),
	OPT_STR(0, "detach-keys", O, detach_keys, "KEYS", "keys that leave the container running (ctrl-p,ctrl-q)"),
	OPT_LIST(0, "device", O, device, "HOST[:PATH]", "make a device of the host available"),
	OPT_LIST(0, "dns", O, dns, "ADDRESS", "name server"),
	OPT_LIST(0, "dns-option", O, dns_option, "OPTION", "resolver option"),
	OPT_LIST(0, "dns-opt", O, dns_option, "OPTION", NULL),
	OPT_LIST(0, "dns-search", O, dns_search, "DOMAIN", "search domain; . for none"),
	OPT_CALL(0, "entrypoint", O, detach, "COMMAND", set_entrypoint, "program instead of the image's entry point"),
	OPT_LIST('e', "env", O, env, "NAME[=VALUE]", "environment variable; without a value, ours"),
	OPT_LIST(0, "env-file", O, env_file, "PATH", "environment variables, one a line"),
	OPT_LIST(0, "expose", O, expose, "PORT[/PROTO]", "a port that --publish-all publishes"),
	OPT_LIST(0, "group-add", O, group_add, "GROUP", "one more group, or keep-groups for all of ours"),
	OPT_STR('h', "hostname", O, hostname, "NAME", "host name in the container"),
	OPT_BOOL('i', "interactive", O, interactive, "connect stdin"),
	OPT_STR(0, "ipc", O, ipc, "MODE", "private or host"),
	OPT_LIST('l', "label", O, label, "KEY[=VALUE]", "label of the container"),
	OPT_LIST(0, "label-file", O, label_file, "PATH", "labels, one a line"),
	OPT_STR(0, "log-driver", O, log_driver, "NAME", "k8s-file (default), json-file (the same) or none"),
	OPT_LIST(0, "log-opt", O, log_opt, "NAME=VALUE", "max-size=BYTES: the log starts anew"),
	OPT_STR('m', "memory", O, memory, "BYTES", "memory limit"),
	OPT_STR(0, "memory-reservation", O, memory_reservation, "BYTES", "memory left to it when memory is short"),
	OPT_STR(0, "memory-swap", O, memory_swap, "BYTES", "limit of memory and swap together; -1 for none"),
	OPT_LIST(0, "mount", O, mount, "type=TYPE,...", "bind, volume or tmpfs mount"),
	OPT_STR(0, "name", O, name, "NAME", "name of the container"),
	OPT_STR(0, "network", O, network, "MODE", "private (default), none or host"),
	OPT_STR(0, "net", O, network, "MODE", NULL),
	OPT_BOOL(0, "no-hosts", O, no_hosts, "leave the image's /etc/hosts alone"),
	OPT_INT(0, "oom-score-adj", O, oom_score_adj, "N", "preference of the kernel when memory is short"),
	OPT_STR(0, "pid", O, pid, "MODE", "private or host"),
	OPT_STR(0, "pids-limit", O, pids_limit, "N", "number of processes; -1 for no limit"),
	OPT_STR(0, "platform", O, platform, "OS/ARCH[/VARIANT]", "platform of the image"),
	OPT_BOOL(0, "privileged", O, privileged, "all capabilities that we have, no seccomp, nothing masked"),
	OPT_LIST('p', "publish", O, publish, "[[IP:]PORT:]PORT[/PROTO]", "publish a port or a range of ports"),
	OPT_BOOL('P', "publish-all", O, publish_all, "publish all exposed ports at free host ports"),
	OPT_STR(0, "pull", O, pull, "WHEN", "missing (default), always or never"),
	OPT_BOOL('q', "quiet", O, quiet, "no progress of a pull"),
	OPT_BOOL(0, "read-only", O, read_only, "no writing to the root file system"),
	OPT_STR(0, "recorded-ids", O, recorded_ids, "MODE", "where one id exists: full (default), fast or off"),
	OPT_LIST(0, "require", O, require, "AXIS=RUNG", "do not start on a lower rung, such as ids=range"),
	OPT_BOOL(0, "rm", O, rm, "remove the container when it ends"),
	OPT_LIST(0, "security-opt", O, security_opt, "OPTION", "seccomp=PATH|unconfined, no-new-privileges, ..."),
	OPT_STR(0, "shm-size", O, shm_size, "BYTES", "size of /dev/shm (64m)"),
	OPT_BOOL(0, "sig-proxy", O, sig_proxy, "relay signals to the container (default true)"),
	OPT_STR(0, "stop-signal", O, stop_signal, "SIGNAL", "signal that stop sends"),
	OPT_INT(0, "stop-timeout", O, stop_timeout, "SECONDS", "seconds until stop kills (10)"),
	OPT_LIST(0, "sysctl", O, sysctl, "NAME=VALUE", "kernel parameter of the container's namespaces"),
	OPT_BOOL(0, "tls-verify", O, tls_verify, "verify the registry's certificate (default true)"),
	OPT_LIST(0, "tmpfs", O, tmpfs, "PATH[:OPTIONS]", "mount a tmpfs"),
	OPT_BOOL('t', "tty", O, tty, "give it a terminal"),
	OPT_LIST(0, "ulimit", O, ulimit, "NAME=SOFT[:HARD]", "resource limit"),
	OPT_STR('u', "user", O, user, "USER[:GROUP]", "user by name or number"),
	OPT_STR(0, "uts", O, uts, "MODE", "private or host"),
	OPT_LIST('v', "volume", O, volume, "[SOURCE:]PATH[:OPTIONS]", "mount a folder of the host, or a volume"),
	OPT_STR('w', "workdir", O, workdir, "PATH", "folder that the program starts in"),
	OPT_ROWS(refused_rows),
	OPT_END,
};
/* clang-format on */

void create_opts_init(void *opts)
{
	struct create_opts *o = opts;

	o->sig_proxy = true;
	o->tls_verify = true;
	o->stop_timeout = DEFAULT_STOP_TIMEOUT;
}

void create_opts_clear(void *opts)
{
	struct create_opts *o = opts;
	struct strv *lists[] = { &o->log_opt, &o->publish, &o->expose, &o->env, &o->env_file,
				 &o->label, &o->label_file, &o->annotation, &o->volume, &o->mount,
				 &o->tmpfs, &o->add_host, &o->dns, &o->dns_search, &o->dns_option,
				 &o->cap_add, &o->cap_drop, &o->security_opt, &o->ulimit,
				 &o->group_add, &o->sysctl, &o->device, &o->require };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		strv_clear(lists[i]);
}

/* --------------------------------------------------------------- checks -- */

static int check_mode(const char *option, const char *v, struct err *e)
{
	if (!v || !*v || str_eq(v, "private") || str_eq(v, "host"))
		return 0;
	return err_msg(e, -EINVAL, "%s %s: not private or host", option, v);
}

static int check_network(const struct create_opts *o, struct err *e)
{
	const struct netmode *mode = netmode_find(o->network ? o->network : "private");

	if (!mode)
		return err_msg(e, -EINVAL, "--network %s: not private, none or host", o->network);
	if (!mode->can_publish && !mode->host_net && o->publish.n)
		return err_msg(e, -EINVAL, "--publish %s: --network %s has no network to publish from",
			       o->publish.v[0], o->network);
	for (size_t i = 0; i < o->require.n; i++) {
		const char *rung = str_after(o->require.v[i], "network=");

		if (rung && !mode->can_publish && !mode->host_net && !str_eq(rung, "none"))
			return err_msg(e, -EINVAL, "--require %s: --network %s asks for none",
				       o->require.v[i], o->network);
		if (str_eq(rung, "host") && !mode->host_net)
			return err_msg(e, -EINVAL, "--require network=host: that is --network host");
	}
	for (size_t i = 0; i < o->publish.n; i++) {
		struct portspec p;

		if (portspec_parse(o->publish.v[i], &p, e) < 0)
			return err_wrap(e, "--publish");
	}
	return 0;
}

static bool is_address(const char *s)
{
	unsigned char buf[16];

	return inet_pton(AF_INET, s, buf) == 1 || inet_pton(AF_INET6, s, buf) == 1;
}

/* These become words of /etc/hosts and /etc/resolv.conf. */
static int check_word(const char *option, const char *s, struct err *e)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return err_msg(e, -EINVAL, "%s: a name has no blanks, lines or control characters",
				       option);
	return 0;
}

static int check_words_of(const char *option, const struct strv *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = check_word(option, l->v[i], e);
	return r;
}

static int check_names(const struct create_opts *o, struct err *e)
{
	int r = check_words_of("--add-host", &o->add_host, e);

	if (r == 0)
		r = check_words_of("--dns-search", &o->dns_search, e);
	if (r == 0)
		r = check_words_of("--dns-option", &o->dns_option, e);
	if (r == 0 && o->hostname)
		r = check_word("--hostname", o->hostname, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < o->add_host.n; i++) {
		const char *addr = strchr(o->add_host.v[i], ':');

		if (!addr || addr == o->add_host.v[i] ||
		    !(is_address(addr + 1) || str_eq(addr + 1, "host-gateway")))
			return err_msg(e, -EINVAL, "--add-host %s: not NAME:ADDRESS", o->add_host.v[i]);
	}
	for (size_t i = 0; i < o->dns.n; i++)
		if (!is_address(o->dns.v[i]))
			return err_msg(e, -EINVAL, "--dns %s: not an address", o->dns.v[i]);
	if (o->hostname && (!*o->hostname || strlen(o->hostname) > 64))
		return err_msg(e, -EINVAL, "--hostname '%s': 1 to 64 characters", o->hostname);
	return 0;
}

static int check_lists(const struct create_opts *o, struct err *e)
{
	int resource, r = specgen_security_check(&o->security_opt, e);
	uint64_t soft, hard;

	for (size_t i = 0; r == 0 && i < o->ulimit.n; i++)
		r = specgen_ulimit(o->ulimit.v[i], &resource, &soft, &hard, e);
	for (size_t i = 0; r == 0 && i < o->sysctl.n; i++)
		if (!strchr(o->sysctl.v[i], '=') || o->sysctl.v[i][0] == '=')
			r = err_msg(e, -EINVAL, "--sysctl %s: not NAME=VALUE", o->sysctl.v[i]);
	for (size_t i = 0; r == 0 && i < o->device.n; i++)
		if (o->device.v[i][0] != '/')
			r = err_msg(e, -EINVAL, "--device %s: not the path of a device",
				    o->device.v[i]);
	for (size_t i = 0; r == 0 && i < o->log_opt.n; i++) {
		const char *v = str_after(o->log_opt.v[i], "max-size=");
		uint64_t n;

		if (!v || num_bytes(v, &n) < 0 || n > INT64_MAX)
			r = err_msg(e, -EINVAL, "--log-opt %s: only max-size=BYTES is known",
				    o->log_opt.v[i]);
	}
	return r;
}

static int check_words(const struct create_opts *o, struct err *e)
{
	uint64_t n;

	if (o->pull && !str_eq(o->pull, "missing") && !str_eq(o->pull, "always") &&
	    !str_eq(o->pull, "never"))
		return err_msg(e, -EINVAL, "--pull %s: not missing, always or never", o->pull);
	if (o->log_driver && !str_eq(o->log_driver, "k8s-file") &&
	    !str_eq(o->log_driver, "json-file") && !str_eq(o->log_driver, "none"))
		return err_msg(e, -EINVAL, "--log-driver %s: not k8s-file, json-file or none",
			       o->log_driver);
	if (o->shm_size && (num_bytes(o->shm_size, &n) < 0 || n == 0 || n > INT64_MAX))
		return err_msg(e, -EINVAL, "--shm-size %s: not a size", o->shm_size);
	if (o->oom_score_adj < -1000 || o->oom_score_adj > 1000)
		return err_msg(e, -EINVAL, "--oom-score-adj %d: not between -1000 and 1000",
			       o->oom_score_adj);
	if (o->workdir && o->workdir[0] != '/')
		return err_msg(e, -EINVAL, "--workdir %s: not an absolute path", o->workdir);
	if (o->stop_timeout < 0)
		return err_msg(e, -EINVAL, "--stop-timeout %d: below 0", o->stop_timeout);
	return 0;
}

int create_opts_check(const struct create_opts *o, struct err *e)
{
	enum recorded_mode mode;
	struct detach d;
	int sig, r = 0;

	if (o->name)
		r = container_name_check(o->name, e);
	if (r == 0)
		r = check_network(o, e);
	if (r == 0)
		r = check_mode("--pid", o->pid, e);
	if (r == 0)
		r = check_mode("--ipc", o->ipc, e);
	if (r == 0)
		r = check_mode("--uts", o->uts, e);
	if (r == 0)
		r = check_words(o, e);
	if (r == 0)
		r = check_names(o, e);
	if (r == 0)
		r = check_lists(o, e);
	if (r == 0)
		r = limits_set(o, NULL, e);
	if (r == 0 && o->stop_signal && signal_parse(o->stop_signal, &sig, e) < 0)
		r = err_wrap(e, "--stop-signal");
	if (r == 0 && o->detach_keys)
		r = detach_parse(o->detach_keys, &d, e);
	if (r == 0 && o->recorded_ids)
		r = recorded_parse(o->recorded_ids, &mode, e);
	for (size_t i = 0; r == 0 && i < o->require.n; i++)
		r = ladder_check(o->require.v[i], e);
	return r;
}
