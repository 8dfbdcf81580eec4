/* SPDX-License-Identifier: Apache-2.0
 *
 * dnsmsg - the little of a DNS message that we look at; pure
 */
#ifndef SLIRP_NET_DNSMSG_H
#define SLIRP_NET_DNSMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slirp-net/addr.h"

#define DNSMSG_HEADER 12
#define DNSMSG_NAME_MAX 254

enum dnsmsg_rcode {
	DNSMSG_OK = 0,
	DNSMSG_SERVFAIL = 2,
	DNSMSG_REFUSED = 5,
};

/**
 * dnsmsg_question() - the name asked for, lower case, without the last dot
 * @ret_end:	offset behind the question
 * Return: 0, -EBADMSG when there is not exactly one question
 */
int dnsmsg_question(const uint8_t *msg, size_t len, char name[DNSMSG_NAME_MAX], size_t *ret_end);

/**
 * dnsmsg_same_question() - does the answer repeat the question that was asked
 */
bool dnsmsg_same_question(const uint8_t *query, size_t query_len, const uint8_t *answer,
			  size_t answer_len);

/**
 * dnsmsg_addr_fn - called for each address in the answer section
 */
typedef void dnsmsg_addr_fn(void *ctx, const union addr *a, uint32_t ttl);

/**
 * dnsmsg_addrs() - find the A and AAAA records of an answer
 * Return: 0, -EBADMSG when it is cut short (those before were called)
 */
int dnsmsg_addrs(const uint8_t *msg, size_t len, dnsmsg_addr_fn *fn, void *ctx);

/**
 * dnsmsg_error() - turn a query in place into an answer that says no
 * Return: its length (header and question)
 */
size_t dnsmsg_error(uint8_t *query, size_t len, enum dnsmsg_rcode rcode);

/**
 * dnsmsg_answer() - turn a query in place into an answer with addresses
 * @room:	of the buffer that @query is in; what does not fit is left out
 * @addrs:	those of the family that is asked for count
 * @ttl:	seconds
 * Return: its length, as dnsmsg_error() when none counts
 */
size_t dnsmsg_answer(uint8_t *query, size_t len, size_t room, const union addr *addrs, size_t n,
		     uint32_t ttl);

#endif
