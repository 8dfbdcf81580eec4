/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - mount, answer requests, unmount
 *
 * How it works. Everything that can fail is done before the fork: layers are
 * opened and the mount is made, so that the person sees the reason. The
 * child serves; when it has answered the kernel's first request, the parent
 * leaves and the ready descriptor gets its byte.
 *
 * A thread watches the exit descriptor and takes the signals, which are
 * blocked everywhere: so it hears them while the others wait for a layer that
 * does not answer. When the other end of the descriptor is closed it unmounts
 * lazily, and the serving loop ends by itself when the mount's last user is
 * gone; where only fusermount3 may unmount, and upon a signal, it tells the
 * loop to end. Upon a further signal, if the loop does not end, it unmounts
 * lazily and exits, which no wait of the others can hold up. The session
 * belongs to the serving thread: it unmounts and frees, after the watcher ended.
 */
#include "fuse-overlay/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/proc.h"
#include "fuse-overlay/firstopen.h"
#include "fuse-overlay/layer.h"
#include "fuse-overlay/ops.h"
#include "fuse-overlay/pool.h"
#include "fuse-overlay/thread.h"
#include "fuse-overlay/wire.h"

/**
 * struct server - a mount being served
 * @o:		its context
 * @se:		libfuse's
 * @tell:	the parent waits for a byte on it, -1 when there is none
 * @serving:	the thread in the loop
 * @watcher:	the thread on the exit descriptor and the signals, when @wake is not -1
 * @opener:	the thread of firstopen.c, when @opening
 * @signals:	signalfd of those that end the server
 * @before:	signals that were blocked when it started
 * @wake:	eventfd that ends the watcher's wait
 * @left:	the loop was left
 * @ended:	the mount is gone
 */
struct server {
	struct ovl *o;
	struct fuse_session *se;
	int tell;
	pthread_t serving, watcher, opener;
	bool opening;
	int signals;
	sigset_t before;
	int wake;
	_Atomic bool left;
	_Atomic bool ended;
};

#define AGAIN_MS 20
#define GRACE_MS 200

/* What ends the server waits from now on until the watcher takes it, so that
 * nothing stays mounted. Who started us with one ignored means it. */
static int take_signals(struct server *s)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction was;
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!sigaction(ends[i], NULL, &was) && was.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ends[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, &s->before);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? -errno : 0;
}

static int mount_options(const struct conf *c, bool root, struct strbuf *b)
{
	int r = strbuf_adds(b, "default_permissions,fsname=fuse-overlay,subtype=fuse-overlay");

	/* a container's programs are of many users, and some are setuid */
	if (root)
		r |= strbuf_adds(b, ",allow_other,suid,dev,noatime");
	else
		r |= strbuf_adds(b, ",noatime");
	if (!root && c->allow_other)
		r |= strbuf_adds(b, ",allow_other");
	if (!c->upper)
		r |= strbuf_adds(b, ",ro");
	if (c->kernel_opts.s)
		r |= strbuf_adds(b, c->kernel_opts.s);
	if (c->context)
		r |= strbuf_addf(b, ",context=\"%s\"", c->context);
	return r ? -ENOMEM : 0;
}

static int open_session(struct server *s, const struct conf *c, struct err *e)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct strbuf opts AUTO(strbuf_clear) = { 0 };
	int r = mount_options(c, !geteuid(), &opts);

	if (r >= 0 && (fuse_opt_add_arg(&args, "fuse-overlay") ||
		       fuse_opt_add_arg(&args, "-o") || fuse_opt_add_arg(&args, opts.s) ||
		       (c->debug && fuse_opt_add_arg(&args, "-d"))))
		r = -ENOMEM;
	if (r >= 0)
		s->se = fuse_session_new(&args, &ops_table, sizeof(ops_table), s->o);
	fuse_opt_free_args(&args);
	if (r < 0)
		return err_set(e, r, "mount options");
	if (!s->se)
		return err_msg(e, -EINVAL, "mount options: %s: libfuse refused them", opts.s);
	s->o->se = s->se;
	r = take_signals(s);
	if (r < 0)
		return err_set(e, r, "signals");
	/* libfuse and fusermount3 have told the reason by now */
	if (fuse_session_mount(s->se, c->mountpoint))
		return err_msg(e, -EIO, "%s: cannot mount", c->mountpoint);
	wire_attach(s->o);
	return 0;
}

/* The server acts for many users: files are made under their ids without
 * losing the right to reach every folder. */
static void set_credentials(struct ovl *o)
{
	o->fs_uid = geteuid();
	o->fs_gid = getegid();
	o->privileged = !geteuid() &&
			!prctl(PR_SET_SECUREBITS, (unsigned long)prctl(PR_GET_SECUREBITS) |
							  SECBIT_NO_SETUID_FIXUP);
}

/* Return: the last of those that were there, 0 without one */
static int read_signals(int fd)
{
	struct signalfd_siginfo info;
	int last = 0;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		last = (int)info.ssi_signo;
	return last;
}

/* The parent until the mount answers. The child has the mount by now: it is
 * told to end, too, or it would serve for a caller who thinks that it did not start.
 * What waits for an answer when it ends waits until nobody holds the device. */
static _Noreturn void await_child(const struct server *s, pid_t pid, int said)
{
	struct pollfd p[] = { { .fd = said, .events = POLLIN },
			      { .fd = s->signals, .events = POLLIN } };
	const int keep[] = { said, s->signals };
	int sig, told = 0;
	char byte;

	(void)fd_close_from(STDERR_FILENO + 1, keep, sizeof(keep) / sizeof(keep[0]));
	while (poll(p, 2, -1) < 0 || !p[0].revents) {
		if ((sig = read_signals(s->signals)) && !kill(pid, sig))
			told = sig;
	}
	if (read(said, &byte, 1) == 1)
		_exit(0);
	(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
	if (told)
		(void)raise(told);
	_exit(1);
}

/* Become a child of init with nothing of the caller's terminal. The parent
 * does not return. */
static int detach(struct server *s, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return err_set(e, -errno, "detach");
	pid_t pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "detach");
	if (pid) {
		await_child(s, pid, p[0]);
	}
	(void)close(p[0]);
	s->tell = p[1];
	(void)setsid();
	(void)!chdir("/");
	return 0;
}

/* One of them may be the exit descriptor. */
static void drop_stdio(const struct server *s)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		if (fd != s->o->conf->exit_fd)
			(void)dup2(null, fd);
}

static void tell_ready(void *arg)
{
	struct server *s = arg;

	if (s->o->conf->ready_fd >= 0) {
		(void)io_write_all(s->o->conf->ready_fd, "1", 1);
		(void)close(s->o->conf->ready_fd);
	}
	if (s->tell >= 0) {
		drop_stdio(s);
		(void)io_write_all(s->tell, "1", 1);
		(void)close(s->tell);
		s->tell = -1;
	}
}

static void opened_first(void *arg)
{
	struct server *s = arg;

	if (!s->left)
		tell_ready(s);
}

/* The kernel was answered for the first time. */
static void start_use(void *arg)
{
	struct server *s = arg;

	s->opening = s->o->no_open &&
		     !firstopen_start(s->o, opened_first, s, &s->opener);
	if (!s->opening)
		tell_ready(s);
}

static void nothing(int sig)
{
	(void)sig;
}

/* The signal may come just before the loop blocks: say it again until the loop
 * was left. */
static void end_loop(const struct server *s)
{
	fuse_session_exit(s->se);
	(void)pthread_kill(s->serving, SIGALRM);
}

/* Only fusermount3 may do it for an ordinary user on the host. */
static void detach_by_helper(const char *mountpoint)
{
	struct strv argv AUTO(strv_clear) = { 0 };
	struct proc_spawn how = { .stdio = { -1, -1, -1 } };
	char program[PATH_MAX];

	if (proc_find_program("fusermount3", program, sizeof(program)) < 0 ||
	    strv_add(&argv, program) || strv_add(&argv, "-uqz") || strv_add(&argv, "--") ||
	    strv_add(&argv, mountpoint))
		return;
	how.argv = argv.v;
	pid_t pid = proc_spawn(&how);
	if (pid > 0)
		(void)proc_wait(pid);
}

/* A server that waits for a layer cannot clean up; nothing may stay mounted. */
static _Noreturn void end_now(const struct server *s)
{
	const char *mountpoint = s->o->conf->mountpoint;

	log_warn("%s: ended by a further signal, without its last answers", mountpoint);
	if (umount2(mountpoint, MNT_DETACH))
		detach_by_helper(mountpoint);
	_exit(1);
}

/* Bytes mean nothing; the end of the file does. */
static bool is_closed(const struct pollfd *p)
{
	char byte;

	return (p->revents & (POLLHUP | POLLERR | POLLNVAL)) ||
	       ((p->revents & POLLIN) && read(p->fd, &byte, 1) <= 0);
}

/* A table of the watcher's own; who reads what we say waits for the end of its
 * copies, too. */
static void part_descriptors(const struct server *s)
{
	const int keep[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
			     s->o->conf->exit_fd, s->signals, s->wake };

	if (!thread_part_fds(keep, sizeof(keep) / sizeof(keep[0])) && !s->o->conf->foreground)
		drop_stdio(s);
}

static void *watch(void *arg)
{
	struct server *s = arg;
	struct pollfd p[] = { { .fd = s->o->conf->exit_fd, .events = POLLIN },
			      { .fd = s->signals, .events = POLLIN },
			      { .fd = s->wake, .events = POLLIN } };
	bool leaving = false, signalled = false;
	int hurry = -1;	/* milliseconds left for an end in order */

	part_descriptors(s);
	while (!s->ended) {
		if (poll(p, 3, leaving && (!s->left || hurry >= 0) ? AGAIN_MS : -1) < 0)
			continue;
		if (is_closed(&p[0])) {
			p[0].fd = -1;
			leaving = umount2(s->o->conf->mountpoint, MNT_DETACH) < 0 || leaving;
		}
		if (p[1].revents && read_signals(s->signals)) {
			if (signalled && hurry < 0)
				hurry = GRACE_MS;
			signalled = leaving = true;
		}
		if (leaving && !s->left)
			end_loop(s);
		if (hurry >= 0 && !s->ended && (hurry -= AGAIN_MS) < 0)
			end_now(s);
	}
	return NULL;
}

static int start_watch(struct server *s, struct err *e)
{
	const struct sigaction interrupt = { .sa_handler = nothing };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t alarm;

	s->wake = eventfd(0, EFD_CLOEXEC);
	if (s->wake < 0)
		return err_set(e, -errno, "start");
	(void)sigaction(SIGALRM, &interrupt, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* it has to reach the loop, whatever we were started with */
	(void)sigemptyset(&alarm);
	(void)sigaddset(&alarm, SIGALRM);
	(void)pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	s->serving = pthread_self();
	int r = thread_start(&s->watcher, NULL, watch, s);
	if (r < 0) {
		(void)close(take_fd(&s->wake));
		return err_set(e, r, "start");
	}
	return 0;
}

static void end_watch(struct server *s)
{
	s->ended = true;
	if (s->wake < 0)
		return;
	(void)eventfd_write(s->wake, 1);
	(void)pthread_join(s->watcher, NULL);
	(void)close(take_fd(&s->wake));
}

/* The watcher may just be about to say it again, while libfuse waits for a
 * child of its own that unmounts. */
static void left_loop(struct server *s)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	s->left = true;
	(void)sigaction(SIGALRM, &ignore, NULL);
}

static int run(struct server *s, const struct conf *c, struct err *e)
{
	int r = layer_open_all(s->o, e);

	if (r < 0 || (r = open_session(s, c, e)) < 0)
		return r;
	set_credentials(s->o);
	if (!c->foreground)
		r = detach(s, e);
	if (r >= 0)
		r = start_watch(s, e);
	if (r >= 0) {
		struct pool p = { .o = s->o, .ready = start_use, .arg = s };

		pool_serve(&p, c->threaded);
		left_loop(s);
	}
	fuse_session_unmount(s->se);
	end_watch(s);
	return r;
}

/* Return: 0, -EBADF for a number under which the caller left us nothing */
static int check_fd(const char *option, int fd, struct err *e)
{
	return fd >= 0 && fcntl(fd, F_GETFD) < 0 ? err_set(e, -errno, "%s %d", option, fd) : 0;
}

int serve(const struct conf *c, struct err *e)
{
	auto_free char *mountpoint = realpath(c->mountpoint, NULL);
	struct conf here = *c;
	struct server s = { .tell = -1, .signals = -1, .wake = -1 };

	if (!mountpoint)
		return err_set(e, -errno, "%s", c->mountpoint);
	int r = check_fd("--ready-fd", c->ready_fd, e);
	if (r < 0 || (r = check_fd("--exit-fd", c->exit_fd, e)) < 0)
		return r;
	here.mountpoint = mountpoint;
	for (size_t i = 0; i < c->warnings.n; i++)
		log_warn("ignoring %s", c->warnings.v[i]);
	s.o = calloc(1, sizeof(*s.o));
	if (!s.o)
		return err_set(e, -ENOMEM, "start");
	s.o->conf = &here;
	r = run(&s, &here, e);
	if (s.se)
		fuse_session_destroy(s.se);
	if (s.signals >= 0)
		(void)close(s.signals);
	/* the kernel has ended its request by now */
	if (s.opening)
		(void)pthread_join(s.opener, NULL);
	ovl_clear(s.o);
	free(s.o);
	return r;
}
