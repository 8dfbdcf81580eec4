/* SPDX-License-Identifier: Apache-2.0
 *
 * nlcfg - links, addresses, routes and routing rules
 */
#include "slirp-net/nlcfg.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int nlcfg_open(struct nlcfg *c, struct err *e)
{
	nlbatch_init(&c->batch);
	c->fd = nlbatch_open(NETLINK_ROUTE);
	return c->fd < 0 ? err_set(e, c->fd, "netlink") : 0;
}

void nlcfg_close(struct nlcfg *c)
{
	cleanup_closep(&c->fd);
	c->fd = -1;
}

/* Begin a message that is answered. */
static struct nlbatch *add(struct nlcfg *c, const char *what, uint16_t type, uint16_t flags,
			   const void *head, size_t size)
{
	if (c->batch.n < NLBATCH_MAX)
		c->what[c->batch.n] = what;
	nlbatch_add(&c->batch, type, NLM_F_ACK | flags, head, size);
	return &c->batch;
}

int nlcfg_run(struct nlcfg *c, struct err *e)
{
	unsigned int failed;
	int r = nlbatch_run(&c->batch, c->fd, &failed);

	nlbatch_init(&c->batch);
	if (r >= 0)
		return 0;
	return err_set(e, r, "%s", failed && failed <= NLBATCH_MAX ? c->what[failed - 1] : "netlink");
}

int nlcfg_index(const struct nlcfg *c, const char *name, struct err *e)
{
	struct nlbatch b;
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr h;
	struct nlmsgerr error;
	_Alignas(struct nlmsghdr) uint8_t buf[8192];
	ssize_t n;

	nlbatch_init(&b);
	nlbatch_add(&b, RTM_GETLINK, 0, &info, sizeof(info));
	nlbatch_put_str(&b, IFLA_IFNAME, name);
	if (send(c->fd, b.buf, b.len, 0) < 0)
		return err_set(e, -errno, "%s", name);
	n = recv(c->fd, buf, sizeof(buf), MSG_TRUNC);
	if (n < 0)
		return err_set(e, -errno, "%s", name);
	if ((size_t)n < sizeof(h) + sizeof(info))
		return err_set(e, -EBADMSG, "%s", name);
	memcpy(&h, buf, sizeof(h));
	if (h.nlmsg_type == NLMSG_ERROR) {
		memcpy(&error, buf + NLMSG_HDRLEN, sizeof(error));
		return err_set(e, error.error < 0 ? error.error : -EBADMSG, "%s", name);
	}
	memcpy(&info, buf + NLMSG_HDRLEN, sizeof(info));
	return info.ifi_index;
}

void nlcfg_up(struct nlcfg *c, int ifindex, unsigned int mtu, const uint8_t *mac)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex,
				  .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nlbatch *b = add(c, "switch the link on", RTM_NEWLINK, 0, &info, sizeof(info));

	if (mtu)
		nlbatch_put_u32(b, IFLA_MTU, mtu);
	if (mac)
		nlbatch_put(b, IFLA_ADDRESS, mac, 6);
}

static size_t addr_size(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void nlcfg_addr(struct nlcfg *c, int ifindex, int family, const void *addr, unsigned int prefix)
{
	struct ifaddrmsg m = { .ifa_family = (uint8_t)family, .ifa_prefixlen = (uint8_t)prefix,
			       .ifa_index = (uint32_t)ifindex,
			       .ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0 };
	struct nlbatch *b = add(c, "set the address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &m,
				sizeof(m));
	struct in_addr brd;

	nlbatch_put(b, IFA_LOCAL, addr, addr_size(family));
	nlbatch_put(b, IFA_ADDRESS, addr, addr_size(family));
	if (family == AF_INET && prefix < 31) {
		memcpy(&brd, addr, sizeof(brd));
		brd.s_addr |= htonl(0xffffffffu >> prefix);
		nlbatch_put(b, IFA_BROADCAST, &brd, sizeof(brd));
	}
}

void nlcfg_default_route(struct nlcfg *c, int ifindex, int family, const void *gateway)
{
	struct rtmsg m = { .rtm_family = (uint8_t)family, .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_UNIVERSE,
			   .rtm_type = RTN_UNICAST };
	struct nlbatch *b = add(c, "set the default route", RTM_NEWROUTE, NLM_F_CREATE, &m,
				sizeof(m));

	nlbatch_put(b, RTA_GATEWAY, gateway, addr_size(family));
	nlbatch_put_u32(b, RTA_OIF, (uint32_t)ifindex);
}

/*
 * The kernel would make a queue for each processor, every one with folders in
 * sysfs; without a queueing discipline or NAPI none but the first is of use.
 */
static void one_queue(struct nlbatch *b)
{
	nlbatch_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	nlbatch_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
}

void nlcfg_veth(struct nlcfg *c, const struct nlcfg_veth *v)
{
	struct ifinfomsg near = { .ifi_family = AF_UNSPEC, .ifi_index = v->ifindex };
	struct ifinfomsg far = { .ifi_family = AF_UNSPEC };
	struct nlbatch *b = add(c, "make the interface", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
				&near, sizeof(near));
	size_t info, data, peer;

	nlbatch_put_str(b, IFLA_IFNAME, v->name);
	if (v->mac)
		nlbatch_put(b, IFLA_ADDRESS, v->mac, 6);
	nlbatch_put_u32(b, IFLA_MTU, v->mtu);
	one_queue(b);
	info = nlbatch_nest(b, IFLA_LINKINFO);
	nlbatch_put_str(b, IFLA_INFO_KIND, "veth");
	data = nlbatch_nest(b, IFLA_INFO_DATA);
	peer = nlbatch_nest(b, VETH_INFO_PEER);
	nlbatch_put_raw(b, &far, sizeof(far));
	nlbatch_put_str(b, IFLA_IFNAME, v->peer);
	if (v->peer_mac)
		nlbatch_put(b, IFLA_ADDRESS, v->peer_mac, 6);
	nlbatch_put_u32(b, IFLA_MTU, v->mtu);
	one_queue(b);
	nlbatch_put_u32(b, IFLA_NET_NS_FD, (uint32_t)v->peer_netns);
	nlbatch_nest_end(b, peer);
	nlbatch_nest_end(b, data);
	nlbatch_nest_end(b, info);
}

void nlcfg_delete(struct nlcfg *c, const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nlbatch *b = add(c, "remove the link", RTM_DELLINK, 0, &info, sizeof(info));

	nlbatch_put_str(b, IFLA_IFNAME, name);
}

static void put_u8(struct nlbatch *b, uint16_t type, uint8_t v)
{
	nlbatch_put(b, type, &v, sizeof(v));
}

void nlcfg_bridge(struct nlcfg *c, int ifindex, const char *name, const uint8_t *mac,
		  unsigned int mtu)
{
	struct ifinfomsg m = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nlbatch *b = add(c, "make the bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &m,
				sizeof(m));
	size_t info, data;

	nlbatch_put_str(b, IFLA_IFNAME, name);
	nlbatch_put(b, IFLA_ADDRESS, mac, 6);
	nlbatch_put_u32(b, IFLA_MTU, mtu);
	info = nlbatch_nest(b, IFLA_LINKINFO);
	nlbatch_put_str(b, IFLA_INFO_KIND, "bridge");
	data = nlbatch_nest(b, IFLA_INFO_DATA);
	put_u8(b, IFLA_BR_MCAST_SNOOPING, 0);
	nlbatch_nest_end(b, data);
	nlbatch_nest_end(b, info);
}

void nlcfg_port(struct nlcfg *c, int ifindex, int bridge)
{
	struct ifinfomsg m = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nlbatch *b = add(c, "join the bridge", RTM_NEWLINK, 0, &m, sizeof(m));
	size_t info, data;

	nlbatch_put_u32(b, IFLA_MASTER, (uint32_t)bridge);
	b = add(c, "set up the port", RTM_NEWLINK, 0, &m, sizeof(m));
	info = nlbatch_nest(b, IFLA_LINKINFO);
	nlbatch_put_str(b, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nlbatch_nest(b, IFLA_INFO_SLAVE_DATA);
	put_u8(b, IFLA_BRPORT_LEARNING, 0);
	put_u8(b, IFLA_BRPORT_UNICAST_FLOOD, 0);
	nlbatch_nest_end(b, data);
	nlbatch_nest_end(b, info);
}

void nlcfg_fdb(struct nlcfg *c, int port, const uint8_t *mac)
{
	struct ndmsg m = { .ndm_family = AF_BRIDGE, .ndm_ifindex = port, .ndm_state = NUD_NOARP,
			   .ndm_flags = NTF_MASTER };
	struct nlbatch *b = add(c, "enter the MAC address", RTM_NEWNEIGH,
				NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));

	nlbatch_put(b, NDA_LLADDR, mac, 6);
}

void nlcfg_neigh(struct nlcfg *c, int ifindex, int family, const void *addr, const uint8_t *mac)
{
	struct ndmsg m = { .ndm_family = (uint8_t)family, .ndm_ifindex = ifindex,
			   .ndm_state = NUD_PERMANENT };
	struct nlbatch *b = add(c, "enter the neighbour", RTM_NEWNEIGH,
				NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));

	nlbatch_put(b, NDA_DST, addr, addr_size(family));
	nlbatch_put(b, NDA_LLADDR, mac, 6);
}

void nlcfg_no_neigh(struct nlcfg *c, int ifindex, int family, const void *addr)
{
	struct ndmsg m = { .ndm_family = (uint8_t)family, .ndm_ifindex = ifindex };
	struct nlbatch *b = add(c, "forget the neighbour", RTM_DELNEIGH, 0, &m, sizeof(m));

	nlbatch_put(b, NDA_DST, addr, addr_size(family));
}

void nlcfg_rule(struct nlcfg *c, int family, const char *iif, uint32_t mark, uint32_t table)
{
	struct fib_rule_hdr m = { .family = (uint8_t)family, .action = FR_ACT_TO_TBL };
	struct nlbatch *b = add(c, "routing rule", RTM_NEWRULE, NLM_F_CREATE, &m, sizeof(m));

	nlbatch_put_u32(b, FRA_TABLE, table);
	if (iif)
		nlbatch_put_str(b, FRA_IIFNAME, iif);
	if (mark) {
		nlbatch_put_u32(b, FRA_FWMARK, mark);
		nlbatch_put_u32(b, FRA_FWMASK, 0xffffffff);
	}
}

void nlcfg_local_route(struct nlcfg *c, int family, uint32_t table)
{
	struct rtmsg m = { .rtm_family = (uint8_t)family, .rtm_table = RT_TABLE_UNSPEC,
			   .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST,
			   .rtm_type = RTN_LOCAL };
	struct nlbatch *b = add(c, "local route", RTM_NEWROUTE, NLM_F_CREATE, &m, sizeof(m));

	nlbatch_put_u32(b, RTA_TABLE, table);
	nlbatch_put_u32(b, RTA_OIF, NLCFG_LO);
}
