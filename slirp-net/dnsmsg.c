/* SPDX-License-Identifier: Apache-2.0
 *
 * dnsmsg - the little of a DNS message that we look at; pure
 */
#include "slirp-net/dnsmsg.h"

#include <errno.h>
#include <string.h>

#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
#define FLAG_QR 0x80
#define FLAG_RD 0x01
#define FLAG_RA 0x80
#define OPCODE 0x78

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int dnsmsg_question(const uint8_t *msg, size_t len, char name[DNSMSG_NAME_MAX], size_t *ret_end)
{
	size_t at = DNSMSG_HEADER, out = 0;

	if (len < DNSMSG_HEADER || get16(msg + 4) != 1)
		return -EBADMSG;
	for (;;) {
		size_t n;

		if (at >= len)
			return -EBADMSG;
		n = msg[at++];
		if (!n)
			break;
		/* a question is never compressed: there is nothing before it */
		if (n > 63 || n > len - at || out + n + 1 >= DNSMSG_NAME_MAX)
			return -EBADMSG;
		if (out)
			name[out++] = '.';
		for (size_t i = 0; i < n; i++) {
			char c = (char)msg[at + i];

			/* a dot inside a label would read as another name */
			if (c == '.' || c == '\0')
				return -EBADMSG;
			name[out++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		}
		at += n;
	}
	if (len - at < 4)
		return -EBADMSG;
	name[out] = '\0';
	*ret_end = at + 4;
	return 0;
}

bool dnsmsg_same_question(const uint8_t *query, size_t query_len, const uint8_t *answer,
			  size_t answer_len)
{
	char a[DNSMSG_NAME_MAX], b[DNSMSG_NAME_MAX];
	size_t a_end, b_end;

	if (dnsmsg_question(query, query_len, a, &a_end) < 0 ||
	    dnsmsg_question(answer, answer_len, b, &b_end) < 0)
		return false;
	return answer[2] & FLAG_QR && strcmp(a, b) == 0 &&
	       memcmp(query + a_end - 4, answer + b_end - 4, 4) == 0;
}

/* Past a name that may be compressed. */
static int skip_name(const uint8_t *msg, size_t len, size_t *at)
{
	while (*at < len) {
		uint8_t n = msg[(*at)++];

		if (!n)
			return 0;
		if (n >= 0xc0) {
			(*at)++;
			return *at <= len ? 0 : -EBADMSG;
		}
		if (n > 63)
			return -EBADMSG;
		*at += n;
	}
	return -EBADMSG;
}

int dnsmsg_addrs(const uint8_t *msg, size_t len, dnsmsg_addr_fn *fn, void *ctx)
{
	char name[DNSMSG_NAME_MAX];
	unsigned int count;
	size_t at;

	if (dnsmsg_question(msg, len, name, &at) < 0)
		return -EBADMSG;
	count = get16(msg + 6);
	while (count--) {
		uint16_t type, class, size;
		uint32_t ttl;

		if (skip_name(msg, len, &at) < 0 || len - at < 10)
			return -EBADMSG;
		type = get16(msg + at);
		class = get16(msg + at + 2);
		ttl = (uint32_t)get16(msg + at + 4) << 16 | get16(msg + at + 6);
		size = get16(msg + at + 8);
		at += 10;
		if (size > len - at)
			return -EBADMSG;
		if (class == CLASS_IN && type == TYPE_A && size == 4) {
			struct in_addr in;
			union addr a;

			memcpy(&in, msg + at, 4);
			a = addr4(in, 0);
			fn(ctx, &a, ttl);
		} else if (class == CLASS_IN && type == TYPE_AAAA && size == 16) {
			struct in6_addr in6;
			union addr a;

			memcpy(&in6, msg + at, 16);
			a = addr6(&in6, 0);
			fn(ctx, &a, ttl);
		}
		at += size;
	}
	return 0;
}

size_t dnsmsg_error(uint8_t *query, size_t len, enum dnsmsg_rcode rcode)
{
	char name[DNSMSG_NAME_MAX];
	size_t end;

	if (len < DNSMSG_HEADER)
		return 0;
	if (dnsmsg_question(query, len, name, &end) < 0) {
		end = DNSMSG_HEADER;
		memset(query + 4, 0, 2);
	}
	query[2] = (uint8_t)(FLAG_QR | (query[2] & (OPCODE | FLAG_RD)));
	query[3] = (uint8_t)(FLAG_RA | rcode);
	memset(query + 6, 0, 6);
	return end;
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* One resource record about the name in the question. */
static size_t put_addr(uint8_t *at, const union addr *a, uint32_t ttl)
{
	bool is4 = a->sa.sa_family == AF_INET;
	size_t size = is4 ? 4 : 16;

	put16(at, 0xc000 | DNSMSG_HEADER);
	put16(at + 2, is4 ? TYPE_A : TYPE_AAAA);
	put16(at + 4, CLASS_IN);
	put16(at + 6, ttl >> 16);
	put16(at + 8, ttl & 0xffff);
	put16(at + 10, (unsigned int)size);
	memcpy(at + 12, is4 ? (const void *)&a->v4.sin_addr : (const void *)&a->v6.sin6_addr, size);
	return 12 + size;
}

size_t dnsmsg_answer(uint8_t *query, size_t len, size_t room, const union addr *addrs, size_t n,
		     uint32_t ttl)
{
	char name[DNSMSG_NAME_MAX];
	unsigned int type, count = 0;
	size_t end;

	if (dnsmsg_question(query, len, name, &end) < 0)
		return dnsmsg_error(query, len, DNSMSG_SERVFAIL);
	type = get16(query + end - 4);
	end = dnsmsg_error(query, len, DNSMSG_OK);
	for (size_t i = 0; i < n && room - end >= 12 + 16; i++) {
		int family = type == TYPE_A ? AF_INET : type == TYPE_AAAA ? AF_INET6 : AF_UNSPEC;

		if (addrs[i].sa.sa_family != family)
			continue;
		end += put_addr(query + end, &addrs[i], ttl);
		count++;
	}
	put16(query + 6, count);
	return end;
}
