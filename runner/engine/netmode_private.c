/* SPDX-License-Identifier: Apache-2.0
 *
 * netmode_private - a network namespace of its own, and slirp-net beside it
 *
 * How it works: a short-lived child made by clone(CLONE_NEWNET) that shares
 * our descriptors opens its own namespace and leaves; so the monitor stays
 * where it is, in the host's network, and slirp-net starts from there, before
 * there is a namespace: it is sent over a socket. The rest of the start goes on
 * while slirp-net is executed and configures; it says on --ready-fd that the link is up and every port is bound, or leaves with a line on stderr.
 * It leaves, too, when the monitor is gone (--exit-fd). It may be executed
 * before ids exist: it needs none until it has the namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/portspec.h"
#include "common/proc.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/network.h"

#define READY_MS 20000
#define STACK_SIZE 65536
#define API_SOCKET "net.sock"

#define GUEST "10.0.2.100"
#define GATEWAY "10.0.2.2"
#define DNS "10.0.2.3"

/**
 * struct new_netns - what the child is told, and answers
 * @bare:	nothing is to be set
 * @ping_gids:	group ids that may open ping sockets
 * @fd:		the namespace, -errno
 */
struct new_netns {
	bool bare;
	const char *ping_gids;
	int fd;
};

/* slirp-net does it too, but not every network has one. */
static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)ioctl(fd, SIOCSIFFLAGS, &req);
}

/* Here and not by the container's init, which may be in a user namespace that
 * does not own this network. */
static int open_own_netns(void *arg)
{
	struct new_netns *n = arg;

	if (!n->bare) {
		loopback_up();
		(void)io_write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
		(void)io_write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", n->ping_gids);
	}
	n->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (n->fd < 0)
		n->fd = -errno;
	return 0;
}

/* CLONE_VFORK: we sleep until it left, so it may use our memory; CLONE_FILES:
 * what it opens is ours. */
static int make_netns(const struct engine *eng, bool bare, struct err *e)
{
	char gids[32];
	struct new_netns n = { .bare = bare, .ping_gids = gids, .fd = -EIO };
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (stack == MAP_FAILED)
		return err_set(e, -errno, "network namespace");
	engine_ping_range(eng, gids, sizeof(gids));
	pid = clone(open_own_netns, stack + STACK_SIZE,
		    CLONE_NEWNET | CLONE_FILES | CLONE_VM | CLONE_VFORK | SIGCHLD, &n);
	if (pid < 0)
		n.fd = -errno;
	else
		(void)waitpid(pid, NULL, 0);
	(void)munmap(stack, STACK_SIZE);
	if (n.fd == -ENOSPC)
		return err_msg(e, n.fd, "network namespace: the limit user.max_net_namespaces is reached");
	return n.fd < 0 ? err_set(e, n.fd, "network namespace") : n.fd;
}

int netns_new(const struct engine *eng, struct err *e)
{
	return make_netns(eng, /* bare */ false, e);
}

int netns_bare(const struct engine *eng, struct err *e)
{
	return make_netns(eng, /* bare */ true, e);
}

static int add_publish(struct strv *argv, const struct container *c, struct err *e)
{
	for (size_t i = 0; i < c->config.publish.n; i++)
		if (strv_add(argv, "--publish") < 0 || strv_add(argv, c->config.publish.v[i]) < 0)
			return err_set(e, -ENOMEM, "slirp-net");
	return 0;
}

/* What slirp-net is given, by index. */
enum {
	KEEP_READY,
	KEEP_LIFE,
	KEEP_NETNS,
	KEEP_RUN_DIR,
	KEEP_MAX_
};

static int build_argv(struct strv *argv, const struct container *c, const int *keep,
		      const char *program, struct err *e)
{
	static const char *const fixed[] = { "--configure", "--mtu=65520", "--disable-host-loopback",
					     "--enable-ipv6", "--enable-sandbox", "--enable-seccomp" };
	int r = strv_add(argv, program);

	for (size_t i = 0; r == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		r = strv_add(argv, fixed[i]);
	if (r == 0)
		r = strv_addf(argv, "--ready-fd=%d", keep[KEEP_READY]);
	if (r == 0)
		r = strv_addf(argv, "--exit-fd=%d", keep[KEEP_LIFE]);
	if (r == 0)
		/* Through the folder's descriptor: a socket's path has to be short. */
		r = strv_addf(argv, "--api-socket=/proc/self/fd/%d/" API_SOCKET,
			      keep[KEEP_RUN_DIR]);
	if (r < 0)
		return err_set(e, r, "slirp-net");
	r = add_publish(argv, c, e);
	if (r == 0 && (strv_add(argv, "--netns-type=socket") < 0 ||
		       strv_addf(argv, "%d", keep[KEEP_NETNS]) < 0 || strv_add(argv, "tap0") < 0))
		r = err_set(e, -ENOMEM, "slirp-net");
	return r;
}

static int private_start(struct network *n, struct container *c, struct err *e)
{
	AUTO(strv_clear) struct strv argv = { 0 };
	auto_close int run_dir = container_share_run_dir(c, e);
	char program[4096];
	int ready[2], life[2], words[2], sock[2], keep[KEEP_MAX_];
	struct proc_spawn how = { .keep = keep, .n_keep = KEEP_MAX_, .keep_caps = n->no_root };
	int r = proc_find_program("slirp-net", program, sizeof(program));

	if (run_dir < 0)
		return run_dir;
	if (r < 0)
		return err_set(e, r, "slirp-net: not beside runner, nor in " LIBEXECDIR ", nor in PATH");
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(life, O_CLOEXEC) < 0 ||
	    pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_set(e, -errno, "pipe");
	n->netns_sock = sock[0];
	n->ready_fd = ready[0];
	n->exit_fd = life[1];
	n->words_fd = words[0];
	keep[KEEP_READY] = ready[1];
	keep[KEEP_LIFE] = life[0];
	keep[KEEP_NETNS] = sock[1];
	keep[KEEP_RUN_DIR] = run_dir;
	r = build_argv(&argv, c, keep, program, e);
	if (r == 0) {
		how.argv = argv.v;
		how.stdio[0] = how.stdio[1] = -1;
		how.stdio[2] = words[1];
		n->helper = proc_spawn(&how);
		if (n->helper < 0)
			r = err_set(e, n->helper, "%s", program);
	}
	close(ready[1]);
	close(life[0]);
	close(words[1]);
	close(sock[1]);
	if (n->helper < 0)
		n->helper = 0;
	return r;
}

static int failed(struct network *n, struct err *e)
{
	char words[700];
	int code;

	/* it may live, and wait for what will not come */
	close(take_fd(&n->exit_fd));
	code = proc_wait(n->helper);
	n->helper = 0;
	if (network_words(n, words, sizeof(words)) > 0)
		return err_msg(e, -EIO, "%s", words);
	return err_msg(e, -EIO, "slirp-net left with code %d and without a word", code);
}

/* It may have left already, and said why. */
static int private_join(struct network *n, struct container *c, struct err *e)
{
	ssize_t r;

	if (n->netns_fd < 0)
		n->netns_fd = netns_new(c->eng, e);
	if (n->netns_fd < 0)
		return n->netns_fd;
	r = sock_send_fds(n->netns_sock, "n", 1, &n->netns_fd, 1);
	return r < 0 ? failed(n, e) : 0;
}

/* What it warned of before it was ready: that it took a lower rung. */
static void tell_rung(struct network *n)
{
	char words[700];

	if (network_words(n, words, sizeof(words)) > 0) {
		const char *text = str_after(words, "slirp-net: warning: ");

		log_warn("network: %s", text ? text : words);
	}
}

static void take_rung(struct network *n)
{
	static const char *const rungs[] = { "splice", "tap", "packet" };
	char word[16];
	ssize_t got = recv(n->netns_sock, word, sizeof(word) - 1, MSG_DONTWAIT);

	close(take_fd(&n->netns_sock));
	n->rung = "slirp-net";
	word[got > 0 ? got : 0] = '\0';
	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++)
		if (str_eq(word, rungs[i]))
			n->rung = rungs[i];
}

static int private_wait(struct network *n, struct container *c, struct err *e)
{
	struct pollfd p = { .fd = n->ready_fd, .events = POLLIN };
	char byte;
	int r;

	(void)c;
	while ((r = poll(&p, 1, READY_MS)) < 0 && errno == EINTR)
		;
	if (r == 0)
		return err_msg(e, -ETIMEDOUT, "slirp-net: not ready after %d s", READY_MS / 1000);
	if (r < 0)
		return err_set(e, -errno, "slirp-net");
	if (read(n->ready_fd, &byte, 1) != 1)
		return failed(n, e);
	close(take_fd(&n->ready_fd));
	take_rung(n);
	tell_rung(n);
	return 0;
}

const struct netmode netmode_private = {
	.name = "private",
	.can_publish = true,
	.names = { .address = GUEST, .gateway = GATEWAY, .dns = DNS },
	.rung = "splice",
	.start = private_start,
	.join = private_join,
	.wait = private_wait,
};
