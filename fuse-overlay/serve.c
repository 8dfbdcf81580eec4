/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - mount, answer requests, unmount
 *
 * How it works. Everything that can fail is done before the fork: layers are
 * opened and the mount is made, so that the person sees the reason. The
 * child serves; when it has answered the kernel's first request, the parent
 * leaves and the ready descriptor gets its byte. A thread watches the exit
 * descriptor. When its other end is closed it unmounts lazily, and the serving
 * loop ends by itself when the mount's last user is gone; where only
 * fusermount3 may unmount, it tells the loop to end. The session belongs to
 * the serving thread alone: it unmounts and frees, after the watcher ended.
 */
#include "fuse-overlay/serve.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "fuse-overlay/firstopen.h"
#include "fuse-overlay/layer.h"
#include "fuse-overlay/ops.h"
#include "fuse-overlay/pool.h"
#include "fuse-overlay/wire.h"

/**
 * struct server - a mount being served
 * @o:		its context
 * @se:		libfuse's
 * @tell:	the parent waits for a byte on it, -1 when there is none
 * @serving:	the thread in the loop
 * @watcher:	the thread on the exit descriptor, when @wake is not -1
 * @opener:	the thread of firstopen.c, when @opening
 * @wake:	eventfd that ends the watcher's wait
 * @ended:	the loop was left
 */
struct server {
	struct ovl *o;
	struct fuse_session *se;
	int tell;
	pthread_t serving, watcher, opener;
	bool opening;
	int wake;
	_Atomic bool ended;
};

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

/* Become a child of init with nothing of the caller's terminal. The parent
 * does not return. */
static int detach(struct server *s, struct err *e)
{
	int p[2];
	char byte;

	if (pipe2(p, O_CLOEXEC))
		return err_set(e, -errno, "detach");
	pid_t pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "detach");
	if (pid) {
		(void)close(p[1]);
		ssize_t n = read(p[0], &byte, 1);
		_exit(n == 1 ? 0 : 1);
	}
	(void)close(p[0]);
	s->tell = p[1];
	(void)setsid();
	(void)!chdir("/");
	return 0;
}

static void drop_stdio(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
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
		drop_stdio();
		(void)io_write_all(s->tell, "1", 1);
		(void)close(s->tell);
		s->tell = -1;
	}
}

static void opened_first(void *arg)
{
	struct server *s = arg;

	if (!s->ended)
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

/* Wait for the other end of the exit descriptor to close, then unmount. */
static void *watch_exit(void *arg)
{
	struct server *s = arg;
	struct pollfd p[] = { { .fd = s->o->conf->exit_fd, .events = POLLIN },
			      { .fd = s->wake, .events = POLLIN } };
	char byte;

	do {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (s->ended)
			return NULL;
		/* bytes mean nothing; the end of the file does */
	} while (!(p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) &&
		 (!(p[0].revents & POLLIN) || read(p[0].fd, &byte, 1) > 0));
	if (!umount2(s->o->conf->mountpoint, MNT_DETACH))
		return NULL;
	/* a signal may come just before the loop blocks: say it again */
	fuse_session_exit(s->se);
	while (!s->ended) {
		(void)pthread_kill(s->serving, SIGTERM);
		(void)poll(NULL, 0, 20);
	}
	return NULL;
}

static int start_watch(struct server *s, struct err *e)
{
	sigset_t all, old;

	if (s->o->conf->exit_fd < 0)
		return 0;
	s->wake = eventfd(0, EFD_CLOEXEC);
	if (s->wake < 0)
		return err_set(e, -errno, "exit-fd");
	/* signals are for the serving thread */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	s->serving = pthread_self();
	int r = pthread_create(&s->watcher, NULL, watch_exit, s);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		(void)close(take_fd(&s->wake));
		return err_set(e, -r, "exit-fd");
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

#define AGAIN_US 20000

static struct fuse_session *to_leave;

/* The signal may come just before the loop blocks: it comes again until the
 * loop was left. */
static void on_end(int sig)
{
	const struct itimerval again = { { 0, AGAIN_US }, { 0, AGAIN_US } };

	(void)sig;
	fuse_session_exit(to_leave);
	(void)setitimer(ITIMER_REAL, &again, NULL);
}

static void handle_signals(void (*handler)(int))
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGALRM };
	const struct sigaction act = { .sa_handler = handler };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &act, NULL);
}

static void take_signals(struct fuse_session *se)
{
	to_leave = se;
	handle_signals(on_end);
}

static void drop_signals(void)
{
	const struct itimerval never = { 0 };

	handle_signals(SIG_IGN);
	(void)setitimer(ITIMER_REAL, &never, NULL);
}

static int run(struct server *s, const struct conf *c, struct err *e)
{
	int r = layer_open_all(s->o, e);

	if (r < 0 || (r = open_session(s, c, e)) < 0)
		return r;
	set_credentials(s->o);
	if (!c->foreground)
		r = detach(s, e);
	if (r >= 0 && fuse_set_signal_handlers(s->se))
		r = err_set(e, -EIO, "signals");
	if (r >= 0)
		take_signals(s->se);
	if (r >= 0)
		r = start_watch(s, e);
	if (r >= 0) {
		struct pool p = { .o = s->o, .ready = start_use, .arg = s };

		pool_serve(&p, c->threaded);
		end_watch(s);
		drop_signals();
		fuse_remove_signal_handlers(s->se);
	}
	fuse_session_unmount(s->se);
	return r;
}

int serve(const struct conf *c, struct err *e)
{
	auto_free char *mountpoint = realpath(c->mountpoint, NULL);
	struct conf here = *c;
	struct server s = { .tell = -1, .wake = -1 };

	if (!mountpoint)
		return err_set(e, -errno, "%s", c->mountpoint);
	here.mountpoint = mountpoint;
	for (size_t i = 0; i < c->warnings.n; i++)
		log_warn("ignoring %s", c->warnings.v[i]);
	s.o = calloc(1, sizeof(*s.o));
	if (!s.o)
		return err_set(e, -ENOMEM, "start");
	s.o->conf = &here;
	int r = run(&s, &here, e);
	if (s.se)
		fuse_session_destroy(s.se);
	/* the kernel has ended its request by now */
	if (s.opening)
		(void)pthread_join(s.opener, NULL);
	ovl_clear(s.o);
	free(s.o);
	return r;
}
