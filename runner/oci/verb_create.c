/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_create - create and run
 *
 * How it works: the folder of the container is made and locked first; then the
 * record is written at every step that leaves something behind (a cgroup, a
 * process), before anything else happens, so that `delete --force` finds it
 * whatever kills us in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/oci/cli.h"

struct create {
	const char *bundle, *config, *console_socket, *pid_file;
	int preserve_fds;
	bool no_pivot, no_new_keyring, detach, keep, no_subreaper;
	/* not options */
	struct cli *cli;
	struct box *box;
};

#define ROWS_COMMON                                                                              \
	OPT_STR('b', "bundle", struct create, bundle, "DIR", "folder with config.json (default: here)"), \
		OPT_STR('f', "config", struct create, config, "FILE", "another file than config.json"), \
		OPT_STR(0, "console-socket", struct create, console_socket, "PATH",                \
			"socket that gets the terminal"),                                           \
		OPT_STR(0, "pid-file", struct create, pid_file, "FILE", "write the pid there"),    \
		OPT_INT(0, "preserve-fds", struct create, preserve_fds, "N",                       \
			"pass on N descriptors from 3"),                                            \
		OPT_BOOL(0, "no-pivot", struct create, no_pivot, "move and chroot instead of pivot_root"), \
		OPT_BOOL(0, "no-new-keyring", struct create, no_new_keyring, "keep the session keyring"), \
		OPT_BOOL(0, "no-subreaper", struct create, no_subreaper,                           \
			 "do not adopt orphans while waiting")

static const struct opt create_rows[] = { ROWS_COMMON, OPT_END };
static const struct opt run_rows[] = {
	ROWS_COMMON,
	OPT_BOOL('d', "detach", struct create, detach, "do not wait for the container"),
	OPT_BOOL(0, "keep", struct create, keep, "do not delete it when it ends"),
	OPT_END,
};

static int load_spec(const struct create *c, const char *bundle, struct spec *ret, struct err *e)
{
	char path[PATH_MAX];
	int r = c->config && c->config[0] == '/' ?
			str_format(path, sizeof(path), "%s", c->config) :
			str_format(path, sizeof(path), "%s/%s", bundle,
				   c->config ? c->config : "config.json");

	if (r < 0)
		return err_set(e, r, "--bundle %s", bundle);
	/* crun takes a relative --config from where it was started */
	if (c->config && c->config[0] != '/' && access(c->config, F_OK) == 0)
		(void)str_format(path, sizeof(path), "%s", c->config);
	r = spec_load(AT_FDCWD, path, ret, e);
	for (size_t i = 0; r == 0 && i < ret->warnings.n; i++)
		log_warn("%s", ret->warnings.v[i]);
	if (r < 0)
		return r;

	/* later commands ask the spec as it was, not as the bundle is by then */
	auto_free char *text = NULL;
	size_t len;
	r = io_read_file_at(AT_FDCWD, path, SPEC_MAX_JSON, &text, &len);
	if (r == 0)
		r = io_replace_file_at(c->box->fd, "config.json", text, len, 0600);
	return r < 0 ? err_set(e, r, "keep a copy of %s", path) : 0;
}

static const char *timestamp(struct spec *mem)
{
	struct timespec ts;
	struct tm tm;
	char text[64];

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return spec_printf(mem, "%s.%09ldZ", text, ts.tv_nsec);
}

static int fill_record(struct box *b, const char *bundle, const struct spec *s)
{
	struct record *r = &b->rec;

	r->bundle = spec_strdup(&r->mem, bundle);
	r->rootfs = !s->root_path ? "" :
		    s->root_path[0] == '/' ? spec_strdup(&r->mem, s->root_path) :
					     spec_printf(&r->mem, "%s/%s", bundle, s->root_path);
	r->created = timestamp(&r->mem);
	r->owner = getuid();
	return 0;
}

/* Called at each step of the creation, with what exists by then. */
static int on_step(void *ctx, const char *name, const struct oci_container *c, struct err *e)
{
	struct create *cr = ctx;
	struct record *r = &cr->box->rec;
	uint64_t start;

	log_debug("step: %s", name);
	if (str_eq(name, "cgroup") || str_eq(name, "cloned") || str_eq(name, "mapped") ||
	    str_eq(name, "ready")) {
		r->cgroup = spec_strdup(&r->mem, c->cgroup);
		r->scope = spec_strdup(&r->mem, c->cgroup_scope);
		r->cgroup_ours = c->cgroup_ours;
		r->half_made = !str_eq(name, "ready");
		memcpy(r->ns, c->ns, sizeof(r->ns));
		if (c->pid > 0 && proc_start_time(c->pid, &start) == 0) {
			r->pid = c->pid;
			r->start = start;
		}
		int ret = box_save(cr->box, e);
		if (ret < 0)
			return ret;
	}
	if (cr->cli->debug_stop && str_eq(cr->cli->debug_stop, name))
		(void)raise(SIGSTOP);
	return 0;
}

static int make_options(struct create *c, const char *bundle, int *ret_listener,
			struct oci_create_opts *o, struct err *e)
{
	int *keep;

	oci_create_opts_init(o);
	o->ns_ids = true;
	o->id = c->box->rec.id;
	o->bundle = bundle;
	int r = cli_keep_fds(c->preserve_fds, &keep, &o->n_keep_fds, e);
	if (r < 0)
		return r;
	o->keep_fds = keep;
	o->keep_fds_as_is = true;
	o->cgroup = c->cli->cgroup;
	o->require_cgroup = c->cli->require_cgroup;
	o->no_pivot = c->no_pivot;
	o->no_new_keyring = c->no_new_keyring;
	o->warn = cli_warn;
	o->step = on_step;
	o->step_ctx = c;
	r = box_listen(c->box, ret_listener, e);
	o->start_fd = *ret_listener;
	return r;
}

static int check_terminal(const struct create *c, const struct spec *s, bool detach, struct err *e)
{
	if (s->process.terminal && detach && !c->console_socket)
		return err_msg(e, -EINVAL, "process.terminal: use --console-socket if a terminal is needed with --detach");
	if (!s->process.terminal && c->console_socket)
		return err_msg(e, -EINVAL, "--console-socket: the process asks for no terminal");
	return 0;
}

/* Socket activation: the program is told of the descriptors as our own. */
static void pass_listen_fds(struct spec *s)
{
	const char *n = getenv("LISTEN_FDS");

	if (!n || !*n)
		return;
	struct spec_strv env = s->process.env;
	s->process.env = (struct spec_strv){ NULL, 0 };
	for (size_t i = 0; i < env.n; i++)
		spec_strv_add(s, &s->process.env, env.v[i]);
	spec_strv_add(s, &s->process.env, spec_printf(s, "LISTEN_FDS=%s", n));
	spec_strv_add(s, &s->process.env, "LISTEN_PID=1");
	if (getenv("LISTEN_FDNAMES"))
		spec_strv_add(s, &s->process.env,
			      spec_printf(s, "LISTEN_FDNAMES=%s", getenv("LISTEN_FDNAMES")));
}

/* Everything up to "created"; on failure the folder is the caller's to remove. */
static int create_in_box(struct create *c, bool detach, struct spec *s, struct oci_container *ret,
			 struct err *e)
{
	auto_close int listener = -1;
	auto_free char *bundle = realpath(c->bundle ? c->bundle : ".", NULL);
	struct oci_create_opts o;

	if (!bundle)
		return err_set(e, -errno, "--bundle %s", c->bundle ? c->bundle : ".");
	int r = load_spec(c, bundle, s, e);
	if (r < 0)
		return r;
	pass_listen_fds(s);
	r = sdnotify_prepare(c->box, s, e);
	if (r == 0)
		r = check_terminal(c, s, detach, e);
	if (r == 0 && !c->console_socket)
		cli_own_size(&s->process);
	if (r == 0)
		r = fill_record(c->box, bundle, s);
	if (r == 0)
		r = make_options(c, bundle, &listener, &o, e);
	if (r < 0)
		return r;
	r = oci_create(s, &o, ret, e);
	free((void *)(uintptr_t)o.keep_fds);
	if (r < 0)
		return r;

	if (c->console_socket)
		r = cli_send_console(c->console_socket, ret->terminal_fd, e);
	if (r == 0 && c->console_socket)
		(void)close(take_fd(&ret->terminal_fd));
	if (r == 0)
		r = cli_write_pid(c->pid_file, ret->pid, e);
	if (r < 0) {
		(void)oci_kill(ret->pidfd, SIGKILL, NULL);
		(void)waitid(P_PIDFD, (id_t)ret->pidfd, NULL, WEXITED);
	}
	return r;
}

static int create_box(struct create *c, const char *id, bool detach, struct spec *s,
		      struct oci_container *ret, struct err *e)
{
	int r = store_new(c->cli->root_fd, id, c->box, e);

	if (r < 0)
		return r;
	*s = (struct spec){ 0 };
	r = create_in_box(c, detach, s, ret, e);
	if (r < 0) {
		struct err ignored;

		spec_clear(s);
		if (c->box->rec.cgroup_ours && *c->box->rec.cgroup)
			(void)oci_cgroup_remove(c->box->rec.cgroup, c->box->rec.scope, &ignored);
		(void)box_remove(c->box, id, &ignored);
		box_close(c->box);
		oci_container_close(ret);
	}
	return r;
}

static int create_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct box box;
	struct create c = { .cli = cli, .box = &box };
	struct oci_container oc;
	struct spec s;
	char **args;

	int r = cli_operands(&verb_create, argc, argv, &c, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	oci_container_init(&oc);
	r = create_box(&c, args[0], /*detach*/ true, &s, &oc, e);
	if (r < 0)
		return r;
	oci_container_close(&oc);
	spec_clear(&s);
	box_close(&box);
	return 0;
}

static int finish_run(struct create *c, struct oci_container *oc, const char *id, struct err *e)
{
	struct err why;
	int code = cli_wait(oc->pidfd, take_fd(&oc->terminal_fd), e);

	if (c->keep)
		return code;
	/* orphans of the container may have been given to us */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (cli_delete(c->box, id, &why) < 0)
		log_warn("%s", why.msg);
	return code;
}

static int run_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct box box;
	struct create c = { .cli = cli, .box = &box };
	struct oci_container oc;
	struct spec s;
	char **args;

	int r = cli_operands(&verb_run, argc, argv, &c, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	if (!c.detach && !c.no_subreaper)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	oci_container_init(&oc);
	r = create_box(&c, args[0], c.detach, &s, &oc, e);
	if (r < 0)
		return r;
	box.pidfd = fcntl(oc.pidfd, F_DUPFD_CLOEXEC, 3);
	if (!c.detach)
		cli_hold_signals();
	r = cli_start(&box, &s, c.detach, e);
	if (r < 0) {
		struct err ignored;

		(void)oci_kill(oc.pidfd, SIGKILL, NULL);
		(void)waitid(P_PIDFD, (id_t)oc.pidfd, NULL, WEXITED);
		(void)cli_delete(&box, args[0], &ignored);
	} else if (!c.detach) {
		r = finish_run(&c, &oc, args[0], e);
	}
	oci_container_close(&oc);
	spec_clear(&s);
	box_close(&box);
	return r;
}

const struct verb verb_create = {
	.name = "create", .operands = "CONTAINER", .summary = "make a container that waits for start",
	.rows = create_rows, .enters = true, .fn = create_main,
};
const struct verb verb_run = {
	.name = "run", .operands = "CONTAINER", .summary = "create, start, wait, delete",
	.rows = run_rows, .enters = true, .fn = run_main,
};
