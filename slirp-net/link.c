/* SPDX-License-Identifier: Apache-2.0
 *
 * link - frames from and to the container
 */
#include "slirp-net/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log.h"
#include "slirp-net/frame.h"
#include "slirp-net/net.h"

/* #syscalls readv writev recvmmsg getsockopt */

/*
 * A tap device hands over one frame a call, a packet socket many.
 * Return: how many, -errno
 */
static int link_receive(struct link *l)
{
	int n = 0;

	for (int i = 0; i < LINK_BATCH; i++) {
		l->iov[i][0] = (struct iovec){ &l->hdr[i], sizeof(l->hdr[i]) };
		l->iov[i][1] = (struct iovec){ l->buf + (size_t)i * FRAME_MAX, FRAME_MAX };
		l->msg[i].msg_hdr = (struct msghdr){ .msg_iov = l->iov[i], .msg_iovlen = 2 };
	}
	if (l->is_socket) {
		n = recvmmsg(l->ev.fd, l->msg, LINK_BATCH, MSG_DONTWAIT, NULL);
		return n < 0 ? -errno : n;
	}
	while (n < LINK_BATCH) {
		ssize_t size = readv(l->ev.fd, l->iov[n], 2);

		if (size < 0)
			return n ? n : -errno;
		l->msg[n++].msg_len = (unsigned int)size;
	}
	return n;
}

static void link_read(struct ev *ev, uint32_t events)
{
	struct link *l = ev->owner;
	int n = link_receive(l);

	(void)events;
	if (n == -EAGAIN || n == -EINTR || n == -ENETDOWN)
		return;
	if (n < 0) {
		log_error("the container's interface is gone");
		net_stop(l->net, 1);
		return;
	}
	for (int i = 0; i < n; i++) {
		size_t size = l->msg[i].msg_len;

		if (size <= sizeof(l->hdr[i]))
			continue;
		l->rx_frames++;
		net_frame(l->net, &l->hdr[i], l->iov[i][1].iov_base, size - sizeof(l->hdr[i]));
	}
	udp_out_flush(l->net);
}

int link_start(struct link *l, struct net *net, int fd, unsigned int mtu)
{
	int type;
	socklen_t len = sizeof(type);

	l->net = net;
	l->mtu = mtu;
	l->ev = (struct ev){ .fd = fd, .fn = link_read, .owner = l };
	l->is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	l->can_segment = l->is_socket;
	/* only what is touched takes memory: mostly the first page of each */
	l->buf = malloc((size_t)LINK_BATCH * FRAME_MAX);
	if (!l->buf)
		return -ENOMEM;
	return loop_set(&net->loop, &l->ev, EPOLLIN);
}

void link_clear(struct link *l)
{
	free(l->buf);
	l->buf = NULL;
}

bool link_send_parts(struct link *l, const struct virtio_net_hdr *h, const void *head, size_t len,
		     const struct iovec *body, unsigned int n)
{
	union {
		const void *in;
		void *out;
	} hdr = { .in = h }, first = { .in = head };
	struct iovec iov[2 + LINK_BATCH] = { { hdr.out, sizeof(*h) }, { first.out, len } };

	memcpy(iov + 2, body, n * sizeof(*body));
	if (writev(l->ev.fd, iov, (int)(2 + n)) >= 0) {
		l->tx_frames++;
		return true;
	}
	if (errno == EINVAL || errno == EOPNOTSUPP)
		l->can_segment = false;
	/* the link cannot have it whole just now (XDP at its far end), or is full */
	if (!l->can_segment || errno == ENOBUFS)
		return false;
	l->tx_drops++;
	return true;
}

void link_send(struct link *l, const struct virtio_net_hdr *h, const void *frame, size_t len)
{
	/* writev() reads only; its type cannot say so */
	union {
		const void *in;
		void *out;
	} hdr = { .in = h }, body = { .in = frame };
	struct iovec iov[2] = { { hdr.out, sizeof(*h) }, { body.out, len } };

	if (writev(l->ev.fd, iov, 2) < 0)
		l->tx_drops++;
	else
		l->tx_frames++;
}
