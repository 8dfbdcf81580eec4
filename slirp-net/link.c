/* SPDX-License-Identifier: Apache-2.0
 *
 * link - frames from and to the container
 */
#include "slirp-net/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log.h"
#include "slirp-net/frame.h"
#include "slirp-net/net.h"

/* #syscalls readv writev */

static void link_read(struct ev *ev, uint32_t events)
{
	struct link *l = ev->owner;

	(void)events;
	for (int i = 0; i < LINK_BATCH; i++) {
		struct virtio_net_hdr h;
		struct iovec iov[2] = { { &h, sizeof(h) }, { l->buf, FRAME_MAX } };
		ssize_t n = readv(ev->fd, iov, 2);

		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENETDOWN))
			return;
		if (n < 0) {
			log_error("the container's interface is gone");
			net_stop(l->net, 1);
			return;
		}
		if ((size_t)n <= sizeof(h))
			continue;
		l->rx_frames++;
		net_frame(l->net, &h, l->buf, (size_t)n - sizeof(h));
	}
}

int link_start(struct link *l, struct net *net, int fd, unsigned int mtu)
{
	l->net = net;
	l->mtu = mtu;
	l->ev = (struct ev){ .fd = fd, .fn = link_read, .owner = l };
	l->buf = malloc(FRAME_MAX);
	if (!l->buf)
		return -ENOMEM;
	return loop_set(&net->loop, &l->ev, EPOLLIN);
}

void link_clear(struct link *l)
{
	free(l->buf);
	l->buf = NULL;
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
