/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_exec - run a further program in a container
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "runner/oci/cli.h"

struct exec_opts {
	const char *process, *console_socket, *pid_file, *cwd, *user, *apparmor, *label, *cgroup;
	struct strv env, caps, gids;
	bool tty, detach, no_new_privs, ignore_paused, no_subreaper;
	int preserve_fds;
};

static const struct opt exec_rows[] = {
	OPT_STR('p', "process", struct exec_opts, process, "FILE", "process object in JSON"),
	OPT_STR(0, "console-socket", struct exec_opts, console_socket, "PATH",
		"socket that gets the terminal"),
	OPT_STR(0, "pid-file", struct exec_opts, pid_file, "FILE", "write the pid there"),
	OPT_BOOL('t', "tty", struct exec_opts, tty, "give it a terminal"),
	OPT_BOOL('d', "detach", struct exec_opts, detach, "do not wait for it"),
	OPT_STR(0, "cwd", struct exec_opts, cwd, "DIR", "working folder"),
	OPT_LIST('e', "env", struct exec_opts, env, "NAME=VALUE", "environment"),
	OPT_STR('u', "user", struct exec_opts, user, "UID[:GID]", "numbers of the user"),
	OPT_LIST('g', "additional-gids", struct exec_opts, gids, "GID", "further groups"),
	OPT_LIST('c', "cap", struct exec_opts, caps, "CAP", "add a capability"),
	OPT_BOOL(0, "no-new-privs", struct exec_opts, no_new_privs, "set no_new_privs"),
	OPT_STR(0, "apparmor", struct exec_opts, apparmor, "PROFILE", "AppArmor profile"),
	OPT_STR(0, "process-label", struct exec_opts, label, "LABEL", "SELinux label"),
	OPT_STR(0, "cgroup", struct exec_opts, cgroup, "PATH", "group below the container's"),
	OPT_INT(0, "preserve-fds", struct exec_opts, preserve_fds, "N",
		"pass on N descriptors from 3"),
	OPT_BOOL(0, "ignore-paused", struct exec_opts, ignore_paused, "also in a paused container"),
	OPT_BOOL(0, "no-subreaper", struct exec_opts, no_subreaper,
		 "do not adopt orphans while waiting"),
	OPT_END,
};

static int parse_user(const char *text, struct spec_user *u, struct err *e)
{
	char uid[16];
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (str_format(uid, sizeof(uid), "%.*s", (int)len, text) < 0 || num_id(uid, &u->uid) < 0 ||
	    (colon && num_id(colon + 1, &u->gid) < 0))
		return err_msg(e, -EINVAL, "--user: '%s' is not UID[:GID] in numbers", text);
	return 0;
}

/* Does the list have an assignment to the same name? */
static bool is_named(const struct strv *l, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], assignment, len) == 0 && strcspn(l->v[i], "=") == len)
			return true;
	return false;
}

static int add_words(struct spec *s, const struct exec_opts *o, struct spec_process *p,
		     struct err *e)
{
	struct spec_strv env = p->env;

	p->caps.set |= o->caps.n > 0;

	p->env = (struct spec_strv){ NULL, 0 };
	for (size_t i = 0; i < env.n; i++)
		if (!is_named(&o->env, env.v[i]))
			spec_strv_add(s, &p->env, env.v[i]);
	for (size_t i = 0; i < o->env.n; i++)
		spec_strv_add(s, &p->env, o->env.v[i]);
	for (size_t i = 0; i < o->caps.n; i++) {
		int cap = spec_cap_parse(o->caps.v[i]);

		if (cap < 0) {
			log_warn("--cap: unknown capability '%s' ignored", o->caps.v[i]);
			continue;
		}
		p->caps.bounding |= UINT64_C(1) << cap;
		p->caps.effective |= UINT64_C(1) << cap;
		p->caps.permitted |= UINT64_C(1) << cap;
	}
	if (o->gids.n) {
		gid_t *gids = spec_alloc(s, o->gids.n, sizeof(*gids));

		for (size_t i = 0; i < o->gids.n; i++)
			if (num_id(o->gids.v[i], &gids[i]) < 0)
				return err_msg(e, -EINVAL, "--additional-gids: '%s' is no id in numbers",
					       o->gids.v[i]);
		p->user.gids = gids;
		p->user.n_gids = o->gids.n;
	}
	return 0;
}

/* The container's own process with what the command line changes. */
static int from_words(struct spec *s, const struct exec_opts *o, char **words, int n,
		      struct spec_process *p, struct err *e)
{
	*p = s->process;
	p->terminal = o->tty;
	p->args = (struct spec_strv){ NULL, 0 };
	for (int i = 0; i < n; i++)
		spec_strv_add(s, &p->args, words[i]);
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->no_new_privs)
		p->no_new_privs = true;
	if (o->apparmor)
		p->apparmor = o->apparmor;
	if (o->label)
		p->selinux = o->label;
	int r = o->user ? parse_user(o->user, &p->user, e) : 0;
	return r < 0 ? r : add_words(s, o, p, e);
}

static int from_file(struct spec *s, const struct exec_opts *o, struct spec_process *p,
		     struct err *e)
{
	auto_free char *text = NULL;
	size_t len;

	int r = io_read_file_at(AT_FDCWD, o->process, SPEC_MAX_JSON, &text, &len);
	if (r < 0)
		return err_set(e, r, "--process %s", o->process);
	r = spec_parse_process(s, text, len, p, e);
	if (r < 0)
		return err_wrap(e, "--process %s", o->process);
	p->terminal |= o->tty;
	/* absent is not "none" here: the container's own profile goes on */
	if (!p->caps.set)
		p->caps = s->process.caps;
	if (!p->apparmor)
		p->apparmor = s->process.apparmor;
	if (!p->selinux)
		p->selinux = s->process.selinux;
	if (!p->has_affinity) {
		p->cpus_initial = s->process.cpus_initial;
		p->cpus_final = s->process.cpus_final;
	}
	return 0;
}

static int build_cgroup(struct spec *s, const struct box *b, const struct exec_opts *o,
			const char **ret, struct err *e)
{
	*ret = *b->rec.cgroup ? b->rec.cgroup : NULL;
	if (!o->cgroup)
		return 0;
	if (!*ret)
		return err_msg(e, -EOPNOTSUPP, "--cgroup: the container has no cgroup of its own");
	if (strstr(o->cgroup, ".."))
		return err_msg(e, -EINVAL, "--cgroup: '%s' leads out of the container's", o->cgroup);
	*ret = spec_printf(s, "%s/%s", *ret, o->cgroup);
	return 0;
}

static int run_process(const struct box *b, struct spec *s, const struct exec_opts *o,
		       const struct spec_process *p, struct err *e)
{
	struct oci_exec_opts x;
	struct oci_bpf bpf = { 0 };
	auto_close int pidfd = -1;
	auto_close int tty = -1;
	pid_t pid;
	int *keep;

	oci_exec_opts_init(&x);
	x.pidfd = b->pidfd;
	x.pid = b->rec.pid;
	x.ns = b->rec.ns;
	x.keep_fds_as_is = true;
	int r = build_cgroup(s, b, o, &x.cgroup, e);
	if (r == 0)
		r = oci_seccomp_compile(&s->seccomp, &bpf, e);
	if (r == 0)
		r = cli_keep_fds(o->preserve_fds, &keep, &x.n_keep_fds, e);
	if (r < 0) {
		oci_bpf_clear(&bpf);
		return r;
	}
	x.keep_fds = keep;
	x.seccomp = &bpf;
	x.seccomp_spec = s->seccomp.listener_path ? &s->seccomp : NULL;
	x.id = b->rec.id;
	x.mempolicy = s->mempolicy.set ? &s->mempolicy : NULL;
	if (!o->detach)
		cli_hold_signals();
	r = oci_exec(&x, p, &pid, &pidfd, &tty, e);
	free(keep);
	oci_bpf_clear(&bpf);
	if (r == 0 && o->console_socket)
		r = cli_send_console(o->console_socket, tty, e);
	if (r == 0 && o->console_socket)
		(void)close(take_fd(&tty));
	if (r == 0)
		r = cli_write_pid(o->pid_file, pid, e);
	/* nobody would know of it */
	if (r < 0 && pidfd >= 0) {
		(void)oci_kill(pidfd, SIGKILL, NULL);
		(void)waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED);
	}
	if (r < 0 || o->detach)
		return r;
	return cli_wait(pidfd, take_fd(&tty), e);
}

static int check(const struct exec_opts *o, const struct box *b, const struct spec_process *p,
		 struct err *e)
{
	if (o->preserve_fds < 0)
		return err_msg(e, -EINVAL, "--preserve-fds: below 0");
	if (p->terminal && o->detach && !o->console_socket)
		return err_msg(e, -EINVAL, "--tty --detach: needs --console-socket");
	if (!p->terminal && o->console_socket)
		return err_msg(e, -EINVAL, "--console-socket: without a terminal");
	unsigned int ok = STORE_BIT(STORE_RUNNING) | STORE_BIT(STORE_CREATED);
	if (o->ignore_paused)
		ok |= STORE_BIT(STORE_PAUSED);
	return box_require(b, ok, e);
}

static int exec_in_box(const struct box *b, const struct exec_opts *o, char **words, int n,
		       struct err *e)
{
	struct spec_process p = { 0 };
	struct spec s;

	int r = box_spec(b, &s, e);
	if (r < 0)
		return r;
	r = o->process ? from_file(&s, o, &p, e) : from_words(&s, o, words, n, &p, e);
	if (r == 0)
		r = check(o, b, &p, e);
	if (r == 0 && !o->console_socket)
		cli_own_size(&p);
	if (r == 0)
		r = run_process(b, &s, o, &p, e);
	spec_clear(&s);
	return r;
}

static int exec_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct exec_opts o = { 0 };
	struct box b;
	char **args;

	int n = cli_operands(&verb_exec, argc, argv, &o, 1, -1, OPT_STOP_AT_OPERAND, &args, e);
	int r = n;
	/* `exec ID --process FILE` is written too */
	if (n > 1 && !o.process && str_starts(args[1], "-")) {
		int more = cli_operands(&verb_exec, n, args, &o, 0, -1, OPT_STOP_AT_OPERAND, &argv, e);

		r = more < 0 ? more : n;
		if (r >= 0) {
			memmove(args + 1, argv, (size_t)more * sizeof(*argv));
			n = more + 1;
		}
	}
	if (r >= 0 && !o.process && n < 2)
		r = err_msg(e, -EINVAL, "exec: needs a program or --process");
	if (r >= 0)
		r = box_open(cli->root_fd, args[0], /*lock*/ false, &b, e);
	if (r >= 0) {
		r = exec_in_box(&b, &o, args + 1, n - 1, e);
		box_close(&b);
	}
	strv_clear(&o.env);
	strv_clear(&o.caps);
	strv_clear(&o.gids);
	return r;
}

const struct verb verb_exec = {
	.name = "exec", .operands = "CONTAINER PROGRAM [ARG...]",
	.summary = "run a program in a container", .rows = exec_rows, .enters = true,
	.fn = exec_main,
};
