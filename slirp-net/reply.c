/* SPDX-License-Identifier: Apache-2.0
 *
 * reply - answers in somebody else's name: RST and ICMP errors
 */
#include "slirp-net/reply.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#include "slirp-net/frame.h"
#include "slirp-net/link.h"

#define QUOTE_MAX 128

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Ethernet and IP header of an answer; the payload follows. */
static size_t head(const uint8_t *in, const struct frame *f, uint8_t proto, size_t payload,
		   uint8_t *out)
{
	const uint8_t *ip = in + f->l3;
	uint8_t *o = out + FRAME_ETH;

	memcpy(out, in + 6, 6);
	memcpy(out + 6, in, 6);
	memcpy(out + 12, in + 12, 2);
	if (f->family == AF_INET) {
		memset(o, 0, 20);
		o[0] = 0x45;
		put16(o + 2, (uint16_t)(20 + payload));
		o[6] = 0x40;
		o[8] = 64;
		o[9] = proto;
		memcpy(o + 12, ip + 16, 4);
		memcpy(o + 16, ip + 12, 4);
		put16(o + 10, frame_csum_fold(frame_csum(o, 20, 0)));
		return FRAME_ETH + 20;
	}
	memset(o, 0, 40);
	o[0] = 0x60;
	put16(o + 4, (uint16_t)payload);
	o[6] = proto;
	o[7] = 64;
	memcpy(o + 8, ip + 24, 16);
	memcpy(o + 24, ip + 8, 16);
	return FRAME_ETH + 40;
}

/* Checksum over the payload that begins at @l4, pseudo header where there is one. */
static void finish(uint8_t *out, size_t l4, size_t payload, size_t csum_at, int family,
		   uint8_t proto)
{
	struct frame f = { .family = family, .proto = proto, .l3 = FRAME_ETH, .l4 = l4,
			   .l4_len = payload };
	uint64_t sum = proto == IPPROTO_ICMP ? 0 : frame_pseudo_sum(out, &f);

	put16(out + csum_at, frame_csum_fold(frame_csum(out + l4, payload, sum)));
}

int reply_build_rst(const uint8_t *syn, size_t len, uint8_t *out)
{
	struct frame f;
	const uint8_t *in;
	uint8_t *tcp;
	uint32_t ack;
	size_t l4;

	if (frame_parse(syn, len, &f) < 0 || !f.family || f.proto != IPPROTO_TCP || f.fragment ||
	    f.l4_len < sizeof(struct tcphdr))
		return -EBADMSG;
	in = syn + f.l4;
	l4 = head(syn, &f, IPPROTO_TCP, sizeof(struct tcphdr), out);
	tcp = out + l4;
	memset(tcp, 0, sizeof(struct tcphdr));
	memcpy(tcp, in + 2, 2);
	memcpy(tcp + 2, in, 2);
	ack = (uint32_t)in[4] << 24 | (uint32_t)in[5] << 16 | (uint32_t)in[6] << 8 | in[7];
	ack++;
	put16(tcp + 8, (uint16_t)(ack >> 16));
	put16(tcp + 10, (uint16_t)ack);
	tcp[12] = 5 << 4;
	tcp[13] = TH_RST | TH_ACK;
	finish(out, l4, sizeof(struct tcphdr), l4 + 16, f.family, IPPROTO_TCP);
	return (int)(l4 + sizeof(struct tcphdr));
}

static uint8_t code4(int error)
{
	switch (error) {
	case ENETUNREACH:
		return ICMP_UNREACH_NET;
	case ECONNREFUSED:
		return ICMP_UNREACH_PORT;
	case EACCES:
	case EPERM:
		return ICMP_UNREACH_FILTER_PROHIB;
	default:
		return ICMP_UNREACH_HOST;
	}
}

static uint8_t code6(int error)
{
	switch (error) {
	case ENETUNREACH:
		return ICMP6_DST_UNREACH_NOROUTE;
	case ECONNREFUSED:
		return ICMP6_DST_UNREACH_NOPORT;
	case EACCES:
	case EPERM:
		return ICMP6_DST_UNREACH_ADMIN;
	default:
		return ICMP6_DST_UNREACH_ADDR;
	}
}

int reply_build_unreach(const uint8_t *frame, size_t len, int error, uint8_t *out)
{
	struct frame f;
	uint8_t proto, *icmp;
	size_t l4, quote;

	if (frame_parse(frame, len, &f) < 0 || !f.family)
		return -EBADMSG;
	proto = f.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	quote = f.l4 - f.l3 + f.l4_len;
	if (quote > QUOTE_MAX)
		quote = QUOTE_MAX;
	l4 = head(frame, &f, proto, 8 + quote, out);
	icmp = out + l4;
	memset(icmp, 0, 8);
	icmp[0] = f.family == AF_INET ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH;
	icmp[1] = f.family == AF_INET ? code4(error) : code6(error);
	memcpy(icmp + 8, frame + f.l3, quote);
	finish(out, l4, 8 + quote, l4 + 2, f.family, proto);
	return (int)(l4 + 8 + quote);
}

void reply_tcp_error(struct link *l, const uint8_t *frame, size_t len, int error)
{
	static const struct virtio_net_hdr none;
	uint8_t out[REPLY_MAX];
	int n;

	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		n = reply_build_rst(frame, len, out);
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EAFNOSUPPORT:
	case EACCES:
	case EPERM:
		n = reply_build_unreach(frame, len, error == EAFNOSUPPORT ? ENETUNREACH : error,
					out);
		break;
	default:
		return;
	}
	if (n > 0)
		link_send(l, &none, out, (size_t)n);
}
