/* SPDX-License-Identifier: Apache-2.0
 *
 * sdnotify - let a container's program tell systemd that it is ready
 *
 * How it works: with NOTIFY_SOCKET in our environment the folder ROOT/ID/notify
 * is bound into the container, read-only, where that path says, and the program
 * is told NOTIFY_SOCKET=path/notify. `start` (or `run`) binds that socket before
 * the program runs, and passes on nothing but READY=1: what else the protocol
 * can say (MAINPID, WATCHDOG, FDSTORE) is about processes and descriptors of
 * the host, of which a container has no say.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/str.h"
#include "runner/oci/cli.h"

enum { DATAGRAM_MAX = 4096 };

static const char folder[] = "notify";

/* Abstract sockets ('@') belong to a network namespace and cannot be bound in. */
static const char *host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && path[0] == '/' ? path : NULL;
}

int sdnotify_prepare(const struct box *b, struct spec *s, struct err *e)
{
	static const char *const opts[] = { "bind", "ro", "nosuid", "nodev", "noexec", "rprivate" };
	const char *path = host_socket();
	char self[64], dir[4096];

	if (!path)
		return 0;
	if (mkdirat(b->fd, folder, 0755) < 0 && errno != EEXIST)
		return err_set(e, -errno, "NOTIFY_SOCKET: make a folder");
	/* the umask may have taken what the container's root needs */
	if (fchmodat(b->fd, folder, 0755, 0) < 0)
		return err_set(e, -errno, "NOTIFY_SOCKET: make a folder");
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", b->fd);
	ssize_t n = readlink(self, dir, sizeof(dir) - 1);
	if (n < 0)
		return err_set(e, -errno, "NOTIFY_SOCKET: %s", self);
	dir[n] = '\0';

	/* arrays that were parsed do not grow in place */
	struct spec_mount *v = spec_alloc(s, s->n_mounts + 1, sizeof(*v));
	if (s->n_mounts)
		memcpy(v, s->mounts, s->n_mounts * sizeof(*v));
	v[s->n_mounts] = (struct spec_mount){ .dst = spec_strdup(s, path), .type = "bind", .src_fd = -1,
					      .src = spec_printf(s, "%s/%s", dir, folder) };
	for (size_t i = 0; i < sizeof(opts) / sizeof(opts[0]); i++)
		spec_strv_add(s, &v[s->n_mounts].opts, opts[i]);
	s->mounts = v;
	s->n_mounts++;

	struct spec_strv env = s->process.env;
	s->process.env = (struct spec_strv){ NULL, 0 };
	for (size_t i = 0; i < env.n; i++)
		if (!str_starts(env.v[i], "NOTIFY_SOCKET="))
			spec_strv_add(s, &s->process.env, env.v[i]);
	spec_strv_add(s, &s->process.env, spec_printf(s, "NOTIFY_SOCKET=%s/notify", path));
	return 0;
}

int sdnotify_open(const struct box *b, int *ret_fd, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*ret_fd = -1;
	if (!host_socket() || faccessat(b->fd, folder, F_OK, 0) < 0)
		return 0;
	auto_close int dir = openat(b->fd, folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (dir < 0 || fd < 0)
		return err_set(e, -errno, "NOTIFY_SOCKET");
	(void)unlinkat(dir, "notify", 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/notify", dir);
	/* whoever may see the folder may write: only the container can */
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || fchmodat(dir, "notify", 0777, 0) < 0)
		return err_set(e, -errno, "NOTIFY_SOCKET: bind");
	*ret_fd = take_fd(&fd);
	return 0;
}

static void tell_host(const char *text)
{
	const char *path = host_socket();
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !path || str_format(a.sun_path, sizeof(a.sun_path), "%s", path) < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof(a));
}

/* Does a datagram of lines have READY=1? */
static bool is_ready(char *text)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strcmp(l, "READY=1") == 0)
			return true;
	return false;
}

bool sdnotify_wait(int fd, int pidfd)
{
	char buf[DATAGRAM_MAX + 1];

	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		if (p[0].revents & POLLIN) {
			ssize_t n = recv(fd, buf, DATAGRAM_MAX, MSG_DONTWAIT);

			buf[n > 0 ? n : 0] = '\0';
			if (is_ready(buf)) {
				tell_host("READY=1");
				return true;
			}
		} else if (p[1].revents) {
			return false; /* ended, and what it said before is read */
		}
	}
}

int sdnotify_fork(int fd, int pidfd, struct err *e)
{
	int keep[] = { fd, pidfd };
	pid_t pid = fork();

	if (pid < 0)
		return err_set(e, -errno, "NOTIFY_SOCKET: fork");
	if (pid > 0)
		return 0;
	/* nothing else of ours: the container's stdio above all, and its lock */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fd_close_from(0, keep, 2);
	(void)sdnotify_wait(fd, pidfd);
	_exit(0);
}

void sdnotify_detached(int fd, int pidfd, pid_t pid)
{
	char text[64];

	if (!sdnotify_wait(fd, pidfd))
		return;
	/* we leave: the service's main process is the container's from now on */
	(void)snprintf(text, sizeof(text), "MAINPID=%d", pid);
	tell_host(text);
}
