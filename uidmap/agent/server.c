/* SPDX-License-Identifier: Apache-2.0
 *
 * server - connections of runtimes, listeners, and when to leave
 *
 * How it works: the main thread polls the socket, the exit descriptor, and
 * each listener for its hang-up. A connection is read to its one message, the
 * listener in it gets a thread. The agent leaves when the exit descriptor is
 * at its end; without one, when the last listener has hung up.
 *
 * A runtime may make itself unreadable, or not say who it is (crun does both) until it has executed the
 * container's program. Its listener is "early": the main thread lets the
 * kernel do its calls, and tries again at each one whether it can join.
 * Threads start after that, since setns(2) wants a process with one.
 */
#include "uidmap/agent/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/sock.h"
#include "uidmap/agent/join.h"
#include "uidmap/agent/newfile.h"
#include "uidmap/agent/keep.h"
#include "uidmap/agent/rootowners.h"
#include "uidmap/agent/tracee.h"

/* #syscalls poll ppoll accept4 setsockopt recvmsg prlimit64 close */

enum {
	MESSAGE_SECONDS = 5, /* a runtime sends at once */
	NUDGE_MS = 50,	     /* a thread may be about to sleep when it is interrupted */
	STACK = 256 * 1024,
	NUDGE_SIGNAL = SIGUSR1,
};

/* --- a connection ------------------------------------------------------------------ */

/* The descriptors come with the first bytes; the rest of a long text follows. */
static int receive(int conn, bool full, struct hello *ret, int *fds, size_t *n_fds, struct err *e)
{
	const struct timeval patience = { .tv_sec = MESSAGE_SECONDS };
	auto_free char *text = malloc(PROTO_MESSAGE_MAX);
	size_t len = 0;

	if (!text)
		return err_set(e, -ENOMEM, "message");
	(void)setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (;;) {
		size_t more = 0;
		ssize_t got;
		int r;

		if (len == PROTO_MESSAGE_MAX)
			return err_msg(e, -EMSGSIZE, "message: more than %u bytes", PROTO_MESSAGE_MAX);
		got = sock_recv_fds(conn, text + len, PROTO_MESSAGE_MAX - len, fds + *n_fds,
				    SOCK_FDS_MAX - *n_fds, &more);
		*n_fds += more;
		if (got <= 0)
			return err_set(e, got < 0 ? (int)got : -EPROTO, "message");
		len += (size_t)got;
		r = proto_parse(text, len, full, ret, e);
		if (r != -EAGAIN)
			return r;
	}
}

/* What this listener's processes are until they change. */
static int first_record(struct agent *a, const struct listener *l, pid_t pid, struct err *e)
{
	const struct idmeta *m = &l->meta;
	bool trivial = !m->uid && !m->gid && !m->n_groups;
	struct rlimit64 lim;
	struct idstate s;
	uint64_t caps;
	int r;

	if (prlimit64(pid, RLIMIT_RTTIME, NULL, &lim) < 0)
		return err_set(e, -errno, "process %d", pid);
	if (lim.rlim_max != RLIM64_INFINITY)
		return err_msg(e, -EBUSY, "process %d: the limit RLIMIT_RTTIME is in use", pid);
	r = tracee_status(a, pid, "CapBnd:", 16, &caps);
	if (r < 0)
		return err_set(e, r, "status of process %d", pid);
	/* before its first program, it is the runtime, which is root */
	idstate_init(&s, l->early ? m->uid : 0, l->early ? m->gid : 0, caps);
	if (l->early) {
		s.groups = m->groups;
		s.n_groups = m->n_groups;
		exec_finish(a, pid, &s);
	}
	r = records_add(&a->records, &s, !l->early && !trivial);
	return r < 0 ? err_set(e, r, "records") : r;
}

static int apply_owners(struct server *s, struct err *e)
{
	int r = s->kept.keep_fd < 0 ? 0 : keep_begin(&s->agent.nodes, &s->kept, s->agent.rootfd, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->owners.n; i++) {
		r = rootowners_apply(&s->agent, s->owners.v[i], e);
		if (r < 0)
			return err_wrap(e, "--root-owners");
	}
	strv_clear(&s->owners);
	keep_image(&s->agent.nodes);
	return 0;
}

static int start_thread(struct listener *l, struct err *e)
{
	pthread_attr_t attr;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	r = pthread_create(&l->thread, &attr, loop_thread, l);
	(void)pthread_attr_destroy(&attr);
	return r ? err_set(e, -r, "thread") : 0;
}

static bool is_listener(int fd)
{
	uint64_t none = 0;

	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) < 0 && errno == ENOENT;
}

/* Return: 0, -EACCES while the process cannot be looked at, -errno */
static int begin(struct server *s, struct listener *l, pid_t pid, struct err *e)
{
	int r = join_container(&s->agent, pid, e);

	if (r < 0 || (r = apply_owners(s, e)) < 0 ||
	    (r = first_record(&s->agent, l, pid, e)) < 0)
		return r;
	l->start = (uint32_t)r;
	r = start_thread(l, e);
	if (r == 0)
		log_info("agent: serving process %d as %u:%u", pid, l->meta.uid, l->meta.gid);
	return r;
}

static int add_listener(struct server *s, const struct hello *h, int *fd, struct err *e)
{
	auto_free struct listener *l = NULL;
	int r;

	if (s->n == LISTENERS_MAX)
		return err_msg(e, -EMFILE, "more than %d listeners", LISTENERS_MAX);
	if (!is_listener(*fd))
		return err_msg(e, -EINVAL, "message: the descriptor is no seccomp listener");
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, -ENOMEM, "listener");
	/* one by one: what its thread will remember needs no memory yet */
	l->agent = &s->agent;
	l->fd = *fd;
	l->meta = h->meta;
	r = h->pid ? begin(s, l, h->pid, e) : -EACCES;
	l->early = r == -EACCES;
	if (r < 0 && !l->early)
		return r;
	(void)take_fd(fd);
	s->v[s->n++] = take_ptr(l);
	s->served = true;
	return 0;
}

/* A call of a process that could not be joined when it was handed over. */
static void serve_early(struct server *s, struct listener *l)
{
	/* the kernel's structure may be larger than the one we know */
	union {
		struct seccomp_notif req;
		char room[1024];
	} call = { .room = { 0 } };
	struct seccomp_notif_resp resp = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	struct err e = { 0 };
	int r;

	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return;
	l->first = call.req;
	r = begin(s, l, (pid_t)l->first.pid, &e);
	if (r == 0) {
		l->early = false;
		return;
	}
	if (r != -EACCES)
		log_error("agent: a call goes unanswered: %s", e.msg);
	resp.id = l->first.id;
	(void)ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static int serve_connection(struct server *s, int conn, struct err *e)
{
	auto_free struct hello *h = calloc(1, sizeof(*h));
	int fds[SOCK_FDS_MAX], r;
	size_t n_fds = 0;

	if (!h)
		return err_set(e, -ENOMEM, "message");
	r = receive(conn, s->full, h, fds, &n_fds, e);
	if (r == 0 && h->fd_index >= n_fds)
		r = err_msg(e, -EPROTO, "message: the descriptor did not come");
	if (r == 0)
		r = add_listener(s, h, &fds[h->fd_index], e);
	for (size_t i = 0; i < n_fds; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return r;
}

static void accept_one(struct server *s)
{
	auto_close int conn = accept4(s->socket, NULL, NULL, SOCK_CLOEXEC);
	struct err e = { 0 };

	if (conn < 0) {
		if (errno != EINTR && errno != ECONNABORTED)
			log_warn("agent: accept: %s", strerrordesc_np(errno));
		return;
	}
	if (serve_connection(s, conn, &e) < 0)
		log_error("agent: connection refused: %s", e.msg);
}

/* --- the loop ------------------------------------------------------------------------ */

static void nudge(int sig)
{
	(void)sig;
}

/* Threads of listeners that hung up are interrupted until they say they are done. */
static bool reap(struct server *s)
{
	bool waiting = false;

	for (size_t i = 0; i < s->n;) {
		struct listener *l = s->v[i];

		if (l->early && atomic_load(&l->hung_up))
			atomic_store(&l->done, true);
		if (!atomic_load(&l->done)) {
			if (atomic_load(&l->hung_up)) {
				(void)pthread_kill(l->thread, NUDGE_SIGNAL);
				waiting = true;
			}
			i++;
			continue;
		}
		if (!l->early)
			(void)pthread_join(l->thread, NULL);
		(void)close(l->fd);
		free(l);
		s->v[i] = s->v[--s->n];
		newfile_settle(&s->agent, 0);
	}
	return waiting;
}

static void look_at_listeners(struct server *s, const struct pollfd *p)
{
	for (size_t i = 0; i < s->n; i++) {
		if (p[i].revents & POLLIN)
			serve_early(s, s->v[i]);
		if (p[i].revents & (POLLHUP | POLLERR))
			atomic_store(&s->v[i]->hung_up, true);
	}
}

int server_init(struct server *s, struct err *e)
{
	struct sigaction act = { .sa_handler = nudge };

	s->n = 0;
	if (sigaction(NUDGE_SIGNAL, &act, NULL) < 0)
		return err_set(e, -errno, "sigaction");
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

int server_run(struct server *s)
{
	struct pollfd p[LISTENERS_MAX + 2];

	for (;;) {
		bool waiting = reap(s);
		size_t n = s->n;

		if (s->served && n == 0 && s->exit_fd < 0)
			return 0;
		p[0] = (struct pollfd){ .fd = s->socket, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = s->exit_fd };
		for (size_t i = 0; i < n; i++)
			p[i + 2] = (struct pollfd){
				.fd = atomic_load(&s->v[i]->hung_up) ? -1 : s->v[i]->fd,
				.events = s->v[i]->early ? POLLIN : 0,
			};
		if (poll(p, n + 2, waiting ? NUDGE_MS : -1) < 0 && errno != EINTR)
			return -errno;
		look_at_listeners(s, p + 2);
		if (p[1].revents)
			break;
		if (p[0].revents)
			accept_one(s);
	}
	newfile_settle(&s->agent, 0);
	return 0;
}
