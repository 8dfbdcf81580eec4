/* SPDX-License-Identifier: Apache-2.0
 *
 * net - the one context of slirp-net: starting, running, leaving
 */
#include "slirp-net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/lean.h"
#include "common/log.h"
#include "slirp-net/isolate.h"
#include "slirp-net/reply.h"

#define TICK_MS 1000
#define NO_FD_MS 60000
#define UDP_HEADER 8

/* #syscalls accept4 fcntl exit_group write read close wait4 rt_sigreturn */

void net_stop(struct net *net, int status)
{
	net->stop = true;
	net->status = status;
}

/*
 * The gateway's kernel answers for the addresses there; libslirp learns the
 * container's by asking. Its own answers would name another MAC address.
 */
static bool is_neighbour_question(const uint8_t *data, size_t len, const struct frame *f)
{
	if (f->eth_type == ETH_P_ARP)
		return len >= FRAME_ETH + 8 && data[FRAME_ETH + 7] == ARPOP_REQUEST;
	return f->family == AF_INET6 && f->proto == IPPROTO_ICMPV6 && f->l4_len > 0 &&
	       data[f->l4] == ND_NEIGHBOR_SOLICIT;
}

void net_no_fd(struct net *net, int error)
{
	int64_t now;

	if (error < 0)
		error = -error;
	if (error != EMFILE && error != ENFILE)
		return;
	now = loop_now_ms();
	if (!net->n_no_fd++ || now - net->no_fd_ms >= NO_FD_MS) {
		net->no_fd_ms = now;
		log_warn("no descriptors are left (ulimit -n); refusing some connections");
	}
}

int net_accept(struct net *net, int listen_fd, union addr *ret_from)
{
	socklen_t len = sizeof(*ret_from);
	int fd = accept4(listen_fd, &ret_from->sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		return fd;
	if (errno == EINTR)
		return -ECONNABORTED;
	if ((errno != EMFILE && errno != ENFILE) || net->spare_fd < 0)
		return -errno;
	net_no_fd(net, errno);
	(void)close(net->spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		pump_reset_close(fd);
	net->spare_fd = fcntl(net->loop.epfd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? -ECONNABORTED : -EAGAIN;
}

void net_denied(struct net *net, const char *proto, const union addr *guest,
		const union addr *peer)
{
	net->n_denied++;
	if (addr_eq(&net->denied, peer) && addr_same_host(&net->denied_to, guest))
		return;
	net->denied = *peer;
	net->denied_to = *guest;
	flowlog_write(net, &(struct flow){ .event = "deny", .proto = proto, .outbound = true,
					   .guest = guest, .peer = peer });
}

void net_apply_egress(struct net *net)
{
	struct pump *next;

	for (struct pump *p = net->pumps.list; p; p = next) {
		next = p->next;
		if (!p->outbound || dns_is_for_us(net, &p->peer) ||
		    egress_allows(&net->egress, IPPROTO_TCP, &p->peer))
			continue;
		net_denied(net, "tcp", &p->guest, &p->peer);
		pump_abort(p);
	}
}

void net_forget_guest(struct net *net, const union addr *guest)
{
	struct pump *next;

	fwd_forget(net, guest);
	tcp_out_forget(net, guest);
	udp_out_forget(net, guest);
	for (struct pump *p = net->pumps.list; p; p = next) {
		next = p->next;
		if (addr_same_host(&p->guest, guest))
			pump_abort(p);
	}
}

/*
 * What goes to libslirp: ICMP, and what else there is. libslirp sends
 * to any address it is given, also to the host's loopback, so it is asked
 * here. Of the gateway's own addresses it answers pings.
 */
static bool may_leave(struct net *net, const uint8_t *data, const struct frame *f)
{
	union addr guest, peer, dest;

	if (!f->family)
		return true;
	guest = frame_src(data, f);
	peer = frame_dst(data, f);
	addr_set_port(&peer, 0);
	if (f->family == AF_INET && peer.v4.sin_addr.s_addr == net->conf.addrs.host4.s_addr)
		return f->proto == IPPROTO_ICMP;
	if (f->family == AF_INET6 && (IN6_IS_ADDR_MULTICAST(&peer.v6.sin6_addr) ||
				      IN6_IS_ADDR_LINKLOCAL(&peer.v6.sin6_addr) ||
				      memcmp(&peer.v6.sin6_addr, &net->conf.addrs.net6, 8) == 0))
		return f->proto == IPPROTO_ICMPV6;
	if (hostsock_place(net, &peer, SOCK_DGRAM, &dest) < 0)
		return false;
	if (egress_allows(&net->egress, f->proto, &peer))
		return true;
	net_denied(net, f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6 ? "icmp" : "ip",
		   &guest, &peer);
	return false;
}

/*
 * TCP without the splice path: libslirp connects, but it is asked here whether
 * it may. What it resolves over TCP cannot be looked into. Only a SYN makes
 * libslirp connect.
 */
static bool may_connect(struct net *net, const uint8_t *data, size_t len, const struct frame *f)
{
	union addr guest, peer, dest;
	int r;

	if (!frame_is_syn(data, f))
		return true;
	guest = frame_src(data, f);
	peer = frame_dst(data, f);
	r = hostsock_dest(net, &peer, SOCK_STREAM, &dest);
	if (r >= 0 && net->egress.on && !egress_allows(&net->egress, IPPROTO_TCP, &peer))
		r = -EACCES;
	if (r >= 0)
		return true;
	if (r == -EACCES)
		net_denied(net, "tcp", &guest, &peer);
	reply_tcp_error(&net->link, data, len, -r);
	return false;
}

static bool is_gateway(const struct net *net, const union addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == net->conf.addrs.host4.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &net->conf.addrs.host6);
}

static bool udp_frame(struct net *net, const struct virtio_net_hdr *h, const uint8_t *data,
		      size_t len, const struct frame *f)
{
	union addr peer = frame_dst(data, f);

	if (f->l4_len < UDP_HEADER)
		return true;
	if (!net->splice && peer.sa.sa_family == AF_INET6 && !net->conf.enable_ipv6)
		return true;
	if (dns_is_for_us(net, &peer)) {
		dns_frame(net, data, f);
		return true;
	}
	if (publish_udp_has(net, data, f))
		return true;
	if (!net->splice && is_gateway(net, &peer)) {
		union addr guest = frame_src(data, f);

		/* an answer over a port that libslirp publishes */
		if (fwd_has_guest(net, PORT_UDP, &guest))
			return false;
	}
	return udp_out_frame(net, h, data, len, f);
}

static void whole_frame(struct net *net, const struct virtio_net_hdr *h, uint8_t *data, size_t len,
			const struct frame *f)
{
	if (f->family && f->proto == IPPROTO_UDP) {
		if (udp_frame(net, h, data, len, f))
			return;
	} else if (f->family && f->proto == IPPROTO_TCP) {
		if (net->splice && frame_is_syn(data, f))
			tcp_out_syn(net, h, data, len, f);
		if (net->splice || !may_connect(net, data, len, f))
			return;
	} else if (net->splice && is_neighbour_question(data, len, f)) {
		return;
	} else if (!may_leave(net, data, f)) {
		return;
	}
	/* a segmented datagram is no datagram to libslirp, and DHCP has none */
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE || f->proto == IPPROTO_TCP)
		stack_input(&net->stack, h, data, len);
}

/*
 * A part of a datagram. TCP in fragments is nothing that a kernel sends, nor
 * are fragments of fragments. Where numbers of datagrams were used again too
 * soon, the sum shows it.
 */
static void fragment_frame(struct net *net, const uint8_t *data, const struct frame *part)
{
	static const struct virtio_net_hdr none;
	auto_free uint8_t *whole = NULL;
	struct frame f;
	size_t len;

	if (reasm_add(&net->reasms, data, part, loop_now_ms(), &whole, &len) <= 0 ||
	    frame_parse(whole, len, &f) < 0 || f.fragment || f.proto == IPPROTO_TCP ||
	    (f.proto == IPPROTO_UDP && !frame_udp_csum_fits(whole, &f)))
		return;
	whole_frame(net, &none, whole, len, &f);
	/* it may wait there to be sent together with others */
	udp_out_flush(net);
}

void net_frame(struct net *net, const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	struct frame f;

	if (frame_parse(data, len, &f) < 0)
		return;
	if (f.fragment)
		fragment_frame(net, data, &f);
	else
		whole_frame(net, h, data, len, &f);
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

static int links_start(struct net *net)
{
	const int *fds = net->broker.fds;
	int r;

	r = link_start(&net->link, net, fds[GATEWAY_LINK], (unsigned int)net->conf.mtu);
	if (r < 0)
		return r;
	net->splice = net->broker.splice;
	if (!net->splice)
		return 0;
	net->fwds.ops = &publish_ops;
	pool_init(&net->pool, net->broker.pool_fd);
	r = pumps_init(&net->pumps);
	if (r < 0)
		return r;
	return tcp_out_start(net, fds[GATEWAY_LO], fds[GATEWAY_LISTEN4], fds[GATEWAY_LISTEN6]);
}

/* As many descriptors as we may have; two for each connection. */
static void raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

/* Names and rules; before the file system is left behind. */
static int policy_start(struct net *net, struct err *e)
{
	const struct conf *c = &net->conf;
	int r;

	if (c->egress.n) {
		r = egress_set(&net->egress, c->egress.v, c->egress.n, e);
		if (r < 0)
			return r;
	}
	if (!c->flow_log)
		return 0;
	r = flowlog_open(c->flow_log, e);
	if (r < 0)
		return r;
	net->flow_log = r;
	net->egress.track = true;
	return 0;
}

/* Every right, and the host's files at last; the broker sends its first resolv.conf. */
static int leave_all(struct net *net, struct err *e)
{
	int r;

	r = broker_watch(&net->broker, net);
	if (r < 0)
		return err_set(e, r, "epoll");
	r = isolate_main(&net->conf, net->broker.userns_fd, &net->iso, e);
	cleanup_closep(&net->broker.userns_fd);
	if (r >= 0)
		broker_keep(&net->broker, net->iso.mntns);
	cleanup_closep(&net->iso.mntns);
	net->iso.mntns = -1;
	return r;
}

/* All that does not need the link, done while the broker makes it; the host's
 * files are needed no more when this returns. */
static int prepare(struct net *net, struct err *e)
{
	int r = loop_init(&net->loop, (unsigned int)net->conf.busy_poll);

	if (r < 0)
		return err_set(e, r, "epoll");
	net->spare_fd = fcntl(net->loop.epfd, F_DUPFD_CLOEXEC, 0);
	r = watch_end(net, e);
	if (r < 0)
		return r;
	r = stack_start(&net->stack, net, e);
	if (r < 0)
		return r;
	r = policy_start(net, e);
	return r < 0 ? r : isolate_early(&net->conf, &net->iso, e);
}

static int start(struct net *net, struct err *e)
{
	const struct conf *c = &net->conf;
	int r;

	raise_limit();
	r = c->api_socket ? api_listen(&net->api, c->api_socket, e) : 0;
	if (r < 0)
		return r;
	r = broker_start(&net->broker, net, e);
	/* else the broker removes it, whatever fails later */
	if (r < 0 && c->api_socket)
		(void)unlink(c->api_socket);
	if (r < 0)
		return r;
	r = prepare(net, e);
	if (r < 0)
		return r;
	r = broker_wait(&net->broker, e);
	if (r < 0)
		return r;
	r = links_start(net);
	if (r < 0)
		return err_set(e, r, "%s", c->tapname);
	for (size_t i = 0; i < c->n_ports; i++) {
		r = fwd_publish(net, &c->ports[i], e);
		if (r < 0)
			return r;
	}
	r = members_start(net);
	if (r < 0)
		return err_set(e, r, "--shared");
	r = api_start(&net->api, net, e);
	return r < 0 ? r : leave_all(net, e);
}

/* Who asked may not want to know. */
static void say_path(const struct net *net)
{
	const char *name = net->splice ? "splice" : net->link.is_socket ? "packet" : "tap";

	(void)!write(net->conf.netns_sock, name, strlen(name));
	(void)close(net->conf.netns_sock);
}

static int say_ready(struct net *net, struct err *e)
{
	int r;

	if (net->conf.netns_sock >= 0)
		say_path(net);
	if (net->conf.ready_fd < 0)
		return 0;
	r = io_write_all(net->conf.ready_fd, "1", 1);
	if (r < 0)
		return err_set(e, r, "--ready-fd %d", net->conf.ready_fd);
	(void)close(net->conf.ready_fd);
	return 0;
}

/* Once a second while there is something that may grow old. */
static int tick(struct net *net, int timeout)
{
	int64_t now = loop_now_ms();

	if (!net->api.n && !net->tcp_outs.n && !net->publishes.n_dials &&
	    !net->publishes.n_flows && !net->udp_outs.n && !net->dns.n && !net->reasms.n)
		return timeout;
	if (now >= net->tick_ms) {
		net->tick_ms = now + TICK_MS;
		api_expire(&net->api, net);
		tcp_out_expire(net);
		publish_expire(net);
		udp_out_expire(net);
		dns_expire(net);
		reasm_expire(&net->reasms, now);
	}
	return timeout < 0 || timeout > TICK_MS ? TICK_MS : timeout;
}

static int run(struct net *net, struct err *e)
{
	while (!net->stop) {
		int timeout = tick(net, stack_prepare(&net->stack));
		int r = loop_wait(&net->loop, net->pumps.ready ? 0 : timeout);

		if (r < 0)
			return err_set(e, r, "epoll");
		if (net->pumps.ready)
			pumps_run(net);
		stack_run(&net->stack);
	}
	return 0;
}

int net_main(struct net *net, struct err *e)
{
	int r;

	net->broker.ev.fd = net->broker.pool_fd = net->broker.userns_fd = -1;
	net->broker.bridge_fd = net->members.ev.fd = -1;
	for (int i = 0; i < GATEWAY_FD_MAX_; i++)
		net->broker.fds[i] = -1;
	net->loop.epfd = net->api.ev.fd = net->signal_ev.fd = -1;
	net->flow_log = net->spare_fd = net->iso.mntns = -1;
	fwd_init(&net->fwds, &fwd_stack_ops);
	r = start(net, e);
	if (r >= 0)
		r = say_ready(net, e);
	if (r >= 0) {
		lean_rest();
		r = run(net, e);
	}
	if (net->stack.slirp)
		fwd_clear(net);
	publish_clear(net);
	pool_clear(&net->pool);
	dns_clear(net);
	udp_out_clear(net);
	reasm_clear(&net->reasms);
	tcp_out_clear(net);
	pumps_clear(net);
	api_clear(&net->api, net);
	members_clear(&net->members);
	stack_clear(&net->stack);
	link_clear(&net->link);
	loop_clear(&net->loop);
	egress_clear(&net->egress);
	cleanup_closep(&net->flow_log);
	cleanup_closep(&net->spare_fd);
	cleanup_closep(&net->iso.mntns);
	if (net->signal_ev.fd >= 0)
		(void)close(net->signal_ev.fd);
	/* the broker removes the API socket's file; wait for that */
	broker_clear(&net->broker);
	return r < 0 ? r : net->status;
}
