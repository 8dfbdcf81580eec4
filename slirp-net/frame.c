/* SPDX-License-Identifier: Apache-2.0
 *
 * frame - Ethernet frames with a vnet header: checksums and segments; pure
 */
#include "slirp-net/frame.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#define IP6_EXT_MAX 8

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint64_t frame_csum(const uint8_t *p, size_t len, uint64_t start)
{
	uint64_t a = start, b = 0, c = 0, d = 0;
	uint64_t w[4];
	uint32_t t;

	/* words are summed in memory order; the fold turns the result around */
	for (; len >= 32; len -= 32, p += 32) {
		memcpy(w, p, 32);
		a += (w[0] & 0xffffffffu) + (w[0] >> 32);
		b += (w[1] & 0xffffffffu) + (w[1] >> 32);
		c += (w[2] & 0xffffffffu) + (w[2] >> 32);
		d += (w[3] & 0xffffffffu) + (w[3] >> 32);
	}
	a += b + c + d;
	for (; len >= 4; len -= 4, p += 4) {
		memcpy(&t, p, 4);
		a += t;
	}
	if (len) {
		t = 0;
		memcpy(&t, p, len);
		a += t;
	}
	return a;
}

uint16_t frame_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)~ntohs((uint16_t)sum);
}

static int parse4(const uint8_t *data, size_t len, struct frame *f)
{
	const uint8_t *ip = data + f->l3;
	size_t left = len - f->l3, hlen, total;

	if (left < sizeof(struct iphdr) || ip[0] >> 4 != 4)
		return -EBADMSG;
	hlen = (size_t)(ip[0] & 15) * 4;
	total = get16(ip + 2);
	if (hlen < sizeof(struct iphdr) || total < hlen || total > left)
		return -EBADMSG;
	f->family = AF_INET;
	f->proto = ip[9];
	f->fragment = get16(ip + 6) & 0x3fff;
	f->l4 = f->l3 + hlen;
	f->l4_len = total - hlen;
	return 0;
}

static int parse6(const uint8_t *data, size_t len, struct frame *f)
{
	const uint8_t *ip = data + f->l3;
	size_t left = len - f->l3, at = sizeof(struct ip6_hdr), end;
	uint8_t next;

	if (left < at || ip[0] >> 4 != 6)
		return -EBADMSG;
	end = at + get16(ip + 4);
	if (end > left)
		return -EBADMSG;
	next = ip[6];
	for (int i = 0; i < IP6_EXT_MAX; i++) {
		if (next == IPPROTO_FRAGMENT)
			f->fragment = true;
		else if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
			 next != IPPROTO_DSTOPTS)
			break;
		if (end - at < 8)
			return -EBADMSG;
		next = ip[at];
		at += f->fragment ? 8 : (size_t)(ip[at + 1] + 1) * 8;
		if (at > end)
			return -EBADMSG;
		if (f->fragment)
			break;
	}
	f->family = AF_INET6;
	f->proto = next;
	f->l4 = f->l3 + at;
	f->l4_len = end - at;
	return 0;
}

int frame_parse(const uint8_t *data, size_t len, struct frame *ret)
{
	struct frame f = { 0 };
	int r = 0;

	if (len < FRAME_ETH)
		return -EBADMSG;
	f.eth_type = get16(data + 12);
	f.l3 = FRAME_ETH;
	if (f.eth_type == ETH_P_IP)
		r = parse4(data, len, &f);
	else if (f.eth_type == ETH_P_IPV6)
		r = parse6(data, len, &f);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

static union addr address(const uint8_t *data, const struct frame *f, size_t at4, size_t at6,
			  size_t port_at)
{
	bool has_port = !f->fragment && f->l4_len >= 4 &&
			(f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP);
	uint16_t port = has_port ? get16(data + f->l4 + port_at) : 0;
	struct in_addr in;
	struct in6_addr in6;

	if (f->family == AF_INET) {
		memcpy(&in, data + f->l3 + at4, sizeof(in));
		return addr4(in, port);
	}
	memcpy(&in6, data + f->l3 + at6, sizeof(in6));
	return addr6(&in6, port);
}

union addr frame_src(const uint8_t *data, const struct frame *f)
{
	return address(data, f, 12, 8, 0);
}

union addr frame_dst(const uint8_t *data, const struct frame *f)
{
	return address(data, f, 16, 24, 2);
}

uint8_t frame_tos(const uint8_t *data, const struct frame *f)
{
	const uint8_t *ip = data + f->l3;

	return f->family == AF_INET ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

bool frame_is_syn(const uint8_t *data, const struct frame *f)
{
	return f->family && f->proto == IPPROTO_TCP && !f->fragment &&
	       f->l4_len >= sizeof(struct tcphdr) &&
	       (data[f->l4 + 13] & (TH_FIN | TH_SYN | TH_RST | TH_ACK)) == TH_SYN;
}

uint64_t frame_pseudo_sum(const uint8_t *data, const struct frame *f)
{
	const uint8_t *ip = data + f->l3;
	uint64_t sum = f->family == AF_INET ? frame_csum(ip + 12, 8, 0) : frame_csum(ip + 8, 32, 0);

	return sum + htons(f->proto) + htonl((uint32_t)f->l4_len);
}

bool frame_udp_csum_fits(const uint8_t *data, const struct frame *f)
{
	if (f->l4_len < 8)
		return false;
	if (!get16(data + f->l4 + 6))
		return f->family == AF_INET;
	return frame_csum_fold(frame_csum(data + f->l4, f->l4_len, frame_pseudo_sum(data, f))) == 0;
}

int frame_complete_csum(const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	size_t start = h->csum_start, at = start + h->csum_offset;
	uint16_t sum;

	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return 0;
	if (start >= len || at + 2 > len)
		return -EBADMSG;
	/* the field holds the pseudo header's sum, so it takes part as it is */
	sum = frame_csum_fold(frame_csum(data + start, len - start, 0));
	put16(data + at, sum ? sum : 0xffff);
	return 0;
}

static bool is_tcp(const uint8_t *data, size_t len, struct frame *f)
{
	return frame_parse(data, len, f) == 0 && f->family && f->proto == IPPROTO_TCP &&
	       !f->fragment && f->l4_len >= sizeof(struct tcphdr);
}

void frame_raise_mss(const struct virtio_net_hdr *h, uint8_t *data, size_t len, uint16_t mss)
{
	struct frame f;
	uint8_t *tcp;
	size_t hlen;

	if (!is_tcp(data, len, &f))
		return;
	tcp = data + f.l4;
	hlen = (size_t)(tcp[12] >> 4) * 4;
	if (!(tcp[13] & TH_SYN) || hlen > f.l4_len)
		return;
	for (size_t i = sizeof(struct tcphdr); i + 1 < hlen;) {
		uint8_t kind = tcp[i], olen = tcp[i + 1];

		if (kind == TCPOPT_EOL)
			return;
		if (kind == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (olen < 2 || i + olen > hlen)
			return;
		if (kind == TCPOPT_MAXSEG && olen == TCPOLEN_MAXSEG) {
			put16(tcp + i + 2, mss);
			break;
		}
		i += olen;
	}
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return;
	put16(tcp + 16, 0);
	put16(tcp + 16, frame_csum_fold(frame_csum(tcp, f.l4_len, frame_pseudo_sum(data, &f))));
}

void frame_offload(uint8_t *data, size_t len, unsigned int mtu, struct virtio_net_hdr *ret)
{
	struct frame f;
	size_t hlen, payload;
	unsigned int mss;
	uint8_t *tcp;

	memset(ret, 0, sizeof(*ret));
	if (!is_tcp(data, len, &f))
		return;
	tcp = data + f.l4;
	hlen = (size_t)(tcp[12] >> 4) * 4;
	if (hlen < sizeof(struct tcphdr) || hlen > f.l4_len)
		return;
	payload = f.l4_len - hlen;
	ret->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	ret->csum_start = (uint16_t)f.l4;
	ret->csum_offset = 16;
	put16(tcp + 16, (uint16_t)~frame_csum_fold(frame_pseudo_sum(data, &f)));
	mss = mtu - (unsigned int)(f.l4 - f.l3) - (unsigned int)hlen;
	if (payload > mss) {
		ret->gso_type = f.family == AF_INET ? VIRTIO_NET_HDR_GSO_TCPV4
						    : VIRTIO_NET_HDR_GSO_TCPV6;
		ret->gso_size = (uint16_t)mss;
		ret->hdr_len = (uint16_t)(f.l4 + hlen);
	}
}
