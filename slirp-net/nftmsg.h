/* SPDX-License-Identifier: Apache-2.0
 *
 * nftmsg - chains and rules as messages to nftables
 *
 * A message is begun with nftmsg_add() or one of its kin, and what is put next
 * belongs to it. A rule's expressions work on one register, in order: load,
 * compare, … , verdict. nlbatch.h says why there is no library.
 */
#ifndef SLIRP_NET_NFTMSG_H
#define SLIRP_NET_NFTMSG_H

#include <stddef.h>
#include <stdint.h>

#include "common/nlbatch.h"

/**
 * struct nft - where messages go
 * @b:		the batch
 * @family:	NFPROTO_* of the table
 * @table:	its name
 */
struct nft {
	struct nlbatch *b;
	uint8_t family;
	const char *table;
};

/**
 * nftmsg_begin() / nftmsg_end() - around all that happens at once or not at all
 */
void nftmsg_begin(const struct nft *t);
void nftmsg_end(const struct nft *t);

/**
 * nftmsg_add() - a message of any type, without attributes yet
 */
void nftmsg_add(const struct nft *t, uint16_t type, uint16_t flags);

void nftmsg_table(const struct nft *t);
void nftmsg_chain(const struct nft *t, const char *name);

/**
 * nftmsg_rule() - begin a rule behind the others of a chain
 * Return: for nftmsg_rule_end()
 */
size_t nftmsg_rule(const struct nft *t, const char *chain);
void nftmsg_rule_end(const struct nft *t, size_t rule);

/**
 * struct nftmsg_expr - an expression of a rule, while it is put together
 * @elem, @data: nests that are open
 */
struct nftmsg_expr {
	size_t elem, data;
};

struct nftmsg_expr nftmsg_expr(struct nlbatch *b, const char *name);
void nftmsg_expr_end(struct nlbatch *b, struct nftmsg_expr x);

/**
 * nftmsg_value() - bytes as an attribute of an expression
 */
void nftmsg_value(struct nlbatch *b, uint16_t attr, const void *data, size_t len);

/**
 * nftmsg_meta() - load NFT_META_*
 * nftmsg_payload() - load bytes of the header NFT_PAYLOAD_*
 * nftmsg_load() - load a value
 */
void nftmsg_meta(struct nlbatch *b, uint32_t key);
void nftmsg_payload(struct nlbatch *b, uint32_t header, uint32_t offset, uint32_t len);
void nftmsg_load(struct nlbatch *b, const void *data, size_t len);

/**
 * nftmsg_cmp() / nftmsg_cmp_byte() - go on only if NFT_CMP_*
 */
void nftmsg_cmp(struct nlbatch *b, uint32_t op, const void *data, size_t len);
void nftmsg_cmp_byte(struct nlbatch *b, uint32_t op, uint8_t v);

/**
 * nftmsg_from() - go on only if it came in by that link
 */
void nftmsg_from(struct nlbatch *b, const char *link);

/**
 * nftmsg_verdict() - NF_ACCEPT, NF_DROP, or NFT_JUMP to a chain
 */
void nftmsg_verdict(struct nlbatch *b, int code, const char *to);

/**
 * nftmsg_send() - run the batch in the network namespace we are in
 * @ret_failed:	as with nlbatch_run()
 * Return: 0, -errno
 */
int nftmsg_send(struct nlbatch *b, unsigned int *ret_failed);

#endif
