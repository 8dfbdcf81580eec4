/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - sockets of the gateway namespace, made by the broker
 *
 * How it works: a request is one byte, the kind; the answer is one message
 * with up to POOL_BATCH descriptors, or an error number and none. slirp-net
 * waits for it: the broker does nothing else.
 */
#include "slirp-net/pool.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* #syscalls recvmsg sendto close */

static const struct {
	int family, type;
} kinds[POOL_KIND_MAX_] = {
	[POOL_TCP4] = { AF_INET, SOCK_STREAM },
	[POOL_TCP6] = { AF_INET6, SOCK_STREAM },
	[POOL_UDP4] = { AF_INET, SOCK_DGRAM },
	[POOL_UDP6] = { AF_INET6, SOCK_DGRAM },
};

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int) * POOL_BATCH)];
};

void pool_init(struct pool *p, int sock)
{
	memset(p, 0, sizeof(*p));
	p->sock = sock;
}

void pool_clear(struct pool *p)
{
	for (int k = 0; k < POOL_KIND_MAX_; k++) {
		while (p->n[k] > 0)
			(void)close(p->fds[k][--p->n[k]]);
	}
}

static int refill(struct pool *p, enum pool_kind kind)
{
	char ask = (char)kind;
	int error = 0;
	union control control;
	struct iovec iov = { &error, sizeof(error) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c;
	ssize_t n;

	if (send(p->sock, &ask, 1, MSG_NOSIGNAL) != 1)
		return -errno;
	do
		n = recvmsg(p->sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != sizeof(error))
		return -ECONNRESET;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return error ? -error : -EMFILE;
	p->n[kind] = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(p->fds[kind], CMSG_DATA(c), (size_t)p->n[kind] * sizeof(int));
	return p->n[kind] ? 0 : -EMFILE;
}

int pool_get(struct pool *p, enum pool_kind kind)
{
	if (!p->n[kind]) {
		int r = refill(p, kind);

		if (r < 0)
			return r;
	}
	return p->fds[kind][--p->n[kind]];
}

static int make_one(enum pool_kind kind)
{
	int fd = socket(kinds[kind].family, kinds[kind].type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, r;

	if (fd < 0)
		return -errno;
	if (kinds[kind].family == AF_INET)
		r = setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on));
	else
		r = setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
	if (r < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (kinds[kind].family == AF_INET6)
		(void)setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (kinds[kind].type == SOCK_STREAM) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return fd;
}

int pool_serve(int sock)
{
	int fds[POOL_BATCH], n_fds = 0, error = 0;
	union control control;
	struct iovec iov = { &error, sizeof(error) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	unsigned char kind;
	ssize_t n = recv(sock, &kind, 1, 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n != 1 || kind >= POOL_KIND_MAX_)
		return -ECONNRESET;
	while (n_fds < POOL_BATCH) {
		int fd = make_one(kind);

		if (fd < 0) {
			error = -fd;
			break;
		}
		fds[n_fds++] = fd;
	}
	if (n_fds) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n_fds);
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
	}
	n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	error = n < 0 ? -errno : 0;
	while (n_fds > 0)
		(void)close(fds[--n_fds]);
	return error;
}
