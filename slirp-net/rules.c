/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - the packet filter of the gateway namespace
 *
 * How it works: from the container, TCP that is not a bare SYN goes to the
 * sockets of this namespace, whatever its address; so do answers to sockets
 * of published UDP ports, and neighbour discovery. All else ends here: bare
 * SYNs and every other packet were seen by slirp-net on its packet socket. A
 * SYN that slirp-net has admitted it writes to lo, and only there a SYN finds
 * the listener.
 *
 * In the words of nft(8):
 *
 *   table inet slirp {
 *     chain from_container {
 *       meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn accept
 *       meta l4proto udp socket transparent 1 accept
 *       meta nfproto ipv6 icmpv6 type nd-neighbor-solicit-nd-neighbor-advert accept
 *       drop
 *     }
 *     chain prerouting {
 *       type filter hook prerouting priority mangle; policy accept;
 *       iifname LINK jump from_container
 *       iifname "lo" tcp flags & (fin | syn | rst | ack) == syn
 *           meta mark set 1 tproxy to :PORT
 *     }
 *   }
 *
 * They go to the kernel as they are, without libnftables: nlbatch.h says why.
 */
#include "slirp-net/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "common/nlbatch.h"
#include "slirp-net/nftmsg.h"

#define PREROUTING "prerouting"
#define FROM_CONTAINER "from_container"
#define PRIORITY_MANGLE (-150)
#define TCP_FLAGS_AT 13
#define TCP_FLAGS (TH_FIN | TH_SYN | TH_RST | TH_ACK)
#define MARK 1

static void hook_prerouting(struct nlbatch *b)
{
	size_t hook = nlbatch_nest(b, NFTA_CHAIN_HOOK);

	nlbatch_put_be32(b, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	nlbatch_put_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY_MANGLE);
	nlbatch_nest_end(b, hook);
	nlbatch_put_be32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nlbatch_put_str(b, NFTA_CHAIN_TYPE, "filter");
}

/* tcp flags & (fin | syn | rst | ack) @op syn */
static void tcp_bare_syn(struct nlbatch *b, uint32_t op)
{
	static const uint8_t mask = TCP_FLAGS, none;
	struct nftmsg_expr x;

	nftmsg_meta(b, NFT_META_L4PROTO);
	nftmsg_cmp_byte(b, NFT_CMP_EQ, IPPROTO_TCP);
	nftmsg_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, 1);
	x = nftmsg_expr(b, "bitwise");
	nlbatch_put_be32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_BITWISE_LEN, sizeof(mask));
	nftmsg_value(b, NFTA_BITWISE_MASK, &mask, sizeof(mask));
	nftmsg_value(b, NFTA_BITWISE_XOR, &none, sizeof(none));
	nftmsg_expr_end(b, x);
	nftmsg_cmp_byte(b, op, TH_SYN);
}

static void from_container(const struct nft *t)
{
	struct nlbatch *b = t->b;
	size_t r = nftmsg_rule(t, FROM_CONTAINER);
	struct nftmsg_expr x;

	tcp_bare_syn(b, NFT_CMP_NEQ);
	nftmsg_verdict(b, NF_ACCEPT, NULL);
	nftmsg_rule_end(t, r);

	r = nftmsg_rule(t, FROM_CONTAINER);
	nftmsg_meta(b, NFT_META_L4PROTO);
	nftmsg_cmp_byte(b, NFT_CMP_EQ, IPPROTO_UDP);
	x = nftmsg_expr(b, "socket");
	nlbatch_put_be32(b, NFTA_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
	nlbatch_put_be32(b, NFTA_SOCKET_DREG, NFT_REG_1);
	nftmsg_expr_end(b, x);
	nftmsg_cmp_byte(b, NFT_CMP_EQ, 1);
	nftmsg_verdict(b, NF_ACCEPT, NULL);
	nftmsg_rule_end(t, r);

	r = nftmsg_rule(t, FROM_CONTAINER);
	nftmsg_meta(b, NFT_META_NFPROTO);
	nftmsg_cmp_byte(b, NFT_CMP_EQ, NFPROTO_IPV6);
	nftmsg_meta(b, NFT_META_L4PROTO);
	nftmsg_cmp_byte(b, NFT_CMP_EQ, IPPROTO_ICMPV6);
	nftmsg_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nftmsg_cmp_byte(b, NFT_CMP_GTE, ND_NEIGHBOR_SOLICIT);
	nftmsg_cmp_byte(b, NFT_CMP_LTE, ND_NEIGHBOR_ADVERT);
	nftmsg_verdict(b, NF_ACCEPT, NULL);
	nftmsg_rule_end(t, r);

	r = nftmsg_rule(t, FROM_CONTAINER);
	nftmsg_verdict(b, NF_DROP, NULL);
	nftmsg_rule_end(t, r);
}

static void admitted(const struct nft *t, uint16_t port)
{
	const uint32_t mark = MARK;
	const uint16_t to = htons(port);
	size_t r = nftmsg_rule(t, PREROUTING);
	struct nlbatch *b = t->b;
	struct nftmsg_expr x;

	nftmsg_from(b, "lo");
	tcp_bare_syn(b, NFT_CMP_EQ);
	nftmsg_load(b, &mark, sizeof(mark));
	x = nftmsg_expr(b, "meta");
	nlbatch_put_be32(b, NFTA_META_KEY, NFT_META_MARK);
	nlbatch_put_be32(b, NFTA_META_SREG, NFT_REG_1);
	nftmsg_expr_end(b, x);
	nftmsg_load(b, &to, sizeof(to));
	x = nftmsg_expr(b, "tproxy");
	nlbatch_put_be32(b, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nlbatch_put_be32(b, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	nftmsg_expr_end(b, x);
	nftmsg_rule_end(t, r);
}

void rules_build(struct nlbatch *b, const char *link, uint16_t port)
{
	const struct nft t = { b, NFPROTO_INET, "slirp" };
	size_t r;

	nftmsg_begin(&t);
	nftmsg_table(&t);
	nftmsg_chain(&t, FROM_CONTAINER);
	from_container(&t);
	nftmsg_chain(&t, PREROUTING);
	hook_prerouting(b);
	r = nftmsg_rule(&t, PREROUTING);
	nftmsg_from(b, link);
	nftmsg_verdict(b, NFT_JUMP, FROM_CONTAINER);
	nftmsg_rule_end(&t, r);
	admitted(&t, port);
	nftmsg_end(&t);
}

int rules_load(const char *link, uint16_t port, struct err *e)
{
	struct nlbatch b;
	unsigned int failed;
	int r;

	nlbatch_init(&b);
	rules_build(&b, link, port);
	r = nftmsg_send(&b, &failed);
	if (r >= 0)
		return 0;
	return err_msg(e, -EOPNOTSUPP,
		       "the packet filter (nftables with tproxy) cannot be loaded: message %u: %s",
		       failed, strerror(-r));
}
