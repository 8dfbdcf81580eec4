/* SPDX-License-Identifier: Apache-2.0
 *
 * sock - unix sockets and passing descriptors over them
 */
#include "common/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/str.h"

/* sun_path holds 108 bytes; deep state folders are longer. Then the folder
 * is opened and named through /proc/self/fd. */
static int address(const char *path, struct sockaddr_un *ret, int *ret_dirfd)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_dirfd = -1;
	if (str_format(ret->sun_path, sizeof(ret->sun_path), "%s", path) >= 0)
		return 0;

	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (!slash || str_format(dir, sizeof(dir), "%.*s", (int)(slash - path), path) < 0)
		return -ENAMETOOLONG;
	auto_close int dirfd = open(*dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	int r = str_format(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd,
			   slash + 1);
	if (r < 0)
		return r;
	*ret_dirfd = take_fd(&dirfd);
	return 0;
}

int sock_listen_unix(const char *path, int backlog)
{
	struct sockaddr_un addr;
	auto_close int dirfd = -1;
	int r = address(path, &addr, &dirfd);

	if (r)
		return r;

	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	struct stat st;
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	/* the mode of the socket file is that of the unbound socket's inode */
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (chmod(path, 0600) < 0 || listen(fd, backlog) < 0) {
		r = -errno;
		(void)unlink(path);
		return r;
	}
	return take_fd(&fd);
}

int sock_connect_unix(const char *path)
{
	struct sockaddr_un addr;
	auto_close int dirfd = -1;
	int r = address(path, &addr, &dirfd);

	if (r)
		return r;

	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return take_fd(&fd);
}

ssize_t sock_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * SOCK_FDS_MAX)];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(size_t)(const char *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > SOCK_FDS_MAX)
		return -E2BIG;
	if (n_fds) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}

	ssize_t n;
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static size_t collect(struct msghdr *msg, int *ret_fds, size_t max_fds, bool *overflow)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n < max_fds) {
				ret_fds[n++] = fd;
			} else {
				(void)close(fd);
				*overflow = true;
			}
		}
	}
	return n;
}

ssize_t sock_recv_fds(int sock, void *buf, size_t size, int *ret_fds, size_t max_fds,
		      size_t *ret_n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * SOCK_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	bool overflow = msg.msg_flags & MSG_CTRUNC;
	size_t n_fds = collect(&msg, ret_fds, max_fds, &overflow);
	if (overflow) {
		for (size_t i = 0; i < n_fds; i++)
			(void)close(ret_fds[i]);
		return -EMSGSIZE;
	}
	*ret_n_fds = n_fds;
	return n;
}
