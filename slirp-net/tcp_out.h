/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp_out - TCP connections that the container opens
 */
#ifndef SLIRP_NET_TCP_OUT_H
#define SLIRP_NET_TCP_OUT_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"
#include "slirp-net/frame.h"
#include "slirp-net/loop.h"

#define TCP_OUT_MAX 16384
#define TCP_OUT_BUCKETS 4096
#define TCP_OUT_FRAME_MAX 256
#define TCP_OUT_CONNECT_MS 150000
#define TCP_OUT_ADMIT_MS 10000

struct net;

/**
 * enum tcp_out_state - a connection before bytes flow
 * @TCP_OUT_CONNECTING:	the host's side has not answered; the container waits
 *			for its SYN to be answered; more SYNs are ignored
 * @TCP_OUT_ADMITTED:	the host's side stands, the SYN has been let in; the
 *			listener will accept it; more SYNs are let in as well
 */
enum tcp_out_state {
	TCP_OUT_CONNECTING,
	TCP_OUT_ADMITTED,
	TCP_OUT_STATE_MAX_,
};

/**
 * struct tcp_out - a connection before bytes flow
 * @ev:		the host's side
 * @net:	whose connection
 * @state:	see above
 * @since_ms:	when it entered that state
 * @guest:	in the container
 * @peer:	what the container connects to
 * @next:	in the bucket
 * @older, @newer: by age
 * @hdr, @len, @frame: the SYN, to be let in
 */
struct tcp_out {
	struct ev ev;
	struct net *net;
	enum tcp_out_state state;
	int64_t since_ms;
	union addr guest, peer;
	struct tcp_out *next, *older, *newer;
	struct virtio_net_hdr hdr;
	size_t len;
	uint8_t frame[TCP_OUT_FRAME_MAX];
};

/**
 * struct tcp_outs - all of those
 * @listen:	the transparent listeners, IPv4 and IPv6
 * @lo_fd:	packet socket on lo of the gateway
 * @buckets:	by both addresses
 * @oldest, @newest: by age
 * @n:		how many
 * @n_admitted:	how many of them have been let in
 * @refused:	how many were refused because the table was full
 */
struct tcp_outs {
	struct ev listen[2];
	int lo_fd;
	struct tcp_out *buckets[TCP_OUT_BUCKETS];
	struct tcp_out *oldest, *newest;
	size_t n, n_admitted;
	uint64_t refused;
};

/**
 * tcp_out_start() - accept from now on
 * @lo_fd, @listen4, @listen6: stay the caller's; @listen6 may be -1
 */
int tcp_out_start(struct net *net, int lo_fd, int listen4, int listen6);
void tcp_out_clear(struct net *net);

/**
 * tcp_out_syn() - the first packet of a connection
 */
void tcp_out_syn(struct net *net, const struct virtio_net_hdr *h, const uint8_t *data, size_t len,
		 const struct frame *f);

/**
 * tcp_out_expire() - forget what has waited too long
 */
/**
 * tcp_out_forget() - connections that a container was opening when it ended
 * @guest:	the port does not matter
 */
void tcp_out_forget(struct net *net, const union addr *guest);

void tcp_out_expire(struct net *net);

#endif
