/* SPDX-License-Identifier: Apache-2.0
 *
 * netns - find and join the namespaces of the container
 */
#include "slirp-net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/sock.h"
#include "slirp-net/conf.h"

static bool is_own_userns(int fd)
{
	struct stat ours, theirs;

	return stat("/proc/self/ns/user", &ours) == 0 && fstat(fd, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int open_ns(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set(e, -errno, "%s", path) : fd;
}

static int open_user(const struct conf *conf, int net, struct err *e)
{
	char path[64];
	int fd;

	if (conf->userns_path)
		return open_ns(conf->userns_path, e);
	fd = ioctl(net, NS_GET_USERNS);
	if (fd >= 0 || !conf->target_pid)
		return fd; /* -1: not ours to ask for; joining will tell */
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", conf->target_pid);
	return open_ns(path, e);
}

/* Whoever starts us need not have it yet: we are executed meanwhile. */
static int receive_ns(int sock, struct err *e)
{
	size_t n = 0;
	char byte;
	int fd;
	ssize_t r = sock_recv_fds(sock, &byte, 1, &fd, 1, &n);

	if (r < 0)
		return err_set(e, (int)r, "the network namespace's socket");
	if (n != 1)
		return err_msg(e, -EPROTO, "no network namespace came over the socket");
	return fd;
}

int netns_open(struct netns *ns, const struct conf *conf, struct err *e)
{
	auto_close int net = -1;
	char path[64];
	int user;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", conf->target_pid);
	net = conf->netns_sock >= 0 ? receive_ns(conf->netns_sock, e) :
				      open_ns(conf->netns_path ? conf->netns_path : path, e);
	if (net < 0)
		return net;
	user = open_user(conf, net, e);
	if (user < -1)
		return user;
	if (user >= 0 && is_own_userns(user)) {
		(void)close(user);
		user = -1;
	}
	ns->user = user;
	ns->net = take_fd(&net);
	return 0;
}

void netns_clear(struct netns *ns)
{
	cleanup_closep(&ns->user);
	cleanup_closep(&ns->net);
	ns->user = ns->net = -1;
}

int netns_enter_user(const struct netns *ns, struct err *e)
{
	if (ns->user >= 0 && setns(ns->user, CLONE_NEWUSER) < 0)
		return err_set(e, -errno, "join the user namespace");
	return 0;
}

int netns_enter_net(const struct netns *ns, struct err *e)
{
	if (setns(ns->net, CLONE_NEWNET) < 0)
		return err_set(e, -errno, "join the network namespace");
	return 0;
}
