/* SPDX-License-Identifier: Apache-2.0
 *
 * sync - what the runtime and the container's first process tell each other
 */
#include "runner/oci/sync.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/cleanup.h"
#include "common/err.h"

struct message {
	uint32_t type;
	struct err err;
};

static const char *const names[] = {
	[SYNC_NONE] = "nothing",     [SYNC_MAPPED] = "mapped", [SYNC_MOUNTED] = "mounted",
	[SYNC_HOOKED] = "hooked",    [SYNC_READY] = "ready",   [SYNC_START] = "start",
	[SYNC_ERROR] = "error",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == SYNC_TYPE_MAX_, "a name for every message");

int sync_pair(int ret[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return err_set(e, -errno, "socketpair");
	return 0;
}

static int send_message(int sock, const struct message *m, size_t len, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	/* the kernel only reads what iov points at */
	struct iovec iov = { (void *)(uintptr_t)m, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		h.msg_control = control.space;
		h.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	for (;;) {
		if (sendmsg(sock, &h, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int sync_send(int sock, enum sync_type type, int fd)
{
	struct message m = { .type = type };

	return send_message(sock, &m, sizeof(m.type), fd);
}

void sync_send_error(int sock, const struct err *why)
{
	struct message m = { .type = SYNC_ERROR, .err = *why };

	(void)send_message(sock, &m, sizeof(m), -1);
}

/* One message; a descriptor that came along goes to *ret_fd. Length, or -errno. */
static ssize_t receive(int sock, struct message *m, int *ret_fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h;
	ssize_t n;

	do {
		h = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
				     .msg_controllen = sizeof(control.space) };
		n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return n;
}

static int reported(const struct message *m, size_t len, struct err *e)
{
	if (len != sizeof(*m) || m->err.code >= 0)
		return err_msg(e, -EPROTO, "malformed error from the container's process");
	if (e) {
		*e = m->err;
		e->msg[sizeof(e->msg) - 1] = '\0';
	}
	return m->err.code;
}

int sync_expect(int sock, enum sync_type type, int *ret_fd, struct err *e)
{
	struct message m = { 0 };
	auto_close int fd = -1;
	ssize_t n = receive(sock, &m, &fd);

	if (n < 0)
		return err_set(e, (int)n, "receive from the other side");
	if (n == 0)
		return err_msg(e, -EPIPE, "the other side is gone, expected it to say '%s'", names[type]);
	if (m.type == SYNC_ERROR)
		return reported(&m, (size_t)n, e);
	if ((size_t)n != sizeof(m.type) || m.type != type || (fd >= 0 && !ret_fd))
		return err_msg(e, -EPROTO, "expected the other side to say '%s', got message %u",
			       names[type], m.type);
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}

int sync_wait_exec(int sock, struct err *e)
{
	struct message m = { 0 };
	auto_close int fd = -1;
	ssize_t n = receive(sock, &m, &fd);

	/* a reset is how a killed peer with unread data looks like */
	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return err_set(e, (int)n, "receive from the container's process");
	if (m.type != SYNC_ERROR)
		return err_msg(e, -EPROTO, "unexpected message %u instead of an exec", m.type);
	return reported(&m, (size_t)n, e);
}
