/* SPDX-License-Identifier: Apache-2.0
 *
 * info - where things are and which rungs this host offers
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/template.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/recorded.h"
#include "runner/oci/oci.h"

struct info_opts {
	const char *format;
};

static const struct opt rows[] = {
	OPT_STR('f', "format", struct info_opts, format, "FORMAT", "json, or a template: {{.Ids}}"),
	OPT_END,
};

static void count(const struct engine *eng, json_t *o)
{
	struct container **list = NULL;
	int running = 0, n = container_list(eng, &list, NULL);

	for (int i = 0; i < n; i++) {
		running += list[i]->state.status == CONTAINER_RUNNING;
		container_free(list[i]);
	}
	free(list);
	(void)json_object_set_new(o, "Containers", json_integer(n > 0 ? n : 0));
	(void)json_object_set_new(o, "ContainersRunning", json_integer(running));
}

static void add_program(json_t *o, const char *key, const char *name)
{
	char path[4096];

	(void)json_object_set_new(o, key, template_text(proc_find_program(name, path, sizeof(path)) < 0 ?
								"" : path));
}

static json_t *collect(const struct engine *eng)
{
	struct utsname uts;
	json_t *o;

	(void)uname(&uts);
	o = json_pack("{s:s,s:o,s:o,s:s,s:s,s:b,s:s}", "Version", VERSION, "Root",
		      template_text(eng->root), "RunRoot", template_text(eng->runroot), "KernelVersion", uts.release, "Ids", recorded_ids_name(eng),
		      "Rootless", eng->mode != ENGINE_ROOT, "Cgroups",
		      oci_cgroup_rung());
	(void)json_object_set_new(o, "Fuse", json_boolean(access("/dev/fuse", W_OK) == 0));
	(void)json_object_set_new(o, "Tun", json_boolean(access("/dev/net/tun", W_OK) == 0));
	add_program(o, "SlirpNet", "slirp-net");
	add_program(o, "FuseOverlay", "fuse-overlay");
	add_program(o, "Uidmap", "uidmap");
	count(eng, o);
	return o;
}

static int info(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct info_opts *o = opts;
	json_t *all = collect(eng);
	int r = 0;

	(void)argc;
	(void)argv;
	if (!o->format || str_eq(o->format, "json")) {
		(void)json_dumpf(all, stdout, JSON_INDENT(4));
		puts("");
	} else {
		r = template_print(o->format, all, e);
	}
	json_decref(all);
	return r;
}

const struct cmd cmd_info = {
	.name = "info",
	.fn = info,
	.flags = CMD_USERNS,
	.summary = "show where things are and which rungs this host offers",
	.args_help = "",
	.rows = rows,
	.opts_size = sizeof(struct info_opts),
};
