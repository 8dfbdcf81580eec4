/* SPDX-License-Identifier: Apache-2.0
 *
 * start - take the resources of a container in the right order, or none
 *
 * How it works: the command forks the monitor, which is its copy: nothing is
 * written, executed or parsed again. The monitor takes, in this order,
 *
 *	files		hosts, hostname, resolv.conf; stdio, writable folders
 *	slirp-net	executed; it waits for its namespace
 *	ids		wait: the command waits for the id map (rootless.c), and makes
 *			the network namespace while we go on
 *	root fs		overlay
 *	network		slirp-net gets it, and configures in the background
 *	runtime		the container's init; as soon as it exists, and while it
 *			builds its mounts:
 *			guard	from here on our death is the container's
 *			socket	other commands may connect
 *			record	written beside the old one
 *			network	wait: link up, every port bound
 *			record	RUNNING
 *	start		the init executes the program
 *
 * and then tells the command and lets the lock go. Whatever fails is told
 * instead, everything taken is let go in reverse, and the record stays as it
 * was (or, for a container made by this very command, goes).
 * The end is in finish.c.
 */
#include "runner/engine/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"
#include "runner/engine/engine.h"
#include "runner/engine/files.h"
#include "runner/engine/filter.h"
#include "runner/engine/finish.h"
#include "runner/engine/ladder.h"
#include "runner/engine/monitor.h"
#include "runner/engine/network.h"
#include "runner/engine/ports.h"
#include "runner/engine/recorded.h"
#include "runner/engine/rootless.h"
#include "runner/engine/specgen.h"
#include "runner/engine/user.h"
#include "runner/engine/volume.h"
#include "runner/image/store.h"
#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

int start_destroy(struct container *c, struct store *store, struct err *e)
{
	int r, purged;

	container_reap(c);
	r = finish_retire(c, store, e);
	purged = container_purge(c, r < 0 ? NULL : e);

	return r < 0 ? r : purged;
}

void start_repair(const struct engine *eng, struct store *st)
{
	AUTO(strv_clear) struct strv holders = { 0 };

	/* Who holds now was made before we look for folders: a container that
	 * is being made has its folder first. */
	(void)store_hold_list(st, &holders, NULL);
	container_repair(eng);
	for (size_t i = 0; i < holders.n; i++)
		if (!container_exists(eng, holders.v[i]))
			(void)store_release(st, holders.v[i], NULL);
}

/* ---------------------------------------------------------------- stdio -- */

/**
 * struct ends - the program's ends of its stdio
 * @fd:	0, 1, 2; -1 with a terminal
 */
struct ends {
	int fd[3];
};

static void ends_close(struct ends *ends)
{
	for (int i = 0; i < 3; i++)
		if (ends->fd[i] >= 0)
			close(take_fd(&ends->fd[i]));
}

static int make_stdio(struct monitor *m, struct ends *ends, struct err *e)
{
	int p[2];

	*ends = (struct ends){ { -1, -1, -1 } };
	if (m->c->config.tty)
		return 0;
	for (int i = 0; i < 2; i++) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return err_set(e, -errno, "pipe");
		m->out[i] = p[0];
		ends->fd[i + 1] = p[1];
		(void)fd_set_nonblock(p[0], 1);
	}
	if (!m->c->config.open_stdin) {
		ends->fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return ends->fd[0] < 0 ? err_set(e, -errno, "/dev/null") : 0;
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	ends->fd[0] = p[0];
	m->in = p[1];
	(void)fd_set_nonblock(p[1], 1);
	return 0;
}

static void adopt_terminal(struct monitor *m, const struct start_opts *opts)
{
	struct winsize ws = { .ws_row = opts->rows, .ws_col = opts->cols };

	if (m->oci.terminal_fd < 0)
		return;
	m->out[0] = m->in = take_fd(&m->oci.terminal_fd);
	(void)fd_set_nonblock(m->in, 1);
	if (ws.ws_row)
		(void)ioctl(m->in, TIOCSWINSZ, &ws);
}

/* --------------------------------------------------------------- record -- */

/* For commands that want to join our user namespace. Where the map takes no
 * helper, making one's own is cheaper. */
static int write_pid_file(const struct container *c)
{
	char line[64];
	int n = str_format(line, sizeof(line), "%d %lld\n", c->state.monitor_pid,
			   (long long)c->state.monitor_start);

	return io_replace_file_at(c->run_fd, "monitor", line, (size_t)n, 0600);
}

static void set_str(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

/* All that the record says of this run but for its ports. */
static int describe_run(struct monitor *m, const struct oci_container *child, struct err *e)
{
	struct container_state *st = &m->c->state;
	uint64_t start = 0;
	int r;

	st->status = CONTAINER_RUNNING;
	free(st->boot_id);
	st->boot_id = container_boot_id();
	st->monitor_pid = getpid();
	st->pid = child->pid;
	r = proc_start_time(st->monitor_pid, &start);
	st->monitor_start = (int64_t)start;
	if (r == 0 && proc_start_time(st->pid, &start) == 0)
		st->pid_start = (int64_t)start;
	set_str(&st->error, "");
	set_str(&st->runroot, m->c->eng->runroot);
	set_str(&st->cgroup, child->has_cgroup ? child->cgroup : "");
	set_str(&st->rung_ids, m->c->recorded ? "recorded" : engine_ids_name(m->c->eng));
	set_str(&st->rung_rootfs, m->root.rung);
	set_str(&st->rung_network, m->net.rung);
	if (r == 0 && m->c->eng->ids == ENGINE_IDS_RANGE)
		r = write_pid_file(m->c);
	return r < 0 ? err_set(e, r, "runtime folder: record of the monitor") : 0;
}

/* --------------------------------------------------------------- create -- */

static void on_warn(void *ctx, const char *line)
{
	(void)ctx;
	log_warn("%s", line);
}

static int make_workdir(struct monitor *m, const struct user *user, struct err *e)
{
	const char *dir = m->c->config.workdir;
	auto_close int fd = -1;

	if (!dir || !*dir || str_eq(dir, "/"))
		return 0;
	fd = fd_open_in_root(m->root.fd, dir, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0 || fd != -ENOENT)
		return 0;
	fd = fd_mkdir_p_in_root(m->root.fd, dir, 0755);
	(void)user;
	return fd < 0 ? err_set(e, fd, "--workdir %s", dir) : 0;
}

static int resolve_user(struct monitor *m, struct user *ret, struct err *e)
{
	const struct container_config *cfg = &m->c->config;
	int r = user_resolve(m->root.fd, cfg->user ? cfg->user : "", cfg->group_add.v, ret, e);

	if (r < 0)
		return err_wrap(e, "--user");
	/* The kernel has setgroups(2) switched off, and there is one group id. */
	for (size_t i = 0; m->c->eng->ids == ENGINE_IDS_ONE && !m->c->recorded && i < cfg->group_add.n;
	     i++)
		if (!str_eq(cfg->group_add.v[i], "keep-groups"))
			return err_msg(e, -ENOTSUP,
				       "--group-add %s: with one id no other group exists (only "
				       "keep-groups works)",
				       cfg->group_add.v[i]);
	return 0;
}

static int open_doors(struct monitor *m, struct err *e)
{
	const struct container_config *cfg = &m->c->config;

	if (!cfg->log_driver || !str_eq(cfg->log_driver, "none"))
		log_writer_init(&m->log, m->c->dir_fd, cfg->log_max);
	m->listen_fd = ctl_listen(m->c->run_fd);
	if (m->listen_fd < 0)
		return err_set(e, m->listen_fd, "runtime folder: socket of container %.12s", m->c->id);
	return 0;
}

/*
 * The last process of a mount namespace takes its mounts apart before anybody
 * hears that it has ended: 15 mounts and four grace periods of the kernel.
 * Held here, they go when who waits was told. Not where a host's folder is
 * among them: it shall be free to go when the container is.
 */
static void keep_mounts(struct monitor *m, pid_t pid)
{
	char path[32];

	if (m->c->config.mounts.n || m->root.helper > 0)
		return;
	(void)str_format(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	m->mounts_fd = open(path, O_RDONLY | O_CLOEXEC);
}

/* What was written meanwhile said the best. */
static int lower_network(struct monitor *m, struct err *e)
{
	int r;

	set_str(&m->c->state.rung_network, m->net.rung);
	r = ladder_require(&m->c->config.require, &m->c->state, e);
	return r == 0 && !m->c->config.publish.n ? container_stage(m->c, e) : r;
}

/* Nothing but the program itself is missing when this returns. */
static int settle(struct monitor *m, struct err *e)
{
	struct container_state *st = &m->c->state;
	int r = network_wait(&m->net, m->c, e);

	if (r == 0 && !str_eq(st->rung_network, m->net.rung))
		r = lower_network(m, e);
	if (r == 0)
		log_debug("root file system: %s; network: %s; cgroups: %s", st->rung_rootfs,
			  st->rung_network, st->rung_cgroups);
	if (r == 0)
		r = ports_record(m->c, &m->net, e);
	/* Before the program starts: it might fill the disk. */
	return r == 0 ? container_commit(m->c, e) : r;
}

/* While the new process builds its mounts, which takes longer than all of this. */
static int on_step(void *ctx, const char *name, const struct oci_container *child, struct err *e)
{
	struct monitor *m = ctx;
	int r;

	/* systemd has moved it: only now is its group known */
	if (str_eq(name, "mapped") && child->cgroup_scope[0]) {
		set_str(&m->c->state.cgroup, child->cgroup);
		return m->c->config.publish.n ? 0 : container_stage(m->c, e);
	}
	if (str_eq(name, "building"))
		return settle(m, e);
	if (!str_eq(name, "cloned"))
		return 0;
	keep_mounts(m, child->pid);
	r = guard_start(&m->guard, child->pidfd, e);
	if (r == 0)
		r = open_doors(m, e);
	if (r == 0)
		r = describe_run(m, child, e);
	if (r == 0)
		r = ladder_require(&m->c->config.require, &m->c->state, e);
	/* Which ports were picked is not known yet. */
	if (r == 0 && !m->c->config.publish.n)
		r = container_stage(m->c, e);
	return r;
}

/*
 * The command makes it, on another processor. Without its help (it was killed,
 * the limit is reached) whoever needs one makes its own: slirp-net's is made by
 * us, any other by the container's first process.
 */
static int take_netns(int sock)
{
	int fd = -1;
	size_t n = 0;
	char c;

	/* what it says of ids comes first, and has been seen */
	while (sock >= 0 && !n && sock_recv_fds(sock, &c, 1, &fd, 1, &n) > 0)
		;
	return n ? fd : -1;
}

static int create(struct monitor *m, const struct ends *ends, struct err *e)
{
	AUTO(recorded_program_clear) struct recorded_program program = { 0 };
	struct oci_create_opts o;
	struct oci_bpf bpf = { 0 };
	struct spec spec;
	struct user user;
	int r = resolve_user(m, &user, e);

	if (r == 0 && m->c->recorded)
		r = recorded_program(m->c, &user, &program, e);
	if (r == 0)
		r = make_workdir(m, &user, e);
	if (r == 0)
		r = volume_prepare(m->c, &user, m->root.fd, e);
	if (r < 0)
		return r;
	r = specgen(&spec, m->c, &user, &m->net, &m->root, e);
	if (r == 0 && spec.seccomp.set)
		r = filter_get(m->c->eng, &spec.seccomp, &bpf, e);
	if (r == 0) {
		oci_create_opts_init(&o);
		o.id = m->c->id;
		memcpy(o.stdio, ends->fd, sizeof(o.stdio));
		o.rootfs_fd = m->root.detached ? m->root.fd : -1;
		o.seccomp = &bpf;
		o.netns_sock = network_wants_bare(m->c) ? m->command : -1;
		o.agent = m->c->recorded ? &program.agent : NULL;
		o.warn = on_warn;
		o.require_cgroup = ladder_requires(&m->c->config.require, "cgroups");
		o.step = on_step;
		o.step_ctx = m;
		r = oci_create(&spec, &o, &m->oci, e);
	}
	oci_bpf_clear(&bpf);
	spec_clear(&spec);
	return r;
}

/* -------------------------------------------------------------- monitor -- */

static int take_signals(struct monitor *m, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGPIPE);
	/* a log at the limit of the caller's "ulimit -f" is no reason to die */
	(void)sigaddset(&set, SIGXFSZ);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd < 0 ? err_set(e, -errno, "signalfd") : 0;
}

/* Nothing of the caller's may be held open: a shell waits for its pipes. */
static void drop_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		close(fd);
	(void)!chdir("/");
}

/* The command says how the id map has come out, for it has the helpers; that all
 * is well can be seen from here, which is one waking less. */
static int await_ids(struct monitor *m, struct engine *eng, struct err *e)
{
	struct err why;
	size_t n;
	ssize_t r;

	if (rootless_overhear(eng))
		return 0;
	r = sock_recv_fds(m->command, &why, sizeof(why), NULL, 0, &n);
	if (r != (ssize_t)sizeof(why))
		return err_msg(e, -EIO, "id map: the command that waited for it was killed");
	return why.code < 0 ? err_msg(e, why.code, "%s", why.msg) : 0;
}

static int start_recording(struct monitor *m, struct err *e)
{
	m->c->recorded = (int)recorded_choose(m->c, &m->root);
	return m->c->recorded ? recorded_start(&m->recorded, m->c, e) : 0;
}

static int bring_up(struct monitor *m, const struct start_opts *opts, bool ids_come, struct err *e)
{
	struct ends ends = { { -1, -1, -1 } };
	int r = take_signals(m, e);

	m->c->state.started = container_now();
	set_str(&m->c->state.rung_cgroups, oci_cgroup_rung());
	if (r == 0)
		r = network_choose(&m->net, m->c, e);
	if (r == 0)
		r = files_write(m->c, &m->net.mode->names, e);
	if (r == 0)
		r = make_stdio(m, &ends, e);
	if (r == 0 && opts->fresh)
		rootfs_prepare(m->c, &m->root);
	m->net.no_root = ids_come;
	if (r == 0)
		r = network_start(&m->net, m->c, e);
	if (r == 0 && ids_come)
		r = await_ids(m, opts->eng, e);
	if (r == 0)
		r = rootfs_mount(m->c, &m->root, e);
	if (r == 0)
		r = start_recording(m, e);
	if (r == 0 && m->net.helper)
		r = network_join(&m->net, m->c, take_netns(m->command), e);
	if (r == 0)
		r = create(m, &ends, e);
	close(take_fd(&m->command));
	ends_close(&ends);
	if (r < 0)
		return r;
	adopt_terminal(m, opts);
	return oci_start(&m->oci, e);
}

/* Without its supervisor nothing of the start can work, and says other things. */
static int blame_recorded(const struct monitor *m, int r, struct err *e)
{
	struct pollfd p = { .fd = m->recorded.pidfd, .events = POLLIN };
	char words[RECORDED_WORDS_MAX];

	if (m->recorded.pid <= 0 || poll(&p, 1, 0) <= 0)
		return r;
	if (recorded_words(&m->recorded, words, sizeof(words)) == 0)
		(void)str_format(words, sizeof(words), "uidmap agent: ended without a word");
	return err_msg(e, -EIO, "%s", words);
}

static void monitor_main(struct container *c, const struct start_opts *opts, int client, int command)
{
	static struct monitor m; /* large, and one per process */
	bool ids_come = opts->eng && rootless_waits(opts->eng);
	struct err e = { 0 };
	int r;

	if (ids_come)
		rootless_leave_to_parent(opts->eng);
	monitor_init(&m, c);
	m.store = opts->store;
	m.command = command;
	(void)setsid();
	(void)prctl(PR_SET_NAME, "runner-monitor");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	r = monitor_add_client(&m, client);
	if (r == 0)
		r = bring_up(&m, opts, ids_come, &e);
	if (r < 0) {
		finish_unstarted(&m, opts->fresh, blame_recorded(&m, r, &e), &e);
		return;
	}
	m.clients[0].output = opts->attach;
	drop_stdio();
	container_unlock(c);
	monitor_tell_all(&m, CTL_STARTED, NULL, 0);
	monitor_loop(&m);
	finish_ended(&m);
}

/* -------------------------------------------------------------- command -- */

static int wait_started(int fd, int *ret_exit, struct err *e)
{
	struct ctl_error why;
	struct ctl_msg msg;
	size_t len = 0;
	int r = ctl_recv(fd, &msg, &len);

	*ret_exit = 125;
	if (r <= 0)
		return err_msg(e, -EIO, "the monitor ended before the container started");
	if (msg.type == CTL_STARTED)
		return 0;
	if (msg.type != CTL_ERROR || len != sizeof(why))
		return err_msg(e, -EPROTO, "the monitor answered something else");
	memcpy(&why, msg.data, sizeof(why));
	*ret_exit = why.exit_code;
	return err_msg(e, why.err.code < 0 ? why.err.code : -EIO, "%s", why.err.msg);
}

/* What the monitor would have to wait for: it goes on meanwhile. */
static void help_monitor(const struct container *c, const struct start_opts *opts, int sock_take)
{
	auto_close int sock = sock_take;
	auto_close int fd = -1;

	if (opts->eng && rootless_waits(opts->eng)) {
		struct err why = { 0 };
		int r = rootless_wait(opts->eng, &why);

		/* a network made before it would be nobody's (rootless.c) */
		if (sock_send_fds(sock, &why, sizeof(why), NULL, 0) < 0 || r < 0)
			return;
	}
	if (network_wants_netns(c))
		fd = network_wants_bare(c) ? netns_bare(c->eng, NULL) : netns_new(c->eng, NULL);
	if (fd >= 0)
		(void)sock_send_fds(sock, "n", 1, &fd, 1);
	if (opts->eng)
		rootless_abandon(opts->eng);
}

int start_container(struct container *c, const struct start_opts *opts, int *ret_fd, int *ret_exit,
		    struct err *e)
{
	int pair[2], help[2];
	pid_t pid;
	int r = ctl_pair(pair);

	*ret_exit = 125;
	if (r < 0)
		return err_set(e, r, "socket pair");
	r = ctl_pair(help);
	if (r < 0) {
		close(pair[0]);
		close(pair[1]);
		return err_set(e, r, "socket pair");
	}
	pid = fork();
	if (pid < 0) {
		for (int i = 0; i < 2; i++) {
			close(pair[i]);
			close(help[i]);
		}
		return err_set(e, -EAGAIN, "monitor: fork");
	}
	if (pid == 0) {
		close(pair[0]);
		close(help[0]);
		monitor_main(c, opts, pair[1], help[1]);
		_exit(0);
	}
	close(pair[1]);
	close(help[1]);
	help_monitor(c, opts, help[0]);
	r = wait_started(pair[0], ret_exit, e);
	if (r < 0) {
		close(pair[0]);
		(void)proc_wait(pid);
		return r;
	}
	*ret_fd = pair[0];
	return 0;
}
