/* SPDX-License-Identifier: Apache-2.0
 *
 * guard - a port of the bridge takes only its own container's addresses
 *
 * How it works: each port has a chain at its ingress, in front of the bridge.
 * What claims another's MAC or IP address, in any header that a neighbour or
 * the gateway would believe, ends there; so do answers of a DHCP server and
 * announcements of a router, which no container is. In the words of nft(8):
 *
 *   table netdev slirp {
 *     chain LINK {
 *       type filter hook ingress device LINK priority filter; policy drop;
 *       ether saddr != MAC drop
 *       ether type arp arp saddr ether MAC arp saddr ip { IP, 0.0.0.0 } accept
 *       udp sport { 67, 547 } drop
 *       ip saddr IP accept
 *       icmpv6 type { nd-router-advert, nd-redirect } drop
 *       icmpv6 type nd-neighbor-advert icmpv6 taddr != { IP6, LL } drop
 *       ip6 saddr { IP6, LL, :: } accept
 *     }
 *   }
 *
 * LL is the link-local address that belongs to MAC.
 */
#include "slirp-net/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/icmp6.h>
#include <stddef.h>
#include <string.h>

#include "slirp-net/nftmsg.h"

#define MAC_SOURCE 6
#define ARP_SENDER 8	/* MAC, then IP */
#define IP4_SOURCE 12
#define IP6_SOURCE 8
#define ND_TARGET 8
#define DHCP_SERVER 67
#define DHCP6_SERVER 547

static const struct in6_addr any6;

static void begin(const struct nft *t, const char *link)
{
	size_t hook;

	nftmsg_chain(t, link);
	hook = nlbatch_nest(t->b, NFTA_CHAIN_HOOK);
	nlbatch_put_be32(t->b, NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
	nlbatch_put_be32(t->b, NFTA_HOOK_PRIORITY, 0);
	nlbatch_put_str(t->b, NFTA_HOOK_DEV, link);
	nlbatch_nest_end(t->b, hook);
	nlbatch_put_be32(t->b, NFTA_CHAIN_POLICY, NF_DROP);
	nlbatch_put_str(t->b, NFTA_CHAIN_TYPE, "filter");
}

static void is_type(struct nlbatch *b, uint16_t eth_type)
{
	const uint16_t type = htons(eth_type);

	nftmsg_meta(b, NFT_META_PROTOCOL);
	nftmsg_cmp(b, NFT_CMP_EQ, &type, sizeof(type));
}

static void finish(const struct nft *t, size_t rule, int verdict)
{
	nftmsg_verdict(t->b, verdict, NULL);
	nftmsg_rule_end(t, rule);
}

static void arp_from(const struct nft *t, const struct guard *g, const void *ip)
{
	uint8_t sender[10];
	size_t r = nftmsg_rule(t, g->link);

	memcpy(sender, g->mac, 6);
	memcpy(sender + 6, ip, 4);
	is_type(t->b, ETH_P_ARP);
	nftmsg_payload(t->b, NFT_PAYLOAD_NETWORK_HEADER, ARP_SENDER, sizeof(sender));
	nftmsg_cmp(t->b, NFT_CMP_EQ, sender, sizeof(sender));
	finish(t, r, NF_ACCEPT);
}

static void no_server(const struct nft *t, const char *link, uint16_t port)
{
	const uint16_t from = htons(port);
	size_t r = nftmsg_rule(t, link);

	nftmsg_meta(t->b, NFT_META_L4PROTO);
	nftmsg_cmp_byte(t->b, NFT_CMP_EQ, IPPROTO_UDP);
	nftmsg_payload(t->b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(from));
	nftmsg_cmp(t->b, NFT_CMP_EQ, &from, sizeof(from));
	finish(t, r, NF_DROP);
}

static size_t icmp6_type(const struct nft *t, const char *link, uint8_t type)
{
	size_t r = nftmsg_rule(t, link);

	nftmsg_meta(t->b, NFT_META_L4PROTO);
	nftmsg_cmp_byte(t->b, NFT_CMP_EQ, IPPROTO_ICMPV6);
	nftmsg_payload(t->b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nftmsg_cmp_byte(t->b, NFT_CMP_EQ, type);
	return r;
}

static void is_none_of(struct nlbatch *b, const struct in6_addr *const *addrs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nftmsg_cmp(b, NFT_CMP_NEQ, addrs[i], sizeof(*addrs[i]));
}

static void ip6(const struct nft *t, const struct guard *g)
{
	const struct in6_addr link_local = { { { 0xfe, 0x80,
		[8] = g->mac[0] ^ 2, g->mac[1], g->mac[2], 0xff, 0xfe,
		g->mac[3], g->mac[4], g->mac[5] } } };
	const struct in6_addr *own[] = { g->addr6, &link_local, &any6 };
	size_t r = icmp6_type(t, g->link, ND_ROUTER_ADVERT);

	finish(t, r, NF_DROP);
	r = icmp6_type(t, g->link, ND_REDIRECT);
	finish(t, r, NF_DROP);

	r = icmp6_type(t, g->link, ND_NEIGHBOR_ADVERT);
	nftmsg_payload(t->b, NFT_PAYLOAD_TRANSPORT_HEADER, ND_TARGET, sizeof(*own[0]));
	is_none_of(t->b, own, 2);
	finish(t, r, NF_DROP);

	r = nftmsg_rule(t, g->link);
	is_type(t->b, ETH_P_IPV6);
	nftmsg_payload(t->b, NFT_PAYLOAD_NETWORK_HEADER, IP6_SOURCE, sizeof(*own[0]));
	is_none_of(t->b, own, 3);
	finish(t, r, NF_DROP);

	r = nftmsg_rule(t, g->link);
	is_type(t->b, ETH_P_IPV6);
	finish(t, r, NF_ACCEPT);
}

void guard_build(struct nlbatch *b, const struct guard *g)
{
	const struct nft t = { b, NFPROTO_NETDEV, "slirp" };
	const uint32_t none = INADDR_ANY;
	size_t r;

	nftmsg_begin(&t);
	nftmsg_table(&t);
	begin(&t, g->link);
	r = nftmsg_rule(&t, g->link);
	nftmsg_payload(b, NFT_PAYLOAD_LL_HEADER, MAC_SOURCE, 6);
	nftmsg_cmp(b, NFT_CMP_NEQ, g->mac, 6);
	finish(&t, r, NF_DROP);
	arp_from(&t, g, g->addr4);
	arp_from(&t, g, &none);
	no_server(&t, g->link, DHCP_SERVER);
	no_server(&t, g->link, DHCP6_SERVER);
	r = nftmsg_rule(&t, g->link);
	is_type(b, ETH_P_IP);
	nftmsg_payload(b, NFT_PAYLOAD_NETWORK_HEADER, IP4_SOURCE, sizeof(*g->addr4));
	nftmsg_cmp(b, NFT_CMP_EQ, g->addr4, sizeof(*g->addr4));
	finish(&t, r, NF_ACCEPT);
	if (g->addr6)
		ip6(&t, g);
	nftmsg_end(&t);
}

int guard_load(const struct guard *g, struct err *e)
{
	struct nlbatch b;
	unsigned int failed;
	int r;

	nlbatch_init(&b);
	guard_build(&b, g);
	r = nftmsg_send(&b, &failed);
	if (r >= 0)
		return 0;
	return err_msg(e, r, "keep containers apart (nftables at ingress): message %u: %s", failed,
		       strerror(-r));
}

void guard_remove(const char *link)
{
	struct nlbatch b;
	const struct nft t = { &b, NFPROTO_NETDEV, "slirp" };
	unsigned int failed;

	nlbatch_init(&b);
	nftmsg_begin(&t);
	nftmsg_add(&t, NFT_MSG_DELCHAIN, NLM_F_ACK);
	nlbatch_put_str(&b, NFTA_CHAIN_TABLE, t.table);
	nlbatch_put_str(&b, NFTA_CHAIN_NAME, link);
	nftmsg_end(&t);
	/* an older kernel has taken it away with the link */
	(void)nftmsg_send(&b, &failed);
}
