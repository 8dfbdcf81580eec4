/* SPDX-License-Identifier: Apache-2.0
 *
 * net - the one context of slirp-net: starting, running, leaving
 */
#include "slirp-net/net.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/io.h"

/* #syscalls exit_group write rt_sigreturn */

void net_stop(struct net *net, int status)
{
	net->stop = true;
	net->status = status;
}

void net_frame(struct net *net, const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	stack_input(&net->stack, h, data, len);
}

static void on_exit_fd(struct ev *ev, uint32_t events)
{
	char dummy;

	/* data is allowed to arrive there; only the end matters */
	if (events & EPOLLIN && read(ev->fd, &dummy, 1) > 0)
		return;
	net_stop(ev->owner, 0);
}

static void on_signal(struct ev *ev, uint32_t events)
{
	(void)events;
	net_stop(ev->owner, 0);
}

static int watch_end(struct net *net, struct err *e)
{
	sigset_t set;
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	net->signal_ev = (struct ev){ .fn = on_signal, .owner = net };
	net->signal_ev.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (net->signal_ev.fd < 0)
		return err_set(e, -errno, "signalfd");
	r = loop_set(&net->loop, &net->signal_ev, EPOLLIN);
	if (r < 0)
		return err_set(e, r, "signalfd");
	if (net->conf.exit_fd < 0)
		return 0;
	net->exit_ev = (struct ev){ .fd = net->conf.exit_fd, .fn = on_exit_fd, .owner = net };
	r = loop_set(&net->loop, &net->exit_ev, EPOLLIN | EPOLLHUP);
	return r < 0 ? err_set(e, r, "--exit-fd %d", net->conf.exit_fd) : 0;
}

static int start(struct net *net, struct err *e)
{
	const struct conf *c = &net->conf;
	int r;

	r = broker_start(&net->broker, net, e);
	if (r < 0)
		return r;
	r = loop_init(&net->loop);
	if (r < 0)
		return err_set(e, r, "epoll");
	r = watch_end(net, e);
	if (r < 0)
		return r;
	r = stack_start(&net->stack, net, e);
	if (r < 0)
		return r;
	r = link_start(&net->link, net, net->broker.link_fd, (unsigned int)c->mtu);
	if (r < 0)
		return err_set(e, r, "%s", c->tapname);
	for (size_t i = 0; i < c->n_ports; i++) {
		r = fwd_publish(net, &c->ports[i], e);
		if (r < 0)
			return r;
	}
	if (c->api_socket) {
		r = api_start(&net->api, net, c->api_socket, e);
		if (r < 0)
			return r;
	}
	r = broker_watch(&net->broker, net);
	return r < 0 ? err_set(e, r, "epoll") : 0;
}

static int say_ready(struct net *net, struct err *e)
{
	int r;

	if (net->conf.ready_fd < 0)
		return 0;
	r = io_write_all(net->conf.ready_fd, "1", 1);
	if (r < 0)
		return err_set(e, r, "--ready-fd %d", net->conf.ready_fd);
	(void)close(net->conf.ready_fd);
	return 0;
}

static int run(struct net *net, struct err *e)
{
	while (!net->stop) {
		int timeout = stack_prepare(&net->stack);
		int r;

		if (net->api.n && (timeout < 0 || timeout > API_IDLE_MS))
			timeout = API_IDLE_MS;
		r = loop_wait(&net->loop, timeout);
		if (r < 0)
			return err_set(e, r, "epoll");
		stack_run(&net->stack);
		if (net->api.n)
			api_expire(&net->api, net);
	}
	return 0;
}

int net_main(struct net *net, struct err *e)
{
	int r;

	net->broker.ev.fd = net->broker.link_fd = -1;
	net->loop.epfd = net->api.ev.fd = net->signal_ev.fd = -1;
	fwd_init(&net->fwds, &fwd_stack_ops);
	r = start(net, e);
	if (r >= 0)
		r = say_ready(net, e);
	if (r >= 0)
		r = run(net, e);
	if (net->stack.slirp)
		fwd_clear(net);
	api_clear(&net->api, net);
	stack_clear(&net->stack);
	link_clear(&net->link);
	loop_clear(&net->loop);
	if (net->signal_ev.fd >= 0)
		(void)close(net->signal_ev.fd);
	/* the broker removes the API socket's file; wait for that */
	broker_clear(&net->broker);
	return r < 0 ? r : net->status;
}
