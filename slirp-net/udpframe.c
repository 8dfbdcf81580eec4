/* SPDX-License-Identifier: Apache-2.0
 *
 * udpframe - datagrams to the container, as frames
 */
#include "slirp-net/udpframe.h"

#include <linux/if_ether.h>
#include <netinet/ip6.h>
#include <string.h>

#include "slirp-net/frame.h"
#include "slirp-net/link.h"

#define UDP_HEADER 8
#define TOTAL_MAX 65535
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t ip_header(const struct udpframe_path *p, size_t payload, uint8_t *ip)
{
	if (p->from.sa.sa_family == AF_INET) {
		memset(ip, 0, 20);
		ip[0] = 0x45;
		ip[1] = p->tos;
		put16(ip + 2, (uint16_t)(20 + payload));
		ip[8] = 64;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, &p->from.v4.sin_addr, 4);
		memcpy(ip + 16, &p->to.v4.sin_addr, 4);
		put16(ip + 10, frame_csum_fold(frame_csum(ip, 20, 0)));
		return 20;
	}
	memset(ip, 0, 40);
	ip[0] = (uint8_t)(0x60 | p->tos >> 4);
	ip[1] = (uint8_t)(p->tos << 4);
	put16(ip + 4, (uint16_t)payload);
	ip[6] = IPPROTO_UDP;
	ip[7] = 64;
	memcpy(ip + 8, &p->from.v6.sin6_addr, 16);
	memcpy(ip + 24, &p->to.v6.sin6_addr, 16);
	return 40;
}

/* All heads of a datagram of f->l4_len bytes, its sum still 0. Return: the UDP one */
static uint8_t *put_heads(const struct udpframe_path *p, struct frame *f, uint8_t *out)
{
	uint8_t *udp;

	memcpy(out, p->macs, sizeof(p->macs));
	put16(out + 12, f->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	f->l4 = f->l3 + ip_header(p, f->l4_len, out + f->l3);
	udp = out + f->l4;
	put16(udp, addr_port(&p->from));
	put16(udp + 2, addr_port(&p->to));
	put16(udp + 4, (uint16_t)f->l4_len);
	put16(udp + 6, 0);
	return udp;
}

size_t udpframe_build(const struct udpframe_path *p, const void *payload, size_t len, uint8_t *out)
{
	struct frame f = { .family = p->from.sa.sa_family, .proto = IPPROTO_UDP, .l3 = FRAME_ETH,
			   .l4_len = UDP_HEADER + len };
	uint8_t *udp = put_heads(p, &f, out);
	uint16_t sum;

	if (len)
		memcpy(udp + UDP_HEADER, payload, len);
	sum = frame_csum_fold(frame_csum(udp, f.l4_len, frame_pseudo_sum(out, &f)));
	put16(udp + 6, sum ? sum : 0xffff);
	return f.l4 + f.l4_len;
}

/* One fragment of the payload that whole[l4…] holds. */
static void send_fragment(struct link *l, const uint8_t *whole, const struct frame *f, size_t at,
			  size_t n)
{
	static const struct virtio_net_hdr none;
	uint8_t *out = l->fragment, *ip = out + f->l3;
	uint16_t more = at + n < f->l4_len;
	size_t head = f->l4;

	memcpy(out, whole, head);
	if (f->family == AF_INET) {
		put16(ip + 2, (uint16_t)(f->l4 - f->l3 + n));
		put16(ip + 4, l->ident);
		put16(ip + 6, (uint16_t)(at / 8 | (unsigned int)more << 13));
		put16(ip + 10, 0);
		put16(ip + 10, frame_csum_fold(frame_csum(ip, f->l4 - f->l3, 0)));
	} else {
		struct ip6_frag ext = { .ip6f_nxt = f->proto, .ip6f_ident = l->ident };

		put16(ip + 4, (uint16_t)(sizeof(ext) + n));
		ip[6] = IPPROTO_FRAGMENT;
		memcpy(out + head, &ext, sizeof(ext));
		put16(out + head + 2, (uint16_t)(at | more));
		head += sizeof(ext);
	}
	memcpy(out + head, whole + f->l4 + at, n);
	link_send(l, &none, out, head + n);
}

void udpframe_fit(struct link *l, const uint8_t *whole, size_t size)
{
	static const struct virtio_net_hdr none;
	struct frame f;
	size_t share;

	if (size - FRAME_ETH <= l->mtu) {
		link_send(l, &none, whole, size);
		return;
	}
	if (frame_parse(whole, size, &f) < 0 || !f.family || f.fragment)
		return;
	l->ident++;
	share = (l->mtu - (f.l4 - f.l3) - (f.family == AF_INET6 ? sizeof(struct ip6_frag) : 0)) & ~7UL;
	for (size_t at = 0; at < f.l4_len; at += share)
		send_fragment(l, whole, &f, at, f.l4_len - at < share ? f.l4_len - at : share);
}

bool udpframe_send_run(struct link *l, const struct udpframe_path *p, const struct iovec *payload,
		       unsigned int n, size_t size)
{
	struct frame f = { .family = p->from.sa.sa_family, .proto = IPPROTO_UDP, .l3 = FRAME_ETH,
			   .l4_len = UDP_HEADER };
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
				    .gso_size = (uint16_t)size, .csum_offset = 6 };
	size_t head = f.family == AF_INET ? 20 : 40;
	uint8_t *out = l->fragment, *udp;

	for (unsigned int i = 0; i < n; i++)
		f.l4_len += payload[i].iov_len;
	if (!l->can_segment || head + UDP_HEADER + size > l->mtu || head + f.l4_len > TOTAL_MAX)
		return false;
	udp = put_heads(p, &f, out);
	/* the kernel adds the rest of the sum, to each */
	put16(udp + 6, (uint16_t)~frame_csum_fold(frame_pseudo_sum(out, &f)));
	h.hdr_len = (uint16_t)(f.l4 + UDP_HEADER);
	h.csum_start = (uint16_t)f.l4;
	return link_send_parts(l, &h, out, f.l4 + UDP_HEADER, payload, n);
}

void udpframe_send(struct link *l, const struct udpframe_path *p, const void *payload, size_t len)
{
	size_t head = p->from.sa.sa_family == AF_INET ? 20 : 0;

	/* more than IP can say nobody can have sent us */
	if (head + UDP_HEADER + len <= TOTAL_MAX)
		udpframe_fit(l, l->whole, udpframe_build(p, payload, len, l->whole));
}
