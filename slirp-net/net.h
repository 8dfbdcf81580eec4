/* SPDX-License-Identifier: Apache-2.0
 *
 * net - the one context of slirp-net
 */
#ifndef SLIRP_NET_NET_H
#define SLIRP_NET_NET_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/api.h"
#include "slirp-net/broker.h"
#include "slirp-net/conf.h"
#include "slirp-net/dns.h"
#include "slirp-net/egress.h"
#include "slirp-net/flowlog.h"
#include "slirp-net/fwd.h"
#include "slirp-net/hostsock.h"
#include "slirp-net/isolate.h"
#include "slirp-net/link.h"
#include "slirp-net/loop.h"
#include "slirp-net/member.h"
#include "slirp-net/pool.h"
#include "slirp-net/publish.h"
#include "slirp-net/pump.h"
#include "slirp-net/reasm.h"
#include "slirp-net/stack.h"
#include "slirp-net/tcp_out.h"
#include "slirp-net/udp_out.h"
#include "slirp-net/udpsend.h"

/**
 * struct net - everything
 * @conf:	what was asked for
 * @loop:	what is waited for
 * @broker:	the process in the container's namespaces
 * @link:	frames from and to the container
 * @stack:	libslirp
 * @splice:	TCP goes through sockets in a gateway namespace
 * @tcp_outs:	connections the container is opening
 * @pumps:	connections whose bytes we carry
 * @udp_outs:	ports the container sends datagrams from
 * @udp_room:	where datagrams from the host lie for a moment
 * @reasms:	datagrams of which the container has sent a part
 * @dns:	the resolver
 * @egress:	where the container may connect to
 * @flow_log:	descriptor of --flow-log, or -1
 * @denied, @denied_to: what was forbidden last, and whom, so that it is logged
 *		once
 * @n_denied:	how often something was forbidden
 * @pool:	sockets in the gateway namespace
 * @publishes:	what runs over published ports
 * @fwds:	published ports
 * @members:	containers, with --shared
 * @api:	control socket
 * @spare_fd:	a descriptor to give up when there are no others
 * @n_no_fd:	how often there was none for a new flow
 * @no_fd_ms:	when that was said last
 * @exit_ev:	--exit-fd
 * @signal_ev:	SIGTERM and SIGINT
 * @iso:	what is left behind
 * @tick_ms:	when old things are looked for next
 * @stop:	leave the loop
 * @status:	exit status then
 */
struct net {
	struct conf conf;
	struct loop loop;
	struct broker broker;
	struct link link;
	struct stack stack;
	bool splice;
	struct tcp_outs tcp_outs;
	struct pumps pumps;
	struct udp_outs udp_outs;
	struct udp_room udp_room;
	struct reasms reasms;
	struct dns dns;
	struct egress egress;
	int flow_log;
	union addr denied, denied_to;
	uint64_t n_denied;
	struct pool pool;
	struct publishes publishes;
	struct fwd_table fwds;
	struct members members;
	struct api api;
	int spare_fd;
	uint64_t n_no_fd;
	int64_t no_fd_ms;
	struct ev exit_ev, signal_ev;
	struct isolation iso;
	int64_t tick_ms;
	bool stop;
	int status;
};

/**
 * net_main() - start, run until something ends it, release everything
 * @net:	zeroed but for @conf
 * Return: exit status, or -errno with the reason in @e
 */
int net_main(struct net *net, struct err *e);

/**
 * net_frame() - a frame from the container
 * @data:	may be changed in place
 */
void net_frame(struct net *net, const struct virtio_net_hdr *h, uint8_t *data, size_t len);

/**
 * net_denied() - something was forbidden: count it, and log it unless it is
 * the same again
 */
void net_denied(struct net *net, const char *proto, const union addr *guest,
		const union addr *peer);

/**
 * net_apply_egress() - the rules have changed: cut what they forbid now
 */
void net_apply_egress(struct net *net);

/**
 * net_forget_guest() - a container has left: its connections and published
 * ports, as its address may be another's soon
 * @guest:	the port does not matter
 */
void net_forget_guest(struct net *net, const union addr *guest);

/**
 * net_no_fd() - if that is what @error says, count it, and say so once in a while
 * @error:	errno or -errno
 */
void net_no_fd(struct net *net, int error);

/**
 * net_accept() - accept4(), non-blocking; where no descriptor is left, the
 * connection is accepted and reset, so that it does not wait for ever
 * Return: descriptor; -ECONNABORTED for one that was lost; -EAGAIN; -errno
 */
int net_accept(struct net *net, int listen_fd, union addr *ret_from);

/**
 * net_stop() - leave after this turn
 */
void net_stop(struct net *net, int status);

#endif
