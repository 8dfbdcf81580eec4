/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect - all that is known of a container or an image, as Docker says it
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/portspec.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/template.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/logs.h"
#include "runner/engine/mountspec.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

struct inspect_opts {
	const char *format;
	const char *type;
};

static const struct opt rows[] = {
	OPT_STR('f', "format", struct inspect_opts, format, "TEMPLATE", "one line by a template: {{.State.Pid}}"),
	OPT_STR(0, "type", struct inspect_opts, type, "TYPE", "container or image"),
	OPT_END,
};

static json_t *list(const struct strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(a, template_text(l->v[i]));
	return a;
}

static json_t *pairs(const struct strv *l)
{
	json_t *o = json_object();

	for (size_t i = 0; i < l->n; i++) {
		auto_free char *key = xstrndup(l->v[i], strcspn(l->v[i], "="));
		const char *eq = strchr(l->v[i], '=');

		(void)json_object_set_new(o, key, template_text(eq ? eq + 1 : ""));
	}
	return o;
}

static json_t *when(int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	char buf[64], whole[96];
	struct tm tm;

	if (!ns)
		return json_string("0001-01-01T00:00:00Z");
	(void)gmtime_r(&t, &tm);
	(void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)str_format(whole, sizeof(whole), "%s.%09lldZ", buf, (long long)(ns % 1000000000));
	return json_string(whole);
}

static json_t *state(const struct container *c)
{
	const struct container_state *s = &c->state;
	bool running = s->status == CONTAINER_RUNNING;

	return json_pack("{s:s,s:b,s:b,s:b,s:i,s:i,s:i,s:o,s:o,s:o}", "Status",
			 container_status_name((enum container_status)s->status), "Running", running,
			 "Paused", 0, "Restarting", 0, "Pid", s->pid, "MonitorPid", s->monitor_pid,
			 "ExitCode", running ? 0 : s->exit_code, "Error", template_text(s->error), "StartedAt",
			 when(s->started), "FinishedAt", when(s->finished));
}

static json_t *mounts(const struct container *c)
{
	static const char *const types[] = { [MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume",
					     [MOUNT_TMPFS] = "tmpfs" };
	json_t *a = json_array();

	for (size_t i = 0; i < c->config.mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		auto_free char *src = NULL;

		if (mountspec_parse(c->config.mounts.v[i], NULL, &m, NULL) < 0)
			continue;
		src = m.type == MOUNT_VOLUME ?
			      xasprintf("%s/volumes/%s/_data", c->eng->root, m.src) :
			      xstrdup(m.src ? m.src : "");
		(void)json_array_append_new(
			a, json_pack("{s:s,s:s,s:o,s:o,s:b,s:o}", "Type", types[m.type], "Name",
				     m.type == MOUNT_VOLUME ? m.src : "", "Source", template_text(src),
				     "Destination", template_text(m.dst), "RW", !m.ro, "Options", list(&m.opts)));
	}
	return a;
}

static char *port_key(const struct portspec *p, unsigned int nth)
{
	return xasprintf("%u/%s", p->guest_port + nth, port_proto_name(p->proto));
}

/* A key for each exposed port, also of a range. */
static json_t *exposed(const struct container_config *f, bool null)
{
	json_t *o = json_object();

	for (size_t i = 0; i < f->expose.n; i++) {
		struct portspec p;

		if (portspec_parse(f->expose.v[i], &p, NULL) < 0)
			continue;
		for (unsigned int k = 0; k < p.count; k++) {
			auto_free char *key = port_key(&p, k);

			(void)json_object_set_new(o, key, null ? json_null() : json_object());
		}
	}
	return o;
}

static void bind_port(json_t *o, const char *key, const char *ip, const char *port)
{
	json_t *bound = json_object_get(o, key);

	if (!json_is_array(bound)) {
		bound = json_array();
		(void)json_object_set_new(o, key, bound);
	}
	(void)json_array_append_new(bound, json_pack("{s:s,s:s}", "HostIp", ip, "HostPort", port));
}

/* What --publish asked for; "" for every address, and where the kernel picks. */
static json_t *port_bindings(const struct container_config *f)
{
	json_t *o = json_object();

	for (size_t i = 0; i < f->publish.n; i++) {
		struct portspec p;
		char ip[INET6_ADDRSTRLEN] = "";

		if (portspec_parse(f->publish.v[i], &p, NULL) < 0)
			continue;
		if (p.family != AF_UNSPEC)
			(void)inet_ntop(p.family,
					p.family == AF_INET ? (const void *)&p.host4 : (const void *)&p.host6,
					ip, sizeof(ip));
		for (unsigned int k = 0; k < p.count; k++) {
			auto_free char *key = port_key(&p, k);
			auto_free char *port = p.host_port ? xasprintf("%u", p.host_port + k) :
							     xstrdup("");

			bind_port(o, key, ip, port);
		}
	}
	return o;
}

/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]} */
static json_t *ports(const struct container *c)
{
	json_t *o = exposed(&c->config, /* null */ true);

	for (size_t i = 0; i < c->state.ports.n; i++) {
		const char *p = c->state.ports.v[i];
		const char *arrow = strstr(p, "->");
		auto_free char *host = xstrndup(p, arrow ? (size_t)(arrow - p) : 0);
		char *colon = strrchr(host, ':');

		if (!arrow || !colon)
			continue;
		*colon = '\0';
		if (*host == '[')
			colon[-1] = '\0';
		bind_port(o, arrow + 2, host + (*host == '['), colon + 1);
	}
	return o;
}

static json_t *config(const struct container *c)
{
	const struct container_config *f = &c->config;
	const char *sig = sigabbrev_np(f->stop_signal);
	auto_free char *stop = sig ? xasprintf("SIG%s", sig) : xasprintf("%d", f->stop_signal);

	return json_pack("{s:o,s:o,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:i,s:o,s:o}", "Hostname",
			 template_text(*f->hostname ? f->hostname : NULL), "User", template_text(f->user), "Tty", f->tty,
			 "OpenStdin", f->open_stdin, "Env", list(&f->env), "Cmd", list(&f->cmd), "Image",
			 template_text(f->image), "WorkingDir", template_text(f->workdir), "Entrypoint",
			 list(&f->entrypoint), "Labels", pairs(&f->labels), "StopSignal", stop,
			 "StopTimeout", f->stop_timeout, "Annotations", pairs(&f->annotations), "ExposedPorts",
			 exposed(f, /* null */ false));
}

static json_t *limits(const struct container_config *f)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:i,s:I}", "Memory",
			 (json_int_t)f->memory, "MemoryReservation", (json_int_t)f->memory_reservation,
			 "MemorySwap", (json_int_t)f->memory_swap, "CpuShares",
			 (json_int_t)f->cpu_shares, "CpuQuota", (json_int_t)f->cpu_quota, "CpuPeriod",
			 (json_int_t)f->cpu_period, "CpusetCpus", template_text(f->cpuset_cpus), "CpusetMems",
			 template_text(f->cpuset_mems), "PidsLimit", (json_int_t)f->pids_limit, "OomScoreAdj",
			 f->oom_score_adj, "ShmSize", (json_int_t)f->shm_size);
}

static json_t *host_config(const struct container *c)
{
	const struct container_config *f = &c->config;
	json_t *o = json_pack("{s:o,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:o}}", "NetworkMode",
			      template_text(f->network), "AutoRemove", f->rm, "ReadonlyRootfs", f->read_only,
			      "Privileged", f->privileged, "PublishSpecs", list(&f->publish), "CapAdd",
			      list(&f->cap_add), "CapDrop", list(&f->cap_drop), "SecurityOpt",
			      list(&f->security_opt), "ExtraHosts", list(&f->add_host), "Dns",
			      list(&f->dns), "Ulimits", list(&f->ulimit), "GroupAdd", list(&f->group_add),
			      "Sysctls", pairs(&f->sysctl), "LogConfig", "Type", template_text(f->log_driver));
	json_t *more = json_pack("{s:o,s:o,s:o,s:o,s:b,s:o,s:o,s:o}", "PortBindings", port_bindings(f),
				 "PidMode", template_text(f->pid_mode), "IpcMode", template_text(f->ipc_mode), "UTSMode",
				 template_text(f->uts_mode), "PublishAllPorts", f->publish_all, "DnsSearch",
				 list(&f->dns_search), "DnsOptions", list(&f->dns_option), "Devices",
				 list(&f->devices));
	json_t *numbers = limits(f);

	(void)json_object_update(o, more);
	(void)json_object_update(o, numbers);
	json_decref(more);
	json_decref(numbers);
	return o;
}

/* No host reaches a container's own address, so as with rootless Podman there is none. */
static json_t *network_settings(const struct container *c)
{
	return json_pack("{s:o,s:s,s:s,s:{s:{s:s,s:s}}}", "Ports", ports(c), "IPAddress", "", "Gateway",
			 "", "Networks", c->config.network, "IPAddress", "", "Gateway", "");
}

static json_t *describe(const struct container *c)
{
	const struct container_state *s = &c->state;
	struct strv args = { .v = c->config.args.n ? c->config.args.v + 1 : NULL,
			     .n = c->config.args.n ? c->config.args.n - 1 : 0 };
	auto_free char *dir = xasprintf("%s/containers/%s", c->eng->root, c->id);
	auto_free char *log = xasprintf("%s/" LOG_FILE, dir);

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o}}",
			 "Id", c->id, "Name", template_text(c->name), "Created", when(s->created), "Path",
			 template_text(c->config.args.n ? c->config.args.v[0] : NULL), "Args", list(&args), "State",
			 state(c), "Image", template_text(c->config.image_id), "LogPath", template_text(log), "Mounts",
			 mounts(c), "Config", config(c), "HostConfig", host_config(c), "Folder", template_text(dir),
			 "NetworkSettings", network_settings(c), "ImageName", template_text(c->config.image), "Rungs", "Ids", template_text(s->rung_ids),
			 "RootFs", template_text(s->rung_rootfs), "Network", template_text(s->rung_network), "Cgroups",
			 template_text(s->rung_cgroups));
}

static json_t *describe_image(const struct image *img)
{
	json_t *o = json_loads(img->config_json, 0, NULL);
	json_t *out = json_pack("{s:s,s:s,s:o,s:o,s:I,s:s,s:s,s:o}", "Id", img->id, "Digest", img->digest,
				"RepoTags", list(&img->names), "RepoDigests", list(&img->repo_digests),
				"Size", (json_int_t)img->size, "Architecture",
				img->config.architecture ? img->config.architecture : "", "Os",
				img->config.os ? img->config.os : "", "Created",
				template_text(img->config.created));
	static const char *const copied[] = { "config", "rootfs", "history" };
	static const char *const as[] = { "Config", "RootFS", "History" };

	for (size_t i = 0; out && i < sizeof(copied) / sizeof(copied[0]); i++) {
		json_t *v = json_object_get(o, copied[i]);

		if (v)
			(void)json_object_set(out, as[i], v);
	}
	json_decref(o);
	return out;
}

static int find_image(const struct engine *eng, const char *name, json_t **ret, struct err *e)
{
	AUTO(store_close) struct store *st = NULL;
	AUTO(image_free) struct image *img = NULL;
	int r = engine_store(eng, &st, e);

	if (r == 0)
		r = image_get(st, name, &img, e);
	if (r == 0)
		*ret = describe_image(img);
	return r;
}

static int find_one(const struct engine *eng, const struct inspect_opts *o, const char *name,
		    json_t **ret, struct err *e)
{
	AUTO(container_free) struct container *c = NULL;
	int r = -ENOENT;

	if (!o->type || str_eq(o->type, "container"))
		r = container_find(eng, name, &c, e);
	if (r == 0) {
		*ret = describe(c);
		return 0;
	}
	if (r != -ENOENT || (o->type && str_eq(o->type, "container")))
		return r;
	r = find_image(eng, name, ret, e);
	if (r == -ENOENT && !o->type)
		return err_msg(e, r, "no such container or image: %s", name);
	return r;
}

static int print(const struct inspect_opts *o, json_t *all, struct err *e)
{
	json_t *one;
	size_t i;

	if (!o->format || str_eq(o->format, "json")) {
		(void)json_dumpf(all, stdout, JSON_INDENT(4));
		puts("");
		return 0;
	}
	json_array_foreach(all, i, one) {
		int r = template_print(o->format, one, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int inspect(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct inspect_opts *o = opts;
	json_t *all = json_array();
	int code = 0, r;

	if (o->type && !str_eq(o->type, "container") && !str_eq(o->type, "image")) {
		json_decref(all);
		return err_msg(e, -EINVAL, "--type %s: not container or image", o->type);
	}
	for (int i = 0; i < argc; i++) {
		struct err why = { 0 };
		json_t *one = NULL;

		if (find_one(eng, o, argv[i], &one, &why) < 0) {
			log_error("inspect: %s", why.msg);
			code = CMD_EXIT_ENGINE;
			continue;
		}
		(void)json_array_append_new(all, one);
	}
	r = json_array_size(all) || !code ? print(o, all, e) : 0;
	json_decref(all);
	return r < 0 ? r : code;
}

const struct cmd cmd_inspect = {
	.name = "inspect",
	.fn = inspect,
	.flags = CMD_STORE,
	.summary = "show all that is known of containers or images",
	.args_help = "NAME...",
	.rows = rows,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = -1,
};
