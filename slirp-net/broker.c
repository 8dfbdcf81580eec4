/* SPDX-License-Identifier: Apache-2.0
 *
 * broker - the process that stays in the container's namespaces
 *
 * How it works: slirp-net itself never leaves the network namespace it was
 * started in: its sockets are the host's. A forked broker joins the
 * container's user and network namespace, sets up the link and, where it can,
 * a gateway (gateway.c), and sends one message with the descriptors. Where the
 * container's namespace is yet to come over a socket, the gateway is begun
 * meanwhile. Then it waits for its socket to close, which is how it learns of the
 * end of slirp-net, however that came about, and removes the API socket's file.
 *
 * It keeps what is slow to release (packet sockets, slirp-net's mount
 * namespace, the gateway's network namespace), and releases it by its own end:
 * each costs the kernel grace periods, 25 to 45 ms together, and whoever waits
 * for slirp-net would wait for them. The link vanishes with the gateway.
 *
 * With --shared it has a child, for further containers (bridge.c).
 */
#include "slirp-net/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/lean.h"
#include "common/log.h"
#include "common/sock.h"
#include "slirp-net/bridge.h"
#include "slirp-net/isolate.h"
#include "slirp-net/nlcfg.h"
#include "slirp-net/net.h"
#include "slirp-net/netns.h"
#include "slirp-net/resolv.h"
#include "slirp-net/tap.h"

#define FREE_MS 1000
#define FREE_STEP_MS 5

/**
 * struct ready - the broker's only message about the start
 * @err:	code 0 for success
 * @splice:	the gateway has everything
 * @has:	by gateway_fd: which descriptors come with it, in order
 */
struct ready {
	struct err err;
	bool splice;
	bool has[GATEWAY_FD_MAX_];
};

/* #syscalls:broker poll ppoll unlink unlinkat close recvmsg recvfrom sendmsg sendto socket
 * #syscalls:broker setsockopt bind getsockname getsockopt fcntl getpid clock_gettime write read
 * #syscalls:broker time gettimeofday wait4 madvise */

/*
 * The link of a slirp-net that has just ended goes when the kernel gets to it.
 * Return: whether the name is free
 */
static bool wait_free(const struct nlcfg *nl, const char *name)
{
	const struct timespec pause = { .tv_nsec = FREE_STEP_MS * 1000000 };

	for (int ms = 0; ms < FREE_MS; ms += FREE_STEP_MS) {
		if (nlcfg_index(nl, name, NULL) == -ENODEV)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * The gateway, whose link takes the place of an idle tap device of that name.
 * The caller configures it by name afterwards, so it is left as it was found.
 */
static int make_gateway(const struct conf *c, const struct netns *ns, struct gateway_begun *begun,
			struct nlcfg *nl, int *fds, struct err *e)
{
	bool up = false;
	int r = gateway_open(c, ns->net, /* splice */ true, begun, fds, e), link;

	if (r != -EEXIST)
		return r;
	if (netns_enter_net(ns, NULL) < 0)
		return r;
	if (tap_remove_idle(c->tapname, &up) < 0 && !wait_free(nl, c->tapname))
		return r;
	r = gateway_open(c, ns->net, /* splice */ true, NULL, fds, e);
	if (r < 0 || !up)
		return r;
	link = nlcfg_index(nl, c->tapname, e);
	if (link < 0)
		return link;
	nlcfg_up(nl, link, 0, NULL);
	return nlcfg_run(nl, e);
}

/* The best way there is to reach the container; each can be ruled out. */
static int make_link(const struct conf *c, const struct netns *ns, struct gateway_begun *begun,
		     struct nlcfg *nl, int *fds, bool *splice, bool *gateway, struct err *e)
{
	int r;

	if (!c->no_splice) {
		r = make_gateway(c, ns, begun, nl, fds, e);
		*splice = *gateway = r >= 0;
		/* nobody else could be let in */
		if (r >= 0 || r == -EEXIST || c->shared)
			return r;
		log_warn("%s: TCP goes through libslirp instead, which is slower", e->msg);
		r = netns_enter_net(ns, e);
		if (r < 0)
			return r;
	}
	if (!c->no_tun) {
		r = tap_open(c->tapname, e);
		if (r >= 0) {
			fds[GATEWAY_LINK] = r;
			return 0;
		}
		if (r == -EEXIST || r == -EBUSY)
			return r;
		log_warn("%s: going on without a tap device", e->msg);
	}
	r = gateway_open(c, ns->net, /* splice */ false, NULL, fds, e);
	*gateway = r >= 0;
	return r;
}

static int set_up(const struct conf *c, const struct netns *ns, struct gateway_begun *begun,
		  int *fds, bool *splice, bool *gateway, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	const struct bridge_port first = bridge_first(c);
	int r;

	r = netns_enter_user(ns, e);
	if (r < 0)
		return r;
	r = netns_enter_net(ns, e);
	if (r < 0)
		return r;
	if (c->configure)
		gateway_fast_tcp();
	/* opened here, it stays with the container's namespace */
	r = nlcfg_open(&nl, e);
	if (r < 0)
		return r;
	r = make_link(c, ns, begun, &nl, fds, splice, gateway, e);
	if (r < 0)
		return r;
	if (!c->configure)
		return 0;
	r = bridge_configure(c, &nl, &first, e);
	return r < 0 ? err_wrap(e, "%s", c->tapname) : 0;
}

static int send_resolv_conf(int sock, const struct resolv_watch *w)
{
	/* never empty, which would look like the end */
	char text[RESOLV_TEXT_MAX + 1];

	memcpy(text, w->text, w->len);
	text[w->len] = '\n';
	return send(sock, text, w->len + 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A descriptor that we are asked to hold; whatever else comes is the end. */
static int keep_more(int sock)
{
	char byte;
	int fd;
	size_t n_fds = 0;
	ssize_t n = sock_recv_fds(sock, &byte, 1, &fd, 1, &n_fds);

	return n == 1 ? 0 : -ECONNRESET;
}

/* What the broker waits for. */
enum serving {
	SERVING_SOCK,	/* the end of slirp-net, and descriptors to keep */
	SERVING_POOL,	/* requests for sockets */
	SERVING_RESOLV,	/* the host's resolv.conf */
	SERVING_MAX_,
};

/* Two sockets, so that slirp-net can wait for an answer on the one while the
 * other tells each side of the other's end, and of a new resolv.conf. */
static void serve(int sock, int pool)
{
	struct resolv_watch watch;
	struct pollfd fds[SERVING_MAX_] = {
		[SERVING_SOCK] = { .fd = sock, .events = POLLIN },
		[SERVING_POOL] = { .fd = pool, .events = POLLIN },
	};

	resolv_watch_open(&watch);
	fds[SERVING_RESOLV] = (struct pollfd){ .fd = watch.fd, .events = POLLIN };
	if (send_resolv_conf(sock, &watch) < 0)
		return;
	for (;;) {
		int n = poll(fds, SERVING_MAX_, RESOLV_LOOK_MS);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && fds[SERVING_SOCK].revents && keep_more(sock) < 0)
			return;
		if (n > 0 && fds[SERVING_POOL].revents && pool_serve(pool) < 0)
			return;
		if ((n == 0 || (n > 0 && fds[SERVING_RESOLV].revents)) &&
		    resolv_watch_look(&watch) && send_resolv_conf(sock, &watch) < 0)
			return;
	}
}

static int send_ready(int sock, struct ready *m, const int *fds)
{
	int out[GATEWAY_FD_MAX_];
	size_t n = 0;

	for (size_t i = 0; i < GATEWAY_FD_MAX_; i++) {
		m->has[i] = fds[i] >= 0;
		if (fds[i] >= 0)
			out[n++] = fds[i];
	}
	return sock_send_fds(sock, m, sizeof(*m), out, n) < 0 ? -1 : 0;
}

static void clean_up(const struct conf *c)
{
	if (c->api_socket)
		(void)unlink(c->api_socket);
}

/**
 * struct ends - the broker's ends of the sockets to slirp-net
 * @sock:	see broker_main()
 * @pool:	requests for sockets
 * @bridge:	requests for ports, -1 without --shared
 */
struct ends {
	int sock, pool, bridge;
};

/*
 * The process that makes and removes ports of the bridge. That takes the
 * kernel 30 ms at times, for which no published connection shall wait, and a
 * right that nothing else here needs.
 */
static _Noreturn void bridge_main(const struct ends *ends, const struct conf *c)
{
	struct bridge *b = NULL;
	struct pollfd fds[2] = { { .fd = ends->bridge, .events = POLLIN }, { .events = POLLIN } };
	struct err e = { 0 };

	(void)prctl(PR_SET_NAME, "slirp-net-bridge");
	(void)fd_close_from(3, &ends->bridge, 1);
	(void)err_set(&e, -ENOMEM, "bridge");
	if (isolate_bridge(c, &e) >= 0)
		b = bridge_new(c, GATEWAY_INDEX, ends->bridge);
	if (!b) {
		log_error("%s", e.msg);
		_exit(1);
	}
	lean_rest();
	fds[1].fd = b->links;
	for (;;) {
		int n = poll(fds, 2, -1);

		if (n < 0 && errno != EINTR)
			_exit(1);
		if (n > 0 && fds[1].revents)
			bridge_look(b);
		if (n > 0 && fds[0].revents && bridge_serve(b) < 0)
			_exit(0);
	}
}

static int bridge_start(const struct ends *ends, const struct conf *c, struct err *e)
{
	pid_t pid = fork();

	if (pid == 0)
		bridge_main(ends, c);
	(void)close(ends->bridge);
	return pid < 0 ? err_set(e, -errno, "fork") : 0;
}

/* slirp-net has received them, for it has to know them, too. */
static int give_namespaces(int sock, const struct netns *ns)
{
	const int fds[] = { ns->net, ns->user };

	return sock_send_fds(sock, "n", 1, fds, ns->user >= 0 ? 2 : 1) < 0 ? -1 : 0;
}

static int take_namespaces(int sock, struct netns *ret)
{
	int fds[2] = { -1, -1 };
	size_t n = 0;
	char byte;

	if (sock_recv_fds(sock, &byte, 1, fds, 2, &n) != 1 || n < 1)
		return -ECONNRESET;
	*ret = (struct netns){ .net = fds[0], .user = fds[1] };
	return 0;
}

/*
 * The namespaces are awaited with the gateway begun, which has to belong to the
 * container's user namespace: to ours, as nearly always.
 */
static void await_namespaces(const struct ends *ends, const struct conf *c, struct netns *ns,
			     struct gateway_begun *ret)
{
	if (!c->no_splice)
		gateway_begin(c, ret);
	/* it has said why */
	if (take_namespaces(ends->sock, ns) < 0) {
		clean_up(c);
		_exit(1);
	}
	if (ns->user >= 0)
		gateway_abandon(ret);
}

static _Noreturn void broker_main(const struct ends *ends, const struct conf *c, struct netns *ns)
{
	struct gateway_begun begun = GATEWAY_BEGUN_NONE;
	struct ready m = { 0 };
	int keep[] = { ends->sock, ends->pool, ends->bridge, ns->user, ns->net };
	int fds[GATEWAY_FD_MAX_] = { -1, -1, -1, -1 };
	bool gateway = false;

	/* the caller's signals are for slirp-net; its end is ours */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "slirp-net-broker");
	(void)fd_close_from(3, keep, sizeof(keep) / sizeof(keep[0]));
	if (ns->net < 0)
		await_namespaces(ends, c, ns, &begun);
	if (set_up(c, ns, &begun, fds, &m.splice, &gateway, &m.err) >= 0 &&
	    (!c->shared || bridge_start(ends, c, &m.err) >= 0) &&
	    isolate_broker(c, &m.err) >= 0)
		m.err.code = 0;
	netns_clear(ns);
	if (begun.netns >= 0)
		gateway_abandon(&begun);
	if (m.err.code && gateway)
		gateway_close(c);
	if (send_ready(ends->sock, &m, fds) < 0 || m.err.code) {
		clean_up(c);
		_exit(1);
	}
	cleanup_closep(&fds[GATEWAY_LISTEN4]);
	cleanup_closep(&fds[GATEWAY_LISTEN6]);
	lean_rest();
	serve(ends->sock, ends->pool);
	clean_up(c);
	/* slirp-net may go; the rest takes its time */
	(void)close(ends->sock);
	_exit(0);
}

int broker_wait(struct broker *b, struct err *e)
{
	int fds[GATEWAY_FD_MAX_];
	struct ready m;
	size_t n_fds = 0, used = 0;
	ssize_t n = sock_recv_fds(b->ev.fd, &m, sizeof(m), fds, GATEWAY_FD_MAX_, &n_fds);

	if (n != sizeof(m))
		return err_msg(e, -EPROTO, "the process in the container's namespaces died");
	for (size_t i = 0; i < GATEWAY_FD_MAX_; i++) {
		b->fds[i] = -1;
		if (m.has[i] && used < n_fds)
			b->fds[i] = fds[used++];
	}
	b->splice = m.splice;
	b->ready = !m.err.code;
	if (m.err.code && e)
		*e = m.err;
	return m.err.code;
}

static int pair(int sv[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 ? -errno : 0;
}

static void close_pairs(int (*sv)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_closep(&sv[i][0]);
		cleanup_closep(&sv[i][1]);
	}
}

int broker_start(struct broker *b, struct net *net, struct err *e)
{
	struct netns ns = { -1, -1 };
	int sv[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, r;
	size_t n = net->conf.shared ? 3 : 2;
	bool later = net->conf.netns_sock >= 0;

	r = later ? 0 : netns_open(&ns, &net->conf, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r >= 0; i++)
		r = pair(sv[i]);
	if (r < 0) {
		netns_clear(&ns);
		close_pairs(sv, n);
		return err_set(e, r, "socketpair");
	}
	b->pid = fork();
	if (b->pid == 0) {
		const struct ends ends = { sv[0][1], sv[1][1], sv[2][1] };

		(void)close(sv[0][0]);
		(void)close(sv[1][0]);
		cleanup_closep(&sv[2][0]);
		broker_main(&ends, &net->conf, &ns);
	}
	r = b->pid < 0 ? err_set(e, -errno, "fork") : 0;
	b->ev.fd = take_fd(&sv[0][0]);
	b->pool_fd = take_fd(&sv[1][0]);
	b->bridge_fd = take_fd(&sv[2][0]);
	close_pairs(sv, n);
	if (r == 0 && later) {
		r = netns_open(&ns, &net->conf, e);
		if (r == 0 && give_namespaces(b->ev.fd, &ns) < 0)
			r = err_msg(e, -EPROTO, "the process in the container's namespaces died");
	}
	b->userns_fd = take_fd(&ns.user);
	netns_clear(&ns);
	return r;
}

void broker_keep(struct broker *b, int fd)
{
	if (fd >= 0)
		(void)sock_send_fds(b->ev.fd, "k", 1, &fd, 1);
}

static void on_broker(struct ev *ev, uint32_t events)
{
	struct net *net = ev->owner;
	char text[RESOLV_TEXT_MAX + 1];
	ssize_t n = recv(ev->fd, text, sizeof(text), MSG_DONTWAIT);

	(void)events;
	if (n > 0) {
		dns_set(net, text, (size_t)n);
		/* libslirp reads it there, when it has to resolve over TCP */
		if (net->iso.done)
			(void)isolate_resolv_conf(text, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	log_error("the process in the container's namespaces is gone");
	net_stop(net, 1);
}

int broker_watch(struct broker *b, struct net *net)
{
	char text[RESOLV_TEXT_MAX + 1];
	ssize_t n = recv(b->ev.fd, text, sizeof(text), 0);

	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	dns_set(net, text, (size_t)n);
	b->ev.fn = on_broker;
	b->ev.owner = net;
	return loop_set(&net->loop, &b->ev, EPOLLIN);
}

void broker_clear(struct broker *b)
{
	char rest[64];

	/* while the broker still has these, too */
	for (int i = 0; i < GATEWAY_FD_MAX_; i++) {
		cleanup_closep(&b->fds[i]);
		b->fds[i] = -1;
	}
	if (b->ready && b->ev.fd >= 0 && shutdown(b->ev.fd, SHUT_WR) == 0) {
		while (recv(b->ev.fd, rest, sizeof(rest), 0) > 0)
			;
		b->pid = 0;
	}
	cleanup_closep(&b->ev.fd);
	cleanup_closep(&b->pool_fd);
	cleanup_closep(&b->bridge_fd);
	cleanup_closep(&b->userns_fd);
	b->ev.fd = b->pool_fd = b->bridge_fd = b->userns_fd = -1;
	if (b->pid > 0)
		(void)waitpid(b->pid, NULL, 0);
	b->pid = 0;
}
