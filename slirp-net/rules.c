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
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/nlbatch.h"

#define TABLE "slirp"
#define PREROUTING "prerouting"
#define FROM_CONTAINER "from_container"
#define PRIORITY_MANGLE (-150)
#define TCP_FLAGS_AT 13
#define TCP_FLAGS (TH_FIN | TH_SYN | TH_RST | TH_ACK)
#define MARK 1

static void message(struct nlbatch *b, uint16_t type, uint16_t flags)
{
	struct nfgenmsg m = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };

	nlbatch_add(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &m, sizeof(m));
}

static void batch_edge(struct nlbatch *b, uint16_t type)
{
	struct nfgenmsg m = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0,
			      .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	nlbatch_add(b, type, 0, &m, sizeof(m));
}

static void chain(struct nlbatch *b, const char *name)
{
	message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
	nlbatch_put_str(b, NFTA_CHAIN_TABLE, TABLE);
	nlbatch_put_str(b, NFTA_CHAIN_NAME, name);
}

static void hook_prerouting(struct nlbatch *b)
{
	size_t hook = nlbatch_nest(b, NFTA_CHAIN_HOOK);

	nlbatch_put_be32(b, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	nlbatch_put_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY_MANGLE);
	nlbatch_nest_end(b, hook);
	nlbatch_put_be32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nlbatch_put_str(b, NFTA_CHAIN_TYPE, "filter");
}

/**
 * struct expr - an expression of a rule, while it is put together
 * @elem, @data: nests that are open
 */
struct expr {
	size_t elem, data;
};

static struct expr expr(struct nlbatch *b, const char *name)
{
	struct expr x = { .elem = nlbatch_nest(b, NFTA_LIST_ELEM) };

	nlbatch_put_str(b, NFTA_EXPR_NAME, name);
	x.data = nlbatch_nest(b, NFTA_EXPR_DATA);
	return x;
}

static void expr_end(struct nlbatch *b, struct expr x)
{
	nlbatch_nest_end(b, x.data);
	nlbatch_nest_end(b, x.elem);
}

static size_t rule(struct nlbatch *b, const char *in_chain)
{
	message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	nlbatch_put_str(b, NFTA_RULE_TABLE, TABLE);
	nlbatch_put_str(b, NFTA_RULE_CHAIN, in_chain);
	return nlbatch_nest(b, NFTA_RULE_EXPRESSIONS);
}

static void value(struct nlbatch *b, uint16_t attr, const void *data, size_t len)
{
	size_t nest = nlbatch_nest(b, attr);

	nlbatch_put(b, NFTA_DATA_VALUE, data, len);
	nlbatch_nest_end(b, nest);
}

static void load_meta(struct nlbatch *b, uint32_t key)
{
	struct expr x = expr(b, "meta");

	nlbatch_put_be32(b, NFTA_META_KEY, key);
	nlbatch_put_be32(b, NFTA_META_DREG, NFT_REG_1);
	expr_end(b, x);
}

static void load_transport(struct nlbatch *b, uint32_t offset, uint32_t len)
{
	struct expr x = expr(b, "payload");

	nlbatch_put_be32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nlbatch_put_be32(b, NFTA_PAYLOAD_OFFSET, offset);
	nlbatch_put_be32(b, NFTA_PAYLOAD_LEN, len);
	expr_end(b, x);
}

static void load_value(struct nlbatch *b, const void *data, size_t len)
{
	struct expr x = expr(b, "immediate");

	nlbatch_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	value(b, NFTA_IMMEDIATE_DATA, data, len);
	expr_end(b, x);
}

static void compare(struct nlbatch *b, uint32_t op, const void *data, size_t len)
{
	struct expr x = expr(b, "cmp");

	nlbatch_put_be32(b, NFTA_CMP_SREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_CMP_OP, op);
	value(b, NFTA_CMP_DATA, data, len);
	expr_end(b, x);
}

static void compare_byte(struct nlbatch *b, uint32_t op, uint8_t v)
{
	compare(b, op, &v, sizeof(v));
}

static void from_link(struct nlbatch *b, const char *link)
{
	char name[IFNAMSIZ] = "";

	memcpy(name, link, strnlen(link, sizeof(name) - 1));
	load_meta(b, NFT_META_IIFNAME);
	compare(b, NFT_CMP_EQ, name, sizeof(name));
}

static void verdict(struct nlbatch *b, int code, const char *to)
{
	struct expr x = expr(b, "immediate");
	size_t data, nest;

	nlbatch_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nlbatch_nest(b, NFTA_IMMEDIATE_DATA);
	nest = nlbatch_nest(b, NFTA_DATA_VERDICT);
	nlbatch_put_be32(b, NFTA_VERDICT_CODE, (uint32_t)code);
	if (to)
		nlbatch_put_str(b, NFTA_VERDICT_CHAIN, to);
	nlbatch_nest_end(b, nest);
	nlbatch_nest_end(b, data);
	expr_end(b, x);
}

/* tcp flags & (fin | syn | rst | ack) @op syn */
static void tcp_bare_syn(struct nlbatch *b, uint32_t op)
{
	static const uint8_t mask = TCP_FLAGS, none;
	struct expr x;

	load_meta(b, NFT_META_L4PROTO);
	compare_byte(b, NFT_CMP_EQ, IPPROTO_TCP);
	load_transport(b, TCP_FLAGS_AT, 1);
	x = expr(b, "bitwise");
	nlbatch_put_be32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_BITWISE_LEN, sizeof(mask));
	value(b, NFTA_BITWISE_MASK, &mask, sizeof(mask));
	value(b, NFTA_BITWISE_XOR, &none, sizeof(none));
	expr_end(b, x);
	compare_byte(b, op, TH_SYN);
}

static void from_container(struct nlbatch *b)
{
	size_t r = rule(b, FROM_CONTAINER);
	struct expr x;

	tcp_bare_syn(b, NFT_CMP_NEQ);
	verdict(b, NF_ACCEPT, NULL);
	nlbatch_nest_end(b, r);

	r = rule(b, FROM_CONTAINER);
	load_meta(b, NFT_META_L4PROTO);
	compare_byte(b, NFT_CMP_EQ, IPPROTO_UDP);
	x = expr(b, "socket");
	nlbatch_put_be32(b, NFTA_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
	nlbatch_put_be32(b, NFTA_SOCKET_DREG, NFT_REG_1);
	expr_end(b, x);
	compare_byte(b, NFT_CMP_EQ, 1);
	verdict(b, NF_ACCEPT, NULL);
	nlbatch_nest_end(b, r);

	r = rule(b, FROM_CONTAINER);
	load_meta(b, NFT_META_NFPROTO);
	compare_byte(b, NFT_CMP_EQ, NFPROTO_IPV6);
	load_meta(b, NFT_META_L4PROTO);
	compare_byte(b, NFT_CMP_EQ, IPPROTO_ICMPV6);
	load_transport(b, 0, 1);
	compare_byte(b, NFT_CMP_GTE, ND_NEIGHBOR_SOLICIT);
	compare_byte(b, NFT_CMP_LTE, ND_NEIGHBOR_ADVERT);
	verdict(b, NF_ACCEPT, NULL);
	nlbatch_nest_end(b, r);

	r = rule(b, FROM_CONTAINER);
	verdict(b, NF_DROP, NULL);
	nlbatch_nest_end(b, r);
}

static void admitted(struct nlbatch *b, uint16_t port)
{
	const uint32_t mark = MARK;
	const uint16_t to = htons(port);
	size_t r = rule(b, PREROUTING);
	struct expr x;

	from_link(b, "lo");
	tcp_bare_syn(b, NFT_CMP_EQ);
	load_value(b, &mark, sizeof(mark));
	x = expr(b, "meta");
	nlbatch_put_be32(b, NFTA_META_KEY, NFT_META_MARK);
	nlbatch_put_be32(b, NFTA_META_SREG, NFT_REG_1);
	expr_end(b, x);
	load_value(b, &to, sizeof(to));
	x = expr(b, "tproxy");
	nlbatch_put_be32(b, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nlbatch_put_be32(b, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	expr_end(b, x);
	nlbatch_nest_end(b, r);
}

void rules_build(struct nlbatch *b, const char *link, uint16_t port)
{
	size_t r;

	batch_edge(b, NFNL_MSG_BATCH_BEGIN);
	message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
	nlbatch_put_str(b, NFTA_TABLE_NAME, TABLE);
	chain(b, FROM_CONTAINER);
	from_container(b);
	chain(b, PREROUTING);
	hook_prerouting(b);
	r = rule(b, PREROUTING);
	from_link(b, link);
	verdict(b, NFT_JUMP, FROM_CONTAINER);
	nlbatch_nest_end(b, r);
	admitted(b, port);
	batch_edge(b, NFNL_MSG_BATCH_END);
}

int rules_load(const char *link, uint16_t port, struct err *e)
{
	auto_close int fd = nlbatch_open(NETLINK_NETFILTER);
	struct nlbatch b;
	unsigned int failed = 0;
	int r = fd;

	if (fd >= 0) {
		nlbatch_init(&b);
		rules_build(&b, link, port);
		r = nlbatch_run(&b, fd, &failed);
	}
	if (r >= 0)
		return 0;
	return err_msg(e, -EOPNOTSUPP,
		       "the packet filter (nftables with tproxy) cannot be loaded: message %u: %s",
		       failed, strerror(-r));
}
