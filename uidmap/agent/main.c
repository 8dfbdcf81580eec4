/* SPDX-License-Identifier: Apache-2.0
 *
 * main - "uidmap agent": options and start
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/lean.h"
#include "common/log.h"
#include "common/opt.h"
#include "common/sock.h"
#include "common/str.h"
#include "uidmap/agent/keep.h"
#include "uidmap/agent/print.h"
#include "uidmap/agent/rootowners.h"
#include "uidmap/agent/server.h"

/* #syscalls unlinkat write */

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	BACKLOG = 64,
};

/**
 * struct options - what the command line says
 * @root_owners: files of recorded owners
 * @owners_file: what is kept of changes of such
 */
struct options {
	const char *socket;
	int socket_fd;
	const char *mode;
	int ready_fd;
	int exit_fd;
	struct strv root_owners;
	const char *owners_file;
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
	OPT_STR(0, "owners-file", struct options, owners_file, "FILE",
		"keep changed owners of links and pipes there"),
	OPT_STR(0, "log-level", struct options, log_level, "LEVEL", "error, warn, info or debug"),
	OPT_BOOL(0, "print-seccomp", struct options, print,
		 "print the filter rules for a config.json"),
	OPT_BOOL('h', "help", struct options, help, "show this"),
	OPT_END,
};

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

/* A folder may have been handed in for a path to begin at, or somebody leaks. */
static void close_others(const struct server *s, const struct options *o)
{
	const int ours[] = { s->socket, s->socket_dir, s->exit_fd, o->ready_fd, s->agent.procfd,
			     s->kept.keep_fd };

	(void)fd_close_from(STDERR_FILENO + 1, ours, sizeof(ours) / sizeof(ours[0]));
}

static int start(struct server *s, const struct options *o, struct err *e)
{
	int r;

	if ((r = agent_init(&s->agent, e)) < 0 || (r = read_owners(s, &o->root_owners, e)) < 0 ||
	    (r = open_socket(s, o, e)) < 0)
		return r;
	nodes_init(&s->kept);
	if (o->owners_file && (r = keep_open(&s->kept, o->owners_file, e)) < 0)
		return r;
	s->exit_fd = o->exit_fd;
	r = server_init(s, e);
	if (r < 0)
		return r;
	close_others(s, o);
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
	r = server_run(s);
	if (r < 0)
		log_error("agent: poll: %s", strerrordesc_np(-r));
	remove_socket(s, &o);
	/* threads that still serve end with the process */
	return r < 0 ? EXIT_FAILED : 0;
}
