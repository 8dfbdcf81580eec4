/* SPDX-License-Identifier: Apache-2.0
 *
 * ctl - messages between a command and a monitor
 */
#include "runner/engine/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"

int ctl_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

/* Through the folder's descriptor: paths of state folders do not always fit
 * into sun_path. */
static int address(int dir_fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return str_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/ctl", dir_fd);
}

int ctl_listen(int dir_fd)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;

	if (fd < 0)
		return -errno;
	(void)address(dir_fd, &addr);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno != EADDRINUSE || unlinkat(dir_fd, "ctl", 0) < 0 ||
		    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
			return -errno;
	}
	if (listen(fd, 16) < 0)
		return -errno;
	return take_fd(&fd);
}

int ctl_connect(const char *dir)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	auto_close int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un addr;

	if (fd < 0 || dir_fd < 0)
		return -errno;
	(void)address(dir_fd, &addr);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return take_fd(&fd);
}

int ctl_send(int fd, enum ctl_type type, const void *data, size_t len)
{
	unsigned char t = (unsigned char)type;
	struct iovec iov[2] = { { .iov_base = &t, .iov_len = 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };

	if (len) {
		iov[1].iov_base = (void *)(size_t)(const char *)data;
		iov[1].iov_len = len;
		msg.msg_iovlen = 2;
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int ctl_recv(int fd, struct ctl_msg *msg, size_t *ret_len)
{
	struct iovec iov[2] = { { .iov_base = &msg->type, .iov_len = 1 },
				{ .iov_base = msg->data, .iov_len = sizeof(msg->data) } };
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	while ((n = recvmsg(fd, &hdr, 0)) < 0)
		if (errno != EINTR)
			return -errno;
	if (n == 0)
		return 0;
	if (hdr.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	*ret_len = (size_t)n - 1;
	return 1;
}
