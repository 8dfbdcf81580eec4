/* SPDX-License-Identifier: Apache-2.0
 *
 * netdev - network devices of the host that move into the container
 *
 * How it works: a netlink socket belongs to the namespace it was made in. One
 * is made in each of the two, so that all the rest is messages: read the
 * addresses here (a move loses them), move, then give them back and set the
 * device up over there. The number of the device over there is asked for, so
 * that it is known whatever name the kernel makes of "eth%d".
 */
#include "runner/oci/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/nlbatch.h"
#include "common/str.h"
#include "runner/oci/spec.h"

#ifndef IFLA_NEW_IFINDEX
#define IFLA_NEW_IFINDEX 49
#endif

enum { ADDRS_MAX = NLBATCH_MAX - 1, INDEX_TRIES = 4096, DUMP_SIZE = 16384 };

/**
 * struct move - one device under way
 * @here, @there: netlink sockets of the two namespaces
 * @index:	  of the device, here and then there
 * @addrs:	  what it gets over there, one message each
 */
struct move {
	int here, there;
	int index;
	struct nlbatch addrs;
};

/* What an address is; the rest the kernel makes itself. */
static bool keeps(unsigned short type)
{
	return type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST ||
	       type == IFA_FLAGS || type == IFA_RT_PRIORITY;
}

static void add_address(struct move *m, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *a = NLMSG_DATA(h);
	struct ifaddrmsg head = *a;
	unsigned int left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*a));
	uint32_t flags = a->ifa_flags;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*a)) || a->ifa_index != (unsigned int)m->index ||
	    a->ifa_scope != RT_SCOPE_UNIVERSE)
		return;
	for (const struct rtattr *t = IFA_RTA(a); RTA_OK(t, left); t = RTA_NEXT(t, left))
		if (t->rta_type == IFA_FLAGS && RTA_PAYLOAD(t) >= sizeof(flags))
			memcpy(&flags, RTA_DATA(t), sizeof(flags));
	if (!(flags & IFA_F_PERMANENT))
		return;
	/* put in once the number over there is known */
	head.ifa_index = 0;
	nlbatch_add(&m->addrs, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &head,
		    sizeof(head));
	left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*a));
	for (const struct rtattr *t = IFA_RTA(a); RTA_OK(t, left); t = RTA_NEXT(t, left))
		if (keeps(t->rta_type))
			nlbatch_put(&m->addrs, t->rta_type, RTA_DATA(t), RTA_PAYLOAD(t));
}

static int read_addresses(struct move *m)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg a;
	} ask = { { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETADDR,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP }, { 0 } };
	auto_free char *buf = xcalloc(1, DUMP_SIZE);

	nlbatch_init(&m->addrs);
	if (send(m->here, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(m->here, buf, DUMP_SIZE, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		unsigned int left = (unsigned int)n;
		for (const struct nlmsghdr *h = (const void *)buf; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return m->addrs.full ? -E2BIG : 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -EBADMSG;
			if (h->nlmsg_type == RTM_NEWADDR)
				add_address(m, h);
		}
	}
}

/* A number that is taken over there is the only reason to try the next. */
static int move_link(struct move *m, int netns, const char *name)
{
	for (int k = 0; k < INDEX_TRIES; k++) {
		struct ifinfomsg head = { .ifi_index = m->index };
		uint32_t index = (uint32_t)(m->index + k);
		struct nlbatch b;
		unsigned int failed;

		nlbatch_init(&b);
		nlbatch_add(&b, RTM_NEWLINK, NLM_F_ACK, &head, sizeof(head));
		nlbatch_put_u32(&b, IFLA_NET_NS_FD, (uint32_t)netns);
		nlbatch_put_str(&b, IFLA_IFNAME, name);
		nlbatch_put_u32(&b, IFLA_NEW_IFINDEX, index);
		int r = nlbatch_run(&b, m->here, &failed);
		if (r == 0)
			m->index = (int)index;
		if (r != -EBUSY)
			return r;
	}
	return -EBUSY;
}

static int set_up(struct move *m)
{
	struct ifinfomsg up = { .ifi_index = m->index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nlbatch *b = &m->addrs;
	unsigned int failed;

	for (size_t at = 0; at < b->len;) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(b->buf + at);

		((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index = (unsigned int)m->index;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	nlbatch_add(b, RTM_NEWLINK, NLM_F_ACK, &up, sizeof(up));
	return nlbatch_run(b, m->there, &failed);
}

static int move_one(struct move *m, int netns, const struct spec_netdev *d, struct err *e)
{
	m->index = (int)if_nametoindex(d->host);
	if (m->index <= 0)
		return err_msg(e, -ENODEV, "linux.netDevices: %s: no such device", d->host);
	int r = read_addresses(m);
	if (r < 0)
		return err_set(e, r, "linux.netDevices: %s: read its addresses", d->host);
	r = move_link(m, netns, d->name);
	if (r == -EEXIST)
		return err_msg(e, r, "linux.netDevices: %s: the container has a device '%s' already",
			       d->host, d->name);
	if (r < 0)
		return err_set(e, r, "linux.netDevices: %s: move it into the container", d->host);
	r = set_up(m);
	return r < 0 ? err_set(e, r, "linux.netDevices: %s: set it up as '%s'", d->host, d->name) : 0;
}

/* A netlink socket of another namespace. */
static int open_there(int netns, struct err *e)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return err_set(e, -errno, "/proc/thread-self/ns/net");
	if (setns(netns, CLONE_NEWNET) < 0)
		return errno == EPERM ?
			       err_set(e, -EPERM, "linux.netDevices: only root of the network's user "
						  "namespace may move devices") :
			       err_set(e, -errno, "linux.netDevices: enter the container's network "
						  "namespace");
	auto_close int fd = nlbatch_open(NETLINK_ROUTE);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_set(e, -errno, "return to our network namespace");
	return fd < 0 ? err_set(e, fd, "netlink") : take_fd(&fd);
}

int netdev_move_all(const struct spec *s, int netns, struct err *e)
{
	auto_close int here = nlbatch_open(NETLINK_ROUTE);
	auto_close int there = -1;

	if (here < 0)
		return err_set(e, here, "netlink");
	there = open_there(netns, e);
	if (there < 0)
		return there;
	struct move m = { .here = here, .there = there };
	for (size_t i = 0; i < s->n_netdevs; i++) {
		int r = move_one(&m, netns, &s->netdevs[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}
