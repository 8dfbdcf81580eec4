/* SPDX-License-Identifier: Apache-2.0
 *
 * nftmsg - chains and rules as messages to nftables
 */
#include "slirp-net/nftmsg.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"

void nftmsg_add(const struct nft *t, uint16_t type, uint16_t flags)
{
	struct nfgenmsg m = { .nfgen_family = t->family, .version = NFNETLINK_V0 };

	nlbatch_add(t->b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &m, sizeof(m));
}

static void edge(struct nlbatch *b, uint16_t type)
{
	struct nfgenmsg m = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0,
			      .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	nlbatch_add(b, type, 0, &m, sizeof(m));
}

void nftmsg_begin(const struct nft *t)
{
	edge(t->b, NFNL_MSG_BATCH_BEGIN);
}

void nftmsg_end(const struct nft *t)
{
	edge(t->b, NFNL_MSG_BATCH_END);
}

void nftmsg_table(const struct nft *t)
{
	nftmsg_add(t, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
	nlbatch_put_str(t->b, NFTA_TABLE_NAME, t->table);
}

void nftmsg_chain(const struct nft *t, const char *name)
{
	nftmsg_add(t, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
	nlbatch_put_str(t->b, NFTA_CHAIN_TABLE, t->table);
	nlbatch_put_str(t->b, NFTA_CHAIN_NAME, name);
}

size_t nftmsg_rule(const struct nft *t, const char *chain)
{
	nftmsg_add(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	nlbatch_put_str(t->b, NFTA_RULE_TABLE, t->table);
	nlbatch_put_str(t->b, NFTA_RULE_CHAIN, chain);
	return nlbatch_nest(t->b, NFTA_RULE_EXPRESSIONS);
}

void nftmsg_rule_end(const struct nft *t, size_t rule)
{
	nlbatch_nest_end(t->b, rule);
}

struct nftmsg_expr nftmsg_expr(struct nlbatch *b, const char *name)
{
	struct nftmsg_expr x = { .elem = nlbatch_nest(b, NFTA_LIST_ELEM) };

	nlbatch_put_str(b, NFTA_EXPR_NAME, name);
	x.data = nlbatch_nest(b, NFTA_EXPR_DATA);
	return x;
}

void nftmsg_expr_end(struct nlbatch *b, struct nftmsg_expr x)
{
	nlbatch_nest_end(b, x.data);
	nlbatch_nest_end(b, x.elem);
}

void nftmsg_value(struct nlbatch *b, uint16_t attr, const void *data, size_t len)
{
	size_t nest = nlbatch_nest(b, attr);

	nlbatch_put(b, NFTA_DATA_VALUE, data, len);
	nlbatch_nest_end(b, nest);
}

void nftmsg_meta(struct nlbatch *b, uint32_t key)
{
	struct nftmsg_expr x = nftmsg_expr(b, "meta");

	nlbatch_put_be32(b, NFTA_META_KEY, key);
	nlbatch_put_be32(b, NFTA_META_DREG, NFT_REG_1);
	nftmsg_expr_end(b, x);
}

void nftmsg_payload(struct nlbatch *b, uint32_t header, uint32_t offset, uint32_t len)
{
	struct nftmsg_expr x = nftmsg_expr(b, "payload");

	nlbatch_put_be32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_PAYLOAD_BASE, header);
	nlbatch_put_be32(b, NFTA_PAYLOAD_OFFSET, offset);
	nlbatch_put_be32(b, NFTA_PAYLOAD_LEN, len);
	nftmsg_expr_end(b, x);
}

void nftmsg_load(struct nlbatch *b, const void *data, size_t len)
{
	struct nftmsg_expr x = nftmsg_expr(b, "immediate");

	nlbatch_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nftmsg_value(b, NFTA_IMMEDIATE_DATA, data, len);
	nftmsg_expr_end(b, x);
}

void nftmsg_cmp(struct nlbatch *b, uint32_t op, const void *data, size_t len)
{
	struct nftmsg_expr x = nftmsg_expr(b, "cmp");

	nlbatch_put_be32(b, NFTA_CMP_SREG, NFT_REG_1);
	nlbatch_put_be32(b, NFTA_CMP_OP, op);
	nftmsg_value(b, NFTA_CMP_DATA, data, len);
	nftmsg_expr_end(b, x);
}

void nftmsg_cmp_byte(struct nlbatch *b, uint32_t op, uint8_t v)
{
	nftmsg_cmp(b, op, &v, sizeof(v));
}

void nftmsg_from(struct nlbatch *b, const char *link)
{
	char name[IFNAMSIZ] = "";

	memcpy(name, link, strnlen(link, sizeof(name) - 1));
	nftmsg_meta(b, NFT_META_IIFNAME);
	nftmsg_cmp(b, NFT_CMP_EQ, name, sizeof(name));
}

void nftmsg_verdict(struct nlbatch *b, int code, const char *to)
{
	struct nftmsg_expr x = nftmsg_expr(b, "immediate");
	size_t data, nest;

	nlbatch_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nlbatch_nest(b, NFTA_IMMEDIATE_DATA);
	nest = nlbatch_nest(b, NFTA_DATA_VERDICT);
	nlbatch_put_be32(b, NFTA_VERDICT_CODE, (uint32_t)code);
	if (to)
		nlbatch_put_str(b, NFTA_VERDICT_CHAIN, to);
	nlbatch_nest_end(b, nest);
	nlbatch_nest_end(b, data);
	nftmsg_expr_end(b, x);
}

int nftmsg_send(struct nlbatch *b, unsigned int *ret_failed)
{
	auto_close int fd = nlbatch_open(NETLINK_NETFILTER);

	*ret_failed = 0;
	return fd < 0 ? fd : nlbatch_run(b, fd, ret_failed);
}
