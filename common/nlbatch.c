/* SPDX-License-Identifier: Apache-2.0
 *
 * nlbatch - netlink messages, sent and answered together
 */
#include "common/nlbatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"

#define ANSWER_S 10

void nlbatch_init(struct nlbatch *b)
{
	b->n = 0;
	b->len = b->at = 0;
	b->full = false;
}

/* Room for len bytes, padded; the header of the last message grows. */
static uint8_t *grow(struct nlbatch *b, size_t len)
{
	size_t padded = NLMSG_ALIGN(len);
	uint8_t *p = b->buf + b->len;
	struct nlmsghdr h;

	if (b->full || padded > sizeof(b->buf) - b->len) {
		b->full = true;
		return NULL;
	}
	memset(p, 0, padded);
	b->len += padded;
	if (b->n) {
		memcpy(&h, b->buf + b->at, sizeof(h));
		h.nlmsg_len = (uint32_t)(b->len - b->at);
		memcpy(b->buf + b->at, &h, sizeof(h));
	}
	return p;
}

void nlbatch_add(struct nlbatch *b, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	size_t at = b->len;
	struct nlmsghdr h = { .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type,
			      .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = b->n + 1 };
	uint8_t *p;

	if (b->n >= NLBATCH_MAX) {
		b->full = true;
		return;
	}
	p = grow(b, NLMSG_LENGTH(size));
	if (!p)
		return;
	/* grow() lengthened the message before; give that back */
	if (b->n) {
		struct nlmsghdr before;

		memcpy(&before, b->buf + b->at, sizeof(before));
		before.nlmsg_len = (uint32_t)(at - b->at);
		memcpy(b->buf + b->at, &before, sizeof(before));
	}
	memcpy(p, &h, sizeof(h));
	memcpy(p + NLMSG_HDRLEN, head, size);
	b->at = at;
	b->n++;
}

void nlbatch_put(struct nlbatch *b, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	uint8_t *p = grow(b, NLA_HDRLEN + len);

	if (!p)
		return;
	memcpy(p, &a, sizeof(a));
	if (len)
		memcpy(p + NLA_HDRLEN, data, len);
}

void nlbatch_put_raw(struct nlbatch *b, const void *data, size_t len)
{
	uint8_t *p = grow(b, len);

	if (p)
		memcpy(p, data, len);
}

void nlbatch_put_u32(struct nlbatch *b, uint16_t type, uint32_t v)
{
	nlbatch_put(b, type, &v, sizeof(v));
}

void nlbatch_put_be32(struct nlbatch *b, uint16_t type, uint32_t v)
{
	nlbatch_put_u32(b, type, htonl(v));
}

void nlbatch_put_str(struct nlbatch *b, uint16_t type, const char *s)
{
	nlbatch_put(b, type, s, strlen(s) + 1);
}

size_t nlbatch_nest(struct nlbatch *b, uint16_t type)
{
	size_t at = b->len;

	nlbatch_put(b, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	return at;
}

void nlbatch_nest_end(struct nlbatch *b, size_t nest)
{
	struct nlattr a;

	if (b->full)
		return;
	memcpy(&a, b->buf + nest, sizeof(a));
	a.nla_len = (uint16_t)(b->len - nest);
	memcpy(b->buf + nest, &a, sizeof(a));
}

int nlbatch_open(int protocol)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct timeval limit = { .tv_sec = ANSWER_S };
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int on = 1;

	if (fd < 0)
		return -errno;
	/* errors come back without the message they are about */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	return take_fd(&fd);
}

static unsigned int n_asked(const struct nlbatch *b)
{
	unsigned int n = 0;
	struct nlmsghdr h;

	for (size_t at = 0; at < b->len; at += NLMSG_ALIGN(h.nlmsg_len)) {
		memcpy(&h, b->buf + at, sizeof(h));
		n += h.nlmsg_flags & NLM_F_ACK ? 1 : 0;
	}
	return n;
}

/*
 * Answers in one datagram. An error is final: behind a failed batch of
 * nftables not every message is answered.
 */
static int read_answers(const uint8_t *buf, size_t len, unsigned int *left, unsigned int *failed)
{
	while (len >= NLMSG_HDRLEN) {
		struct nlmsghdr h;
		struct nlmsgerr error;
		size_t size;

		memcpy(&h, buf, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > len)
			return -EBADMSG;
		if (h.nlmsg_type == NLMSG_ERROR && h.nlmsg_len >= NLMSG_LENGTH(sizeof(error))) {
			memcpy(&error, buf + NLMSG_HDRLEN, sizeof(error));
			if (error.error) {
				*failed = h.nlmsg_seq;
				return error.error;
			}
			*left -= *left ? 1 : 0;
		}
		size = NLMSG_ALIGN(h.nlmsg_len);
		if (size >= len)
			return 0;
		buf += size;
		len -= size;
	}
	return 0;
}

int nlbatch_run(struct nlbatch *b, int sock, unsigned int *ret_failed)
{
	unsigned int left = n_asked(b);
	_Alignas(struct nlmsghdr) uint8_t buf[4096];

	*ret_failed = 0;
	if (b->full)
		return -EMSGSIZE;
	if (send(sock, b->buf, b->len, 0) != (ssize_t)b->len)
		return errno ? -errno : -EIO;
	while (left) {
		ssize_t n = recv(sock, buf, sizeof(buf), 0);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return -EBADMSG;
		r = read_answers(buf, (size_t)n, &left, ret_failed);
		if (r < 0)
			return r;
	}
	return 0;
}
