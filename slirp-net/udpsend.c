/* SPDX-License-Identifier: Apache-2.0
 *
 * udpsend - datagrams in as few calls as possible
 *
 * How it works: equal datagrams in a row go through the kernel's layers once,
 * as one that is to be segmented (UDP_SEGMENT); the others share a sendmmsg().
 */
#include "slirp-net/udpsend.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

/* #syscalls sendmsg sendmmsg */

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
/* what fits an ordinary path; the kernel segments, but never fragments */
#define SEGMENT_MAX 1452
#define SEGMENTS_MAX 64
#define RUN_BYTES_MAX 65000

static bool same_place(const struct msghdr *a, const struct msghdr *b)
{
	return a->msg_namelen == b->msg_namelen && !a->msg_controllen && !b->msg_controllen &&
	       (!a->msg_namelen || memcmp(a->msg_name, b->msg_name, a->msg_namelen) == 0);
}

unsigned int udpsend_run(const struct mmsghdr *msg, unsigned int n)
{
	const struct msghdr *first = &msg[0].msg_hdr;
	size_t size = first->msg_iov->iov_len, total = size;
	unsigned int run = 1;

	if (!size || size > SEGMENT_MAX)
		return 1;
	while (run < n && run < SEGMENTS_MAX && same_place(first, &msg[run].msg_hdr)) {
		size_t len = msg[run].msg_hdr.msg_iov->iov_len;

		if (!len || len > size || total + len > RUN_BYTES_MAX)
			break;
		total += len;
		run++;
		if (len < size)
			break;
	}
	return run;
}

static ssize_t send_run(int fd, const struct mmsghdr *msg, unsigned int run)
{
	uint16_t size = (uint16_t)msg[0].msg_hdr.msg_iov->iov_len;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(size))] = { 0 };
	struct msghdr m = msg[0].msg_hdr;
	struct cmsghdr *c;

	m.msg_iovlen = run;
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool is_refusal(int error)
{
	return error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP ||
	       error == ENOPROTOOPT;
}

int udpsend(int fd, struct mmsghdr *msg, unsigned int n, bool *no_gso)
{
	unsigned int run = *no_gso ? 1 : udpsend_run(msg, n), singles = 1;
	int r;

	if (run > 1) {
		if (send_run(fd, msg, run) >= 0 || errno == EAGAIN)
			return (int)run;
		if (!is_refusal(errno))
			return -errno;
		*no_gso = true;
	}
	while (singles < n && (*no_gso || udpsend_run(msg + singles, n - singles) == 1))
		singles++;
	r = sendmmsg(fd, msg, singles, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r > 0)
		return r;
	return errno == EAGAIN ? (int)singles : -errno;
}
