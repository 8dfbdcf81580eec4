/* SPDX-License-Identifier: Apache-2.0
 *
 * gateway - a network namespace between the container and slirp-net
 *
 * How it works: the container's interface is one end of a veth pair whose
 * other end is here, where the container cannot see or change anything. A
 * packet socket on it carries everything but TCP, and each TCP connection's
 * first packet. slirp-net decides about that SYN: refused, it answers in the
 * destination's name; admitted, it writes the SYN to lo, where the rules
 * (rules.c) hand it to a transparent listener. From then on this namespace's
 * kernel speaks TCP with the container, in the destination's name, and
 * slirp-net moves the bytes.
 *
 * Nothing is ever forwarded here: what slirp-net does not carry, ends. With
 * --shared that other end is a bridge, and each container has a port of it
 * (bridge.c); what they say to each other never comes here.
 */
#include "slirp-net/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/log.h"
#include "slirp-net/bridge.h"
#include "slirp-net/conf.h"
#include "slirp-net/frame.h"
#include "slirp-net/nlcfg.h"
#include "slirp-net/rules.h"

#define LINK_NAME "gw0"
#define LINK_INDEX GATEWAY_INDEX
#define LISTEN_PORT 9
#define MARK 1
#define TABLE 100
#define BACKLOG 4096
#define CONGESTION "/proc/sys/net/ipv4/tcp_congestion_control"
#define PACKET_BUFFER (4 << 20)

/* What libslirp calls itself in IPv6, so that its announcements fit. */
static const uint8_t gateway_mac[6] = { 0x52, 0x56, 0, 0, 0, 2 };

/*
 * Frames for slirp-net: all but TCP, and TCP with SYN of FIN, SYN, RST, ACK.
 * TCP behind IPv6 extension headers comes too; slirp-net looks again.
 */
static const struct sock_filter not_tcp_or_syn[] = {
	/*  0 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	/*  1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 7),
	/*  2 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 9),
	/*  3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 11),
	/*  4 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 6),
	/*  5 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 10, 0),
	/*  6 */ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
	/*  7 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, 14 + 13),
	/*  8 */ BPF_STMT(BPF_JMP | BPF_JA, 4),
	/*  9 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 5),
	/* 10 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
	/* 11 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
	/* 12 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 40 + 13),
	/* 13 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_FIN | TH_SYN | TH_RST | TH_ACK),
	/* 14 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
	/* 15 */ BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	/* 16 */ BPF_STMT(BPF_RET | BPF_K, 0),
};

static int packet_socket(const char *link, int ifindex, const struct sock_filter *filter,
			 size_t filter_len, struct err *e)
{
	auto_close int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_ifindex = ifindex };
	union {
		const struct sock_filter *in;
		struct sock_filter *out;
	} code = { .in = filter };
	struct sock_fprog prog = { .len = (unsigned short)filter_len, .filter = code.out };
	int on = 1, size = PACKET_BUFFER;

	if (fd < 0)
		return err_set(e, -errno, "packet socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		return err_set(e, -errno, "packet socket on %s", link);
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (filter &&
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return err_set(e, -errno, "packet socket on %s: filter", link);
	/* without a protocol it only sends */
	sll.sll_protocol = strcmp(link, "lo") != 0 ? htons(ETH_P_ALL) : 0;
	if (bind(fd, (const struct sockaddr *)&sll, sizeof(sll)) < 0)
		return err_set(e, -errno, "packet socket on %s", link);
	return take_fd(&fd);
}

static int listener(int family, struct err *e)
{
	auto_close int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(LISTEN_PORT) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(LISTEN_PORT) };
	int on = 1, r;

	if (fd < 0)
		return err_set(e, -errno, "listener");
	/* accepted sockets inherit these */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (family == AF_INET) {
		r = setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on));
		if (!r)
			r = bind(fd, (const struct sockaddr *)&a4, sizeof(a4));
	} else {
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		r = setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
		if (!r)
			r = bind(fd, (const struct sockaddr *)&a6, sizeof(a6));
	}
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return err_set(e, -errno, "transparent listener");
	return take_fd(&fd);
}

/* A missing knob is the default of another kernel, no reason to give up. */
static void knob(const char *name, const char *value)
{
	char path[128];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	r = io_write_file_at(AT_FDCWD, path, value);
	if (r < 0)
		log_debug("%s: %s", path, strerror(-r));
}

/*
 * A host whose default is BBR paces what it sends by timers, which on a link
 * inside one kernel is only delay.
 */
void gateway_fast_tcp(void)
{
	int r = io_write_file_at(AT_FDCWD, CONGESTION, "cubic");

	if (r < 0)
		(void)io_write_file_at(AT_FDCWD, CONGESTION, "reno");
}

static void knobs(const struct conf *c)
{
	knob("ipv4/conf/all/rp_filter", "0");
	knob("ipv4/conf/default/rp_filter", "0");
	knob("ipv4/conf/default/accept_local", "1");
	/* every address is local here by the routes, but a neighbour's is not ours */
	if (c->shared)
		knob("ipv4/conf/default/arp_ignore", "1");
	knob("ipv4/ip_unprivileged_port_start", "0");
	knob("ipv4/ip_local_port_range", "1024 65535");
	knob("ipv4/tcp_no_metrics_save", "1");
	gateway_fast_tcp();
	knob("ipv6/conf/default/accept_ra", "0");
	knob("ipv6/conf/default/accept_dad", "0");
}

static void gateway_addrs(struct nlcfg *nl, const struct conf *c)
{
	static const struct in6_addr link_local = { { { 0xfe, 0x80, [15] = 2 } } };
	const struct addrs *a = &c->addrs;

	nlcfg_addr(nl, LINK_INDEX, AF_INET, &a->host4, a->prefix4);
	nlcfg_addr(nl, LINK_INDEX, AF_INET, &a->dns4, 32);
	if (!c->enable_ipv6)
		return;
	nlcfg_addr(nl, LINK_INDEX, AF_INET6, &a->host6, 64);
	nlcfg_addr(nl, LINK_INDEX, AF_INET6, &a->dns6, 128);
	nlcfg_addr(nl, LINK_INDEX, AF_INET6, &link_local, 64);
}

/* What comes from the container, and what is admitted, is for local sockets. */
static void routes(struct nlcfg *nl, int family)
{
	nlcfg_local_route(nl, family, TABLE);
	nlcfg_rule(nl, family, LINK_NAME, 0, TABLE);
	nlcfg_rule(nl, family, NULL, MARK, TABLE);
}

static int splice_sockets(const struct conf *c, int *fds, struct err *e)
{
	fds[GATEWAY_LO] = packet_socket("lo", NLCFG_LO, NULL, 0, e);
	if (fds[GATEWAY_LO] < 0)
		return fds[GATEWAY_LO];
	fds[GATEWAY_LISTEN4] = listener(AF_INET, e);
	if (fds[GATEWAY_LISTEN4] < 0)
		return fds[GATEWAY_LISTEN4];
	if (c->enable_ipv6) {
		fds[GATEWAY_LISTEN6] = listener(AF_INET6, e);
		if (fds[GATEWAY_LISTEN6] < 0)
			return fds[GATEWAY_LISTEN6];
	}
	return 0;
}

/* The container's link, or the bridge that is to have all of them. */
static void near_end(struct nlcfg *nl, const struct conf *c, int netns)
{
	const struct nlcfg_veth veth = { .ifindex = LINK_INDEX, .name = LINK_NAME,
					 .mac = gateway_mac, .peer = c->tapname,
					 .peer_mac = c->has_mac ? c->mac : NULL,
					 .peer_netns = netns, .mtu = (unsigned int)c->mtu };

	if (c->shared)
		nlcfg_bridge(nl, LINK_INDEX, LINK_NAME, gateway_mac, veth.mtu);
	else
		nlcfg_veth(nl, &veth);
}

static int links(const struct conf *c, int netns, bool splice, int *fds, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	size_t n_filter = sizeof(not_tcp_or_syn) / sizeof(not_tcp_or_syn[0]);
	int r = nlcfg_open(&nl, e);

	if (r < 0)
		return r;
	near_end(&nl, c, netns);
	if (splice)
		gateway_addrs(&nl, c);
	nlcfg_up(&nl, LINK_INDEX, 0, NULL);
	r = nlcfg_run(&nl, e);
	if (r < 0)
		return err_wrap(e, "%s", c->tapname);
	if (c->shared) {
		const struct bridge_port first = bridge_first(c);

		r = bridge_join(c, LINK_INDEX, &first, netns, e);
		if (r < 0)
			return r;
	}
	fds[GATEWAY_LINK] = packet_socket(LINK_NAME, LINK_INDEX, splice ? not_tcp_or_syn : NULL,
					  splice ? n_filter : 0, e);
	return fds[GATEWAY_LINK] < 0 ? fds[GATEWAY_LINK] : 0;
}

void gateway_close(const struct conf *c)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };

	if (c->shared) {
		const struct bridge_port first = bridge_first(c);

		bridge_leave(LINK_INDEX, &first);
	}
	if (nlcfg_open(&nl, NULL) < 0)
		return;
	nlcfg_delete(&nl, LINK_NAME);
	(void)nlcfg_run(&nl, NULL);
}

/* All of it that needs no container. */
static int make_namespace(const struct conf *conf, bool splice, int *fds, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg nl = { .fd = -1 };
	int r;

	if (unshare(CLONE_NEWNET) < 0)
		return err_set(e, -errno, "make the gateway namespace");
	knobs(conf);
	r = splice ? rules_load(LINK_NAME, LISTEN_PORT, e) : 0;
	if (r >= 0)
		r = nlcfg_open(&nl, e);
	if (r < 0)
		return r;
	nlcfg_up(&nl, NLCFG_LO, 0, NULL);
	if (splice) {
		routes(&nl, AF_INET);
		if (conf->enable_ipv6)
			routes(&nl, AF_INET6);
	}
	r = nlcfg_run(&nl, e);
	if (r < 0)
		return err_wrap(e, "the gateway namespace");
	return splice ? splice_sockets(conf, fds, e) : 0;
}

void gateway_abandon(struct gateway_begun *b)
{
	cleanup_closep(&b->netns);
	for (int i = 0; i < GATEWAY_FD_MAX_; i++)
		cleanup_closep(&b->fds[i]);
	*b = GATEWAY_BEGUN_NONE;
}

void gateway_begin(const struct conf *conf, struct gateway_begun *ret)
{
	*ret = GATEWAY_BEGUN_NONE;
	if (make_namespace(conf, /* splice */ true, ret->fds, NULL) >= 0)
		ret->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ret->netns < 0)
		gateway_abandon(ret);
}

static int go_on(struct gateway_begun *b, int *fds, struct err *e)
{
	if (setns(b->netns, CLONE_NEWNET) < 0)
		return err_set(e, -errno, "the gateway namespace");
	for (int i = 0; i < GATEWAY_FD_MAX_; i++)
		fds[i] = take_fd(&b->fds[i]);
	gateway_abandon(b);
	return 0;
}

int gateway_open(const struct conf *conf, int netns, bool splice, struct gateway_begun *begun,
		 int *ret_fds, struct err *e)
{
	int fds[GATEWAY_FD_MAX_] = { -1, -1, -1, -1 };
	int r;

	if (begun && begun->netns >= 0)
		r = go_on(begun, fds, e);
	else
		r = make_namespace(conf, splice, fds, e);
	if (r >= 0) {
		r = links(conf, netns, splice, fds, e);
		/* the far end may be there already, and its name is needed */
		if (r < 0)
			gateway_close(conf);
	}
	if (r < 0) {
		for (int i = 0; i < GATEWAY_FD_MAX_; i++)
			cleanup_closep(&fds[i]);
		return r;
	}
	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

bool gateway_frame(uint8_t *data, size_t len)
{
	struct frame f;

	if (frame_parse(data, len, &f) < 0)
		return false;
	memcpy(data + 6, gateway_mac, 6);
	if (f.eth_type == ETH_P_ARP && len >= FRAME_ETH + 14) {
		if (data[FRAME_ETH + 7] != ARPOP_REQUEST)
			return false;
		memcpy(data + FRAME_ETH + 8, gateway_mac, 6);
	}
	return !(f.family == AF_INET6 && f.proto == IPPROTO_ICMPV6 && f.l4_len > 0 &&
		 data[f.l4] == ND_NEIGHBOR_ADVERT);
}
