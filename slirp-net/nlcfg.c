/* SPDX-License-Identifier: Apache-2.0
 *
 * nlcfg - links, addresses and routes, through libnl
 */
#include "slirp-net/nlcfg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>

struct nlcfg {
	struct nl_sock *sock;
};

DEFINE_AUTO(struct nl_addr, nl_addr_put);
DEFINE_AUTO(struct rtnl_addr, rtnl_addr_put);
DEFINE_AUTO(struct rtnl_link, rtnl_link_put);
DEFINE_AUTO(struct rtnl_route, rtnl_route_put);
DEFINE_AUTO(struct rtnl_rule, rtnl_rule_put);

/* libnl has error numbers of its own; only these matter here. */
static int nl_errno(int r)
{
	switch (-r) {
	case NLE_SUCCESS:
		return 0;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_AF_NOSUPPORT:
		return -EAFNOSUPPORT;
	case NLE_BUSY:
		return -EBUSY;
	default:
		return -EINVAL;
	}
}

int nlcfg_open(struct nlcfg **ret, struct err *e)
{
	AUTO(nlcfg_close) struct nlcfg *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_set(e, -ENOMEM, "netlink");
	c->sock = nl_socket_alloc();
	if (!c->sock)
		return err_set(e, -ENOMEM, "netlink");
	r = nl_connect(c->sock, NETLINK_ROUTE);
	if (r < 0)
		return err_set(e, nl_errno(r), "netlink");
	*ret = take_ptr(c);
	return 0;
}

void nlcfg_close(struct nlcfg *c)
{
	if (!c)
		return;
	nl_socket_free(c->sock);
	free(c);
}

int nlcfg_index(struct nlcfg *c, const char *name, struct err *e)
{
	AUTO(rtnl_link_put) struct rtnl_link *link = NULL;
	int r = rtnl_link_get_kernel(c->sock, 0, name, &link);

	if (r < 0)
		return err_set(e, nl_errno(r), "%s", name);
	return rtnl_link_get_ifindex(link);
}

int nlcfg_up(struct nlcfg *c, int ifindex, unsigned int mtu, const uint8_t mac[6], struct err *e)
{
	AUTO(rtnl_link_put) struct rtnl_link *orig = rtnl_link_alloc();
	AUTO(rtnl_link_put) struct rtnl_link *link = rtnl_link_alloc();
	AUTO(nl_addr_put) struct nl_addr *lladdr = NULL;
	int r;

	if (!orig || !link)
		return err_set(e, -ENOMEM, "link");
	rtnl_link_set_ifindex(orig, ifindex);
	rtnl_link_set_flags(link, IFF_UP);
	if (mtu)
		rtnl_link_set_mtu(link, mtu);
	if (mac) {
		lladdr = nl_addr_build(AF_LLC, mac, 6);
		if (!lladdr)
			return err_set(e, -ENOMEM, "link");
		rtnl_link_set_addr(link, lladdr);
	}
	r = rtnl_link_change(c->sock, orig, link, 0);
	if (r < 0)
		return err_set(e, nl_errno(r), "switch the link on");
	return 0;
}

int nlcfg_addr(struct nlcfg *c, int ifindex, int family, const void *addr, unsigned int prefix,
		struct err *e)
{
	AUTO(rtnl_addr_put) struct rtnl_addr *a = rtnl_addr_alloc();
	AUTO(nl_addr_put) struct nl_addr *local = NULL;
	AUTO(nl_addr_put) struct nl_addr *brd = NULL;
	int r;

	local = nl_addr_build(family, addr, family == AF_INET ? 4 : 16);
	if (!a || !local)
		return err_set(e, -ENOMEM, "address");
	nl_addr_set_prefixlen(local, (int)prefix);
	rtnl_addr_set_ifindex(a, ifindex);
	rtnl_addr_set_local(a, local);
	if (family == AF_INET6) {
		rtnl_addr_set_flags(a, IFA_F_NODAD);
	} else if (prefix < 31) {
		struct in_addr in;

		memcpy(&in, addr, sizeof(in));
		in.s_addr |= htonl(0xffffffffu >> prefix);
		brd = nl_addr_build(AF_INET, &in, sizeof(in));
		if (brd)
			rtnl_addr_set_broadcast(a, brd);
	}
	r = rtnl_addr_add(c->sock, a, 0);
	if (r < 0)
		return err_set(e, nl_errno(r), "set the address");
	return 0;
}

int nlcfg_default_route(struct nlcfg *c, int ifindex, int family, const void *gateway,
			 struct err *e)
{
	static const struct in6_addr any;
	AUTO(rtnl_route_put) struct rtnl_route *route = rtnl_route_alloc();
	AUTO(nl_addr_put) struct nl_addr *dst = NULL;
	AUTO(nl_addr_put) struct nl_addr *gw = NULL;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	size_t size = family == AF_INET ? 4 : 16;
	int r;

	dst = nl_addr_build(family, &any, size);
	gw = nl_addr_build(family, gateway, size);
	if (!route || !dst || !gw || !hop) {
		if (hop)
			rtnl_route_nh_free(hop);
		return err_set(e, -ENOMEM, "route");
	}
	nl_addr_set_prefixlen(dst, 0);
	rtnl_route_nh_set_ifindex(hop, ifindex);
	rtnl_route_nh_set_gateway(hop, gw);
	rtnl_route_add_nexthop(route, hop);
	(void)rtnl_route_set_family(route, (uint8_t)family);
	(void)rtnl_route_set_dst(route, dst);
	r = rtnl_route_add(c->sock, route, 0);
	if (r < 0)
		return err_set(e, nl_errno(r), "set the default route");
	return 0;
}

static int set_mac(struct rtnl_link *link, const uint8_t *mac)
{
	AUTO(nl_addr_put) struct nl_addr *addr = NULL;

	if (!mac)
		return 0;
	addr = nl_addr_build(AF_LLC, mac, 6);
	if (!addr)
		return -ENOMEM;
	rtnl_link_set_addr(link, addr);
	return 0;
}

int nlcfg_veth(struct nlcfg *c, const char *name, const uint8_t mac[6], const char *peer,
	       const uint8_t *peer_mac, int peer_netns, unsigned int mtu, struct err *e)
{
	AUTO(rtnl_link_put) struct rtnl_link *link = rtnl_link_veth_alloc();
	AUTO(rtnl_link_put) struct rtnl_link *far = NULL;
	int r;

	if (!link)
		return err_set(e, -ENOMEM, "veth");
	far = rtnl_link_veth_get_peer(link);
	if (set_mac(link, mac) < 0 || set_mac(far, peer_mac) < 0)
		return err_set(e, -ENOMEM, "veth");
	rtnl_link_set_name(link, name);
	rtnl_link_set_mtu(link, mtu);
	rtnl_link_set_name(far, peer);
	rtnl_link_set_mtu(far, mtu);
	rtnl_link_set_ns_fd(far, peer_netns);
	r = rtnl_link_add(c->sock, link, NLM_F_CREATE | NLM_F_EXCL);
	if (r < 0)
		return err_set(e, nl_errno(r), "make the interface %s", peer);
	return 0;
}

int nlcfg_rule(struct nlcfg *c, int family, const char *iif, uint32_t mark, uint32_t table,
	       struct err *e)
{
	AUTO(rtnl_rule_put) struct rtnl_rule *rule = rtnl_rule_alloc();
	int r;

	if (!rule)
		return err_set(e, -ENOMEM, "rule");
	rtnl_rule_set_family(rule, family);
	rtnl_rule_set_table(rule, table);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	if (iif)
		(void)rtnl_rule_set_iif(rule, iif);
	if (mark) {
		rtnl_rule_set_mark(rule, mark);
		rtnl_rule_set_mask(rule, 0xffffffff);
	}
	r = rtnl_rule_add(c->sock, rule, NLM_F_CREATE);
	if (r < 0)
		return err_set(e, nl_errno(r), "routing rule");
	return 0;
}

int nlcfg_local_route(struct nlcfg *c, int family, int lo, uint32_t table, struct err *e)
{
	static const struct in6_addr any;
	AUTO(rtnl_route_put) struct rtnl_route *route = rtnl_route_alloc();
	AUTO(nl_addr_put) struct nl_addr *dst = NULL;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	int r;

	dst = nl_addr_build(family, &any, family == AF_INET ? 4 : 16);
	if (!route || !dst || !hop) {
		if (hop)
			rtnl_route_nh_free(hop);
		return err_set(e, -ENOMEM, "route");
	}
	nl_addr_set_prefixlen(dst, 0);
	rtnl_route_nh_set_ifindex(hop, lo);
	rtnl_route_add_nexthop(route, hop);
	(void)rtnl_route_set_family(route, (uint8_t)family);
	(void)rtnl_route_set_dst(route, dst);
	(void)rtnl_route_set_type(route, RTN_LOCAL);
	rtnl_route_set_scope(route, RT_SCOPE_HOST);
	rtnl_route_set_table(route, table);
	r = rtnl_route_add(c->sock, route, 0);
	if (r < 0)
		return err_set(e, nl_errno(r), "local route");
	return 0;
}

int nlcfg_delete(struct nlcfg *c, const char *name)
{
	AUTO(rtnl_link_put) struct rtnl_link *link = rtnl_link_alloc();

	if (!link)
		return -ENOMEM;
	rtnl_link_set_name(link, name);
	return nl_errno(rtnl_link_delete(c->sock, link));
}
