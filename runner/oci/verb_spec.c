/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_spec - write a config.json to start from
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "runner/oci/caps.h"
#include "runner/oci/cli.h"
#include "runner/oci/ns.h"

struct spec_opts {
	const char *bundle, *file;
	bool rootless;
};

static const struct opt spec_rows[] = {
	OPT_STR('b', "bundle", struct spec_opts, bundle, "DIR", "where to write it (default: here)"),
	OPT_STR('f', "file", struct spec_opts, file, "FILE", "another name than config.json"),
	OPT_BOOL(0, "rootless", struct spec_opts, rootless, "with a user namespace of one id"),
	OPT_END,
};

static json_t *strings(const struct spec_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(a, json_string(l->v[i]));
	return a;
}

static json_t *cap_names(uint64_t mask)
{
	json_t *a = json_array();

	for (int i = 0; i < CAPS_COUNT; i++)
		if (mask & UINT64_C(1) << i)
			(void)json_array_append_new(a, json_sprintf("CAP_%s", caps_name(i)));
	return a;
}

static json_t *mounts(const struct spec *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		(void)json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:o}", "destination", m->dst,
							 "type", m->type, "source", m->src, "options",
							 strings(&m->opts)));
	}
	return a;
}

static json_t *process(const struct spec *s)
{
	uint64_t caps = s->process.caps.bounding;

	return json_pack("{s:b, s:{s:i, s:i}, s:[s], s:o, s:s, s:{s:o, s:o, s:o}, s:[{s:s, s:i, s:i}], s:b}",
			 "terminal", 1, "user", "uid", 0, "gid", 0, "args", "sh", "env",
			 strings(&s->process.env), "cwd", s->process.cwd, "capabilities", "bounding",
			 cap_names(caps), "effective", cap_names(caps), "permitted", cap_names(caps),
			 "rlimits", "type", "RLIMIT_NOFILE", "hard", 1024, "soft", 1024,
			 "noNewPrivileges", 1);
}

static json_t *namespaces(const struct spec *s, bool rootless)
{
	json_t *a = json_array();

	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++)
		if (s->ns[t].set || (rootless && t == SPEC_NS_USER))
			(void)json_array_append_new(a, json_pack("{s:s}", "type", ns_kind(t)->name));
	return a;
}

static json_t *one_id(unsigned int id)
{
	return json_pack("[{s:i, s:I, s:i}]", "containerID", 0, "hostID", (json_int_t)id, "size", 1);
}

static json_t *build(struct spec *s, bool rootless)
{
	json_t *lin = json_pack("{s:o, s:o, s:o}", "namespaces", namespaces(s, rootless), "maskedPaths",
				strings(&s->masked), "readonlyPaths", strings(&s->readonly));

	if (rootless) {
		(void)json_object_set_new(lin, "uidMappings", one_id(geteuid()));
		(void)json_object_set_new(lin, "gidMappings", one_id(getegid()));
	} else {
		(void)json_object_set_new(lin, "resources",
					  json_pack("{s:[{s:b, s:s}]}", "devices", "allow", 0, "access",
						    "rwm"));
	}
	return json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o}", "ociVersion", "1.0.2", "process",
			 process(s), "root", "path", "rootfs", "readonly", 1, "hostname", "runner",
			 "mounts", mounts(s), "linux", lin);
}

static int spec_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct spec_opts o = { .bundle = ".", .file = "config.json" };
	struct spec s;
	char **args;

	(void)cli;
	int r = cli_operands(&verb_spec, argc, argv, &o, 0, 0, 0, &args, e);
	if (r < 0)
		return r;
	spec_default(&s, SPEC_DEFAULT_NO_SECCOMP);
	/* a group that the one mapped id does not have */
	for (size_t i = 0; o.rootless && i < s.n_mounts; i++)
		for (size_t k = 0; k < s.mounts[i].opts.n; k++)
			if (str_starts(s.mounts[i].opts.v[k], "gid="))
				s.mounts[i].opts.v[k] = "nosuid";
	json_t *o_json = build(&s, o.rootless);
	auto_free char *text = json_dumps(o_json, JSON_INDENT(4));
	json_decref(o_json);
	spec_clear(&s);

	auto_close int dir = open(o.bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, -errno, "--bundle %s", o.bundle);
	auto_close int fd = openat(dir, o.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(e, -errno, "%s/%s", o.bundle, o.file);
	r = text ? io_write_all(fd, text, strlen(text)) : -ENOMEM;
	if (r == 0)
		r = io_write_all(fd, "\n", 1);
	return r < 0 ? err_set(e, r, "%s/%s", o.bundle, o.file) : 0;
}

const struct verb verb_spec = {
	.name = "spec", .operands = "", .summary = "write a config.json to start from",
	.rows = spec_rows, .no_store = true, .fn = spec_main,
};
