/* SPDX-License-Identifier: Apache-2.0
 *
 * main - "uidmap agent": options, connections, and when to leave
 *
 * How it works: the main thread polls the socket, the exit descriptor, and
 * each listener for its hang-up. A connection is read to its one message, the
 * listener in it gets a thread. The agent leaves when the exit descriptor is
 * at its end; without one, when the last listener has hung up.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/lean.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/sock.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/join.h"
#include "uidmap/agent/newfile.h"
#include "uidmap/agent/print.h"
#include "uidmap/agent/rootowners.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/undo.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	BACKLOG = 64,
	MESSAGE_SECONDS = 5,	/* a runtime sends at once */
	NUDGE_MS = 50,		/* a thread may be about to sleep when it is interrupted */
	STACK = 256 * 1024,
	NUDGE_SIGNAL = SIGUSR1,
};

/**
 * struct options - what the command line says
 * @root_owners: files of recorded owners
 */
struct options {
	const char *socket;
	int socket_fd;
	const char *mode;
	int ready_fd;
	int exit_fd;
	struct strv root_owners;
	const char *log_level;
	bool print;
	bool help;
};

static const struct opt agent_opts[] = {
	OPT_STR('s', "socket", struct options, socket, "PATH", "listen on this socket"),
	OPT_INT(0, "socket-fd", struct options, socket_fd, "N", "use this listening socket"),
	OPT_STR('m', "mode", struct options, mode, "full|fast",
		"what a connection that does not say gets (default: full)"),
	OPT_INT(0, "ready-fd", struct options, ready_fd, "N", "write a byte here when listening"),
	OPT_INT(0, "exit-fd", struct options, exit_fd, "N", "leave when this is at its end"),
	OPT_LIST(0, "root-owners", struct options, root_owners, "FILE",
		 "owners of links and pipes; again for more, later ones win"),
	OPT_STR(0, "log-level", struct options, log_level, "LEVEL", "error, warn, info or debug"),
	OPT_BOOL(0, "print-seccomp", struct options, print,
		 "print the filter rules for a config.json"),
	OPT_BOOL('h', "help", struct options, help, "show this"),
	OPT_END,
};

/**
 * struct server - the main thread's own
 * @socket_dir:	folder of the socket's path
 * @owners:	texts of the --root-owners files, until the container is joined
 * @served:	there has been a listener
 */
struct server {
	struct agent agent;
	int socket;
	int socket_dir;
	int exit_fd;
	bool full;
	struct strv owners;
	struct listener *v[LISTENERS_MAX];
	size_t n;
	bool served;
};

int agent_init(struct agent *a, struct err *e)
{
	int r;

	*a = (struct agent){ .procfd = -1, .rootfd = -1 };
	nodes_init(&a->nodes);
	r = calls_init(a, e);
	if (r < 0)
		return r;
	a->newfiles = calloc(1, sizeof(*a->newfiles));
	a->undo = calloc(1, sizeof(*a->undo));
	if (!a->newfiles || !a->undo || records_init(&a->records) < 0)
		return err_set(e, -ENOMEM, "agent");
	(void)pthread_mutex_init(&a->newfiles->lock, NULL);
	(void)pthread_mutex_init(&a->undo->lock, NULL);
	a->procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return a->procfd < 0 ? err_set(e, -errno, "/proc") : 0;
}

void agent_clear(struct agent *a)
{
	records_clear(&a->records);
	nodes_clear(&a->nodes);
	free(a->newfiles);
	free(a->undo);
	if (a->procfd >= 0)
		(void)close(take_fd(&a->procfd));
	if (a->rootfd >= 0)
		(void)close(take_fd(&a->rootfd));
}

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

/* Records of this listener's processes: as what they count before they change. */
static int first_record(struct agent *a, const struct hello *h, struct err *e)
{
	const struct idmeta *m = &h->meta;
	struct rlimit64 l;
	struct idstate s;
	uint64_t caps;
	int r;

	if (prlimit64(h->pid, RLIMIT_RTTIME, NULL, &l) < 0)
		return err_set(e, -errno, "process %d", h->pid);
	if (l.rlim_max != RLIM64_INFINITY)
		return err_msg(e, -EBUSY, "process %d: the limit RLIMIT_RTTIME is in use", h->pid);
	r = tracee_status(a, h->pid, "CapBnd:", 16, &caps);
	if (r < 0)
		return err_set(e, r, "status of process %d", h->pid);
	idstate_init(&s, 0, 0, caps);
	r = records_add(&a->records, &s, m->uid || m->gid || m->n_groups);
	return r < 0 ? err_set(e, r, "records") : r;
}

static int apply_owners(struct server *s, struct err *e)
{
	for (size_t i = 0; i < s->owners.n; i++) {
		int r = rootowners_apply(&s->agent, s->owners.v[i], e);

		if (r < 0)
			return err_wrap(e, "--root-owners");
	}
	strv_clear(&s->owners);
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

static int add_listener(struct server *s, const struct hello *h, int *fd, struct err *e)
{
	auto_free struct listener *l = NULL;
	int r;

	if (s->n == LISTENERS_MAX)
		return err_msg(e, -EMFILE, "more than %d listeners", LISTENERS_MAX);
	r = join_container(&s->agent, h->pid, e);
	if (r < 0)
		return r;
	if (!s->served && (r = apply_owners(s, e)) < 0)
		return r;
	r = first_record(&s->agent, h, e);
	if (r < 0)
		return r;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, -ENOMEM, "listener");
	*l = (struct listener){ .agent = &s->agent, .fd = *fd, .meta = h->meta,
				.start = (uint32_t)r };
	r = start_thread(l, e);
	if (r < 0)
		return r;
	(void)take_fd(fd);
	s->v[s->n++] = take_ptr(l);
	s->served = true;
	log_info("agent: serving process %d as %u:%u", h->pid, h->meta.uid, h->meta.gid);
	return 0;
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

		if (!atomic_load(&l->done)) {
			if (atomic_load(&l->hung_up)) {
				(void)pthread_kill(l->thread, NUDGE_SIGNAL);
				waiting = true;
			}
			i++;
			continue;
		}
		(void)pthread_join(l->thread, NULL);
		(void)close(l->fd);
		free(l);
		s->v[i] = s->v[--s->n];
		newfile_settle(&s->agent, 0);
	}
	return waiting;
}

static void note_hang_ups(struct server *s, const struct pollfd *p)
{
	for (size_t i = 0; i < s->n; i++)
		if (p[i].revents & (POLLHUP | POLLERR))
			atomic_store(&s->v[i]->hung_up, true);
}

static int run(struct server *s)
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
				.fd = atomic_load(&s->v[i]->hung_up) ? -1 : s->v[i]->fd
			};
		if (poll(p, n + 2, waiting ? NUDGE_MS : -1) < 0 && errno != EINTR)
			return -errno;
		note_hang_ups(s, p + 2);
		if (p[1].revents)
			break;
		if (p[0].revents)
			accept_one(s);
	}
	newfile_settle(&s->agent, 0);
	return 0;
}

/* --- start ------------------------------------------------------------------------------ */

static int read_owners(struct server *s, const struct strv *files, struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		auto_free char *text = NULL;
		int r = io_read_file_at(AT_FDCWD, files->v[i], ROOTOWNERS_SIZE_MAX, &text, NULL);

		if (r == 0)
			r = strv_add(&s->owners, text);
		if (r < 0)
			return err_set(e, r, "--root-owners %s", files->v[i]);
	}
	return 0;
}

static int open_socket(struct server *s, const struct options *o, struct err *e)
{
	if (!o->socket == (o->socket_fd < 0))
		return err_msg(e, -EINVAL, "one of --socket and --socket-fd is needed");
	if (o->socket) {
		const char *slash = strrchr(o->socket, '/');
		auto_free char *dir = slash ? strndup(o->socket, (size_t)(slash - o->socket + 1)) :
					      strdup(".");

		s->socket_dir = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	}
	s->socket = o->socket ? sock_listen_unix(o->socket, BACKLOG) : o->socket_fd;
	if (s->socket < 0)
		return err_set(e, s->socket, "--socket %s", o->socket);
	return 0;
}

static int start(struct server *s, const struct options *o, struct err *e)
{
	struct sigaction act = { .sa_handler = nudge };
	int r;

	if ((r = agent_init(&s->agent, e)) < 0 || (r = read_owners(s, &o->root_owners, e)) < 0 ||
	    (r = open_socket(s, o, e)) < 0)
		return r;
	s->exit_fd = o->exit_fd;
	if (sigaction(NUDGE_SIGNAL, &act, NULL) < 0)
		return err_set(e, -errno, "sigaction");
	(void)signal(SIGPIPE, SIG_IGN);
	lean_rest();
	if (o->ready_fd >= 0 && io_write_all(o->ready_fd, "1", 1) < 0)
		return err_set(e, -EIO, "--ready-fd");
	if (o->ready_fd >= 0)
		(void)close(o->ready_fd);
	return 0;
}

/* Where we stand now, its path would mean another file. */
static void remove_socket(const struct server *s, const struct options *o)
{
	const char *slash = o->socket ? strrchr(o->socket, '/') : NULL;

	if (o->socket && s->socket_dir >= 0)
		(void)unlinkat(s->socket_dir, slash ? slash + 1 : o->socket, 0);
}

static int fail(int status, const struct err *e)
{
	(void)fprintf(stderr, "uidmap: agent: %s\n", e->msg);
	return status;
}

static int check_options(const struct options *o, bool *ret_full, struct err *e)
{
	enum log_level level = LOG_LEVEL_WARN;

	if (proto_mode(o->mode, ret_full) < 0)
		return err_msg(e, -EINVAL, "--mode %s: 'full' or 'fast'", o->mode);
	if (o->log_level && log_level_parse(o->log_level, &level) < 0)
		return err_msg(e, -EINVAL, "--log-level %s: no such level", o->log_level);
	log_set_level(level);
	return 0;
}

int agent_main(int argc, char **argv)
{
	struct options o = { .socket_fd = -1, .mode = "full", .ready_fd = -1, .exit_fd = -1 };
	auto_free struct server *s = calloc(1, sizeof(*s));
	struct err e = { 0 };
	int first, end, r;

	log_init("uidmap");
	if (!s) {
		(void)err_set(&e, -ENOMEM, "start");
		return fail(EXIT_FAILED, &e);
	}
	if (opt_parse(agent_opts, argc, argv, 0, &o, &first, &end, &e) < 0 ||
	    check_options(&o, &s->full, &e) < 0)
		return fail(EXIT_USAGE, &e);
	if (o.help) {
		(void)printf("usage: uidmap agent [OPTIONS]\nanswer a container's calls about ids "
			     "from records\n\n");
		opt_help(agent_opts, stdout);
		return 0;
	}
	if (first < end) {
		(void)err_msg(&e, -EINVAL, "takes no operands");
		return fail(EXIT_USAGE, &e);
	}
	if (o.print)
		return print_seccomp(s->full, stdout) < 0 ? EXIT_FAILED : 0;
	r = start(s, &o, &e);
	strv_clear(&o.root_owners);
	if (r < 0)
		return fail(r == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &e);
	r = run(s);
	if (r < 0)
		log_error("agent: poll: %s", strerrordesc_np(-r));
	remove_socket(s, &o);
	/* threads that still serve end with the process */
	return r < 0 ? EXIT_FAILED : 0;
}
