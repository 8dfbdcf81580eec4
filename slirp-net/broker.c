/* SPDX-License-Identifier: Apache-2.0
 *
 * broker - the process that stays in the container's namespaces
 *
 * How it works: slirp-net itself never leaves the network namespace it was
 * started in: its sockets are the host's. A forked broker joins the
 * container's user and network namespace, sets up the link, and sends one
 * message: a struct err (code 0 for success) with the descriptors. Then it
 * waits for its socket to close, which is how it learns of the end of
 * slirp-net, however that came about, and removes the API socket's file.
 */
#include "slirp-net/broker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/sock.h"
#include "slirp-net/nlcfg.h"
#include "slirp-net/net.h"
#include "slirp-net/netns.h"
#include "slirp-net/tap.h"

static int configure(const struct conf *c, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg *nl = NULL;
	const struct addrs *a = &c->addrs;
	int tap, lo, r;

	r = nlcfg_open(&nl, e);
	if (r < 0)
		return r;
	lo = nlcfg_index(nl, "lo", e);
	if (lo < 0)
		return lo;
	r = nlcfg_up(nl, lo, 0, NULL, e);
	if (r < 0)
		return r;
	tap = nlcfg_index(nl, c->tapname, e);
	if (tap < 0)
		return tap;
	r = nlcfg_up(nl, tap, (unsigned int)c->mtu, c->has_mac ? c->mac : NULL, e);
	if (r < 0)
		return r;
	r = nlcfg_addr(nl, tap, AF_INET, &a->guest4, a->prefix4, e);
	if (r < 0)
		return r;
	r = nlcfg_default_route(nl, tap, AF_INET, &a->host4, e);
	if (r < 0 || !c->enable_ipv6)
		return r;
	r = nlcfg_addr(nl, tap, AF_INET6, &a->guest6, 64, e);
	if (r < 0)
		return r;
	return nlcfg_default_route(nl, tap, AF_INET6, &a->host6, e);
}

static int set_up(const struct conf *c, const struct netns *ns, int *ret_fd, struct err *e)
{
	auto_close int tap = -1;
	int r;

	r = netns_enter_user(ns, e);
	if (r < 0)
		return r;
	r = netns_enter_net(ns, e);
	if (r < 0)
		return r;
	tap = tap_open(c->tapname, e);
	if (tap < 0)
		return tap;
	if (c->configure) {
		r = configure(c, e);
		if (r < 0)
			return err_wrap(e, "%s", c->tapname);
	}
	*ret_fd = take_fd(&tap);
	return 0;
}

static void serve(int sock, const struct conf *c)
{
	char dummy;

	while (recv(sock, &dummy, 1, 0) < 0 && errno == EINTR)
		;
	if (c->api_socket)
		(void)unlink(c->api_socket);
}

static _Noreturn void broker_main(int sock, const struct conf *c, struct netns *ns)
{
	struct err e = { 0 };
	int keep[] = { sock, ns->user, ns->net };
	int fd = -1;

	/* the caller's signals are for slirp-net; its end is ours */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "slirp-net-broker");
	(void)fd_close_from(3, keep, 3);
	(void)set_up(c, ns, &fd, &e);
	netns_clear(ns);
	if (sock_send_fds(sock, &e, sizeof(e), &fd, fd >= 0) < 0)
		_exit(1);
	if (fd < 0)
		_exit(1);
	(void)close(fd);
	serve(sock, c);
	_exit(0);
}

int broker_start(struct broker *b, struct net *net, struct err *e)
{
	struct netns ns = { -1, -1 };
	int sv[2], fd = -1, r;
	struct err theirs;
	size_t n_fds;
	ssize_t n;

	r = netns_open(&ns, &net->conf, e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		netns_clear(&ns);
		return err_set(e, -errno, "socketpair");
	}
	b->pid = fork();
	if (b->pid == 0) {
		(void)close(sv[0]);
		broker_main(sv[1], &net->conf, &ns);
	}
	r = b->pid < 0 ? -errno : 0;
	netns_clear(&ns);
	(void)close(sv[1]);
	b->ev.fd = sv[0];
	if (r < 0)
		return err_set(e, r, "fork");
	n = sock_recv_fds(sv[0], &theirs, sizeof(theirs), &fd, 1, &n_fds);
	if (n != sizeof(theirs) || (!theirs.code && n_fds != 1))
		return err_msg(e, -EPROTO, "the process in the container's namespaces died");
	if (theirs.code) {
		if (e)
			*e = theirs;
		return theirs.code;
	}
	b->link_fd = fd;
	return 0;
}

static void on_broker(struct ev *ev, uint32_t events)
{
	struct net *net = ev->owner;

	(void)events;
	log_error("the process in the container's namespaces is gone");
	net_stop(net, 1);
}

int broker_watch(struct broker *b, struct net *net)
{
	b->ev.fn = on_broker;
	b->ev.owner = net;
	return loop_set(&net->loop, &b->ev, EPOLLIN);
}

void broker_clear(struct broker *b)
{
	cleanup_closep(&b->ev.fd);
	cleanup_closep(&b->link_fd);
	b->ev.fd = b->link_fd = -1;
	if (b->pid > 0)
		(void)waitpid(b->pid, NULL, 0);
	b->pid = 0;
}
