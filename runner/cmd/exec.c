/* SPDX-License-Identifier: Apache-2.0
 *
 * exec - run a further program in a running container
 *
 * How it works: this process itself joins the container's namespaces in a
 * child (oci_exec()); no other process takes part. Files and pipes are handed
 * to the program as they are. A terminal of ours is not: whoever holds it can
 * read what is typed, so the program gets pipes, or with -t a terminal of the
 * container's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/filter.h"
#include "runner/engine/recorded.h"
#include "runner/engine/specgen.h"
#include "runner/engine/user.h"
#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

struct exec_opts {
	bool detach;
	bool interactive;
	bool tty;
	bool privileged;
	const char *user;
	const char *workdir;
	const char *detach_keys;
	struct strv env;
};

static const struct opt rows[] = {
	OPT_BOOL('d', "detach", struct exec_opts, detach, "run in the background"),
	OPT_STR(0, "detach-keys", struct exec_opts, detach_keys, "KEYS",
		"keys that leave it running (ctrl-p,ctrl-q)"),
	OPT_LIST('e', "env", struct exec_opts, env, "NAME[=VALUE]", "environment variable"),
	OPT_BOOL('i', "interactive", struct exec_opts, interactive, "connect stdin"),
	OPT_BOOL(0, "privileged", struct exec_opts, privileged, "all capabilities that we have"),
	OPT_BOOL('t', "tty", struct exec_opts, tty, "give it a terminal"),
	OPT_STR('u', "user", struct exec_opts, user, "USER[:GROUP]", "instead of the container's"),
	OPT_STR('w', "workdir", struct exec_opts, workdir, "PATH", "instead of the container's"),
	OPT_END,
};

static void clear(void *opts)
{
	struct exec_opts *o = opts;

	strv_clear(&o->env);
}

/**
 * struct ends - what the program gets as 0, 1, 2, and our sides of it
 */
struct ends {
	int theirs[3];
	struct client_child ours;
};

static void close_theirs(struct ends *ends)
{
	for (int i = 0; i < 3; i++)
		if (ends->theirs[i] > 2)
			close(ends->theirs[i]);
}

static int make_pipe(int *ret_read, int *ret_write, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	*ret_read = p[0];
	*ret_write = p[1];
	return 0;
}

static int open_null(int *ret, struct err *e)
{
	*ret = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *ret < 0 ? err_set(e, -errno, "/dev/null") : 0;
}

static int make_ends(struct ends *ends, const struct exec_opts *o, struct err *e)
{
	int r = 0;

	*ends = (struct ends){ .theirs = { 0, 1, 2 },
			       .ours = { .pidfd = -1, .out = { -1, -1 }, .in = -1 } };
	if (o->tty) {
		ends->theirs[0] = ends->theirs[1] = ends->theirs[2] = -1;
		return 0;
	}
	if (!o->interactive || o->detach)
		r = open_null(&ends->theirs[0], e);
	else if (isatty(STDIN_FILENO))
		r = make_pipe(&ends->theirs[0], &ends->ours.in, e);
	for (int i = 0; r == 0 && i < 2; i++) {
		if (o->detach)
			r = open_null(&ends->theirs[i + 1], e);
		else if (isatty(i + 1))
			r = make_pipe(&ends->ours.out[i], &ends->theirs[i + 1], e);
	}
	return r;
}

/* A name alone is our own variable, and nothing where we have none. */
static void expand_env(struct exec_opts *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->env.n; i++) {
		char *word = o->env.v[i];
		const char *value = strchr(word, '=') ? NULL : getenv(word);

		if (value)
			o->env.v[n++] = xasprintf("%s=%s", word, value);
		else if (strchr(word, '='))
			o->env.v[n++] = xstrdup(word);
		free(word);
	}
	if (o->env.n)
		o->env.v[n] = NULL;
	o->env.n = n;
}

static int find_user(const struct container *c, const struct exec_opts *o, struct user *ret,
		     struct err *e)
{
	auto_free char *path = xasprintf("/proc/%d/root", c->state.pid);
	auto_close int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *spec = o->user ? o->user : c->config.user ? c->config.user : "";

	if (root < 0)
		return err_set(e, -errno, "root of container %.12s", c->id);
	return user_resolve(root, spec, c->config.group_add.v, ret, e) < 0 ? err_wrap(e, "--user") : 0;
}

static int spawn(const struct container *c, const struct exec_opts *o, int argc, char **argv,
		 int init, struct ends *ends, struct err *e)
{
	AUTO(recorded_program_clear) struct recorded_program program = { 0 };
	struct oci_exec_opts eo;
	struct oci_bpf bpf = { 0 };
	struct spec spec;
	struct user user;
	int tty = -1, r = find_user(c, o, &user, e);

	if (r < 0)
		return r;
	r = specgen_exec(&spec, c, &user, &o->env, o->tty, o->privileged, e);
	if (r == 0 && spec.seccomp.set)
		r = filter_get(c->eng, &spec.seccomp, &bpf, e);
	if (r == 0 && c->recorded)
		r = recorded_program(c, &user, &program, e);
	if (o->workdir)
		spec.process.cwd = o->workdir;
	/* the relay sets it too, but then the program may have looked already */
	if (o->tty)
		(void)client_terminal_size(&spec.process.rows, &spec.process.cols);
	for (int i = 1; i < argc; i++)
		spec_strv_add(&spec, &spec.process.args, argv[i]);
	oci_exec_opts_init(&eo);
	eo.pidfd = init;
	eo.pid = c->state.pid;
	memcpy(eo.stdio, ends->theirs, sizeof(eo.stdio));
	eo.seccomp = &bpf;
	eo.agent = c->recorded ? &program.agent : NULL;
	eo.id = c->id;
	eo.cgroup = c->state.cgroup && *c->state.cgroup ? c->state.cgroup : NULL;
	if (r == 0)
		r = oci_exec(&eo, &spec.process, &ends->ours.pid, &ends->ours.pidfd, &tty, e);
	/* made from another place of the hierarchy, where the kernel bars the way */
	if ((r == -EACCES || r == -EOPNOTSUPP) && eo.cgroup) {
		log_warn("exec: outside of the limits of container %.12s: %s", c->id, e->msg);
		eo.cgroup = NULL;
		r = oci_exec(&eo, &spec.process, &ends->ours.pid, &ends->ours.pidfd, &tty, e);
	}
	if (r == 0 && o->tty)
		ends->ours.out[0] = ends->ours.in = tty;
	oci_bpf_clear(&bpf);
	spec_clear(&spec);
	return r;
}

static int check(struct engine *eng, struct container *c, const struct exec_opts *o,
		 struct err *e)
{
	if (!each_is_running(c))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	if (o->tty && o->interactive && !o->detach && !isatty(STDIN_FILENO))
		return err_msg(e, -ENOTTY, "--tty: stdin is not a terminal");
	if (o->workdir && o->workdir[0] != '/')
		return err_msg(e, -EINVAL, "--workdir %s: not an absolute path", o->workdir);
	/* We do not enter the container's user namespace, but have to know. */
	if (c->state.rung_ids && str_eq(c->state.rung_ids, "one"))
		eng->ids = ENGINE_IDS_ONE;
	if (c->state.rung_ids && str_eq(c->state.rung_ids, "recorded")) {
		eng->ids = ENGINE_IDS_ONE;
		c->recorded = (int)recorded_mode(c);
	}
	return 0;
}

static int relay(struct ends *ends, const struct exec_opts *o, struct err *e)
{
	struct client_opts co = { .tty = o->tty, .in = o->interactive, .sig_proxy = true };
	int code, r = detach_parse(o->detach_keys ? o->detach_keys : "ctrl-p,ctrl-q", &co.detach, e);

	if (!o->tty)
		co.detach.n = 0;
	if (r == 0)
		r = client_relay_child(&ends->ours, &co, &code, e);
	return r < 0 ? r : code;
}

static int do_exec(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	struct exec_opts *o = opts;
	AUTO(container_free) struct container *c = NULL;
	auto_close int init = -1;
	struct ends ends;
	int r = container_find(eng, argv[0], &c, e);

	if (r == 0)
		r = check(eng, c, o, e);
	if (r < 0)
		return r;
	init = proc_pidfd_open(c->state.pid, (uint64_t)c->state.pid_start);
	if (init < 0)
		return err_set(e, init, "container %.12s", c->id);
	expand_env(o);
	r = make_ends(&ends, o, e);
	if (!o->detach)
		client_hold_signals();
	if (r == 0)
		r = spawn(c, o, argc, argv, init, &ends, e);
	close_theirs(&ends);
	if (r < 0) {
		log_error("exec: %s", e->msg);
		return oci_exit_code(r);
	}
	return o->detach ? 0 : relay(&ends, o, e);
}

const struct cmd cmd_exec = {
	.name = "exec",
	.fn = do_exec,
	.clear = clear,
	.flags = CMD_STORE,
	.summary = "run a further program in a running container",
	.args_help = "CONTAINER COMMAND [ARGUMENTS]",
	.rows = rows,
	.opts_size = sizeof(struct exec_opts),
	.min_args = 2,
	.max_args = -1,
	.stop_at_operand = 1,
};
