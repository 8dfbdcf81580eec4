/* SPDX-License-Identifier: Apache-2.0
 *
 * test_frame - headers, checksums and offloads of single frames
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "slirp-net/frame.h"

#define PAYLOAD_MAX 4000

/* Ethernet, IPv4 without options, TCP with an MSS option. */
static size_t make_tcp4(uint8_t *buf, uint8_t flags, size_t payload)
{
	static const uint8_t head[] = {
		/* Ethernet */
		0x52, 0x55, 10, 0, 2, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		/* IPv4: total length at 16, TTL 64, TCP, 10.0.2.100 to 192.0.2.1 */
		0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 100, 192, 0, 2, 1,
		/* TCP: 1000 to 80, data offset 6, checksum at 50, MSS 1460 */
		3, 232, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 0, 255, 255, 0, 0, 0, 0,
		2, 4, 5, 0xb4
	};
	size_t total = 20 + 24 + payload;

	memcpy(buf, head, sizeof(head));
	buf[16] = (uint8_t)(total >> 8);
	buf[17] = (uint8_t)total;
	buf[14 + 20 + 13] = flags;
	for (size_t i = 0; i < payload; i++)
		buf[sizeof(head) + i] = (uint8_t)(i * 7 + 1);
	return sizeof(head) + payload;
}

/* The slow and obvious way. */
static uint16_t checksum(const uint8_t *ip, const uint8_t *l4, size_t len)
{
	uint32_t sum = 6 + (uint32_t)len;

	for (int i = 12; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(l4[i] << 8 | (i + 1 < len ? l4[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void completed_checksum_is_right(void **state)
{
	uint8_t buf[100 + PAYLOAD_MAX];

	(void)state;
	for (size_t payload = 0; payload < 200; payload++) {
		struct virtio_net_hdr h;
		struct frame f;
		size_t len = make_tcp4(buf, 0x10, payload);

		/* frame_offload() leaves the pseudo header's sum there */
		frame_offload(buf, len, 1500, &h);
		assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(frame_complete_csum(&h, buf, len), 0);
		assert_int_equal(frame_parse(buf, len, &f), 0);
		assert_int_equal(checksum(buf + f.l3, buf + f.l4, f.l4_len), 0);
	}
}

static void large_segments_are_marked(void **state)
{
	uint8_t buf[100 + PAYLOAD_MAX];
	struct virtio_net_hdr h;
	size_t len = make_tcp4(buf, 0x10, PAYLOAD_MAX);

	(void)state;
	frame_offload(buf, len, 1500, &h);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(h.gso_size, 1500 - 20 - 24);
	assert_int_equal(h.hdr_len, 14 + 20 + 24);
	len = make_tcp4(buf, 0x10, 1456);
	frame_offload(buf, len, 1500, &h);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	len = make_tcp4(buf, 0x10, 1457);
	frame_offload(buf, len, 1500, &h);
	assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
}

static void mss_is_raised_on_syn_only(void **state)
{
	static const struct virtio_net_hdr none;
	uint8_t buf[100];
	struct frame f;
	size_t len = make_tcp4(buf, 0x02, 0);

	(void)state;
	frame_raise_mss(&none, buf, len, 65480);
	assert_int_equal(buf[len - 2] << 8 | buf[len - 1], 65480);
	assert_int_equal(frame_parse(buf, len, &f), 0);
	assert_int_equal(checksum(buf + f.l3, buf + f.l4, f.l4_len), 0);
	len = make_tcp4(buf, 0x10, 0);
	frame_raise_mss(&none, buf, len, 65480);
	assert_int_equal(buf[len - 2] << 8 | buf[len - 1], 1460);
}

static void cut_frames_are_refused(void **state)
{
	uint8_t buf[100];
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .csum_start = 34, .csum_offset = 16 };
	size_t len = make_tcp4(buf, 0x02, 10);
	struct frame f;

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(frame_parse(buf, cut, &f), -EBADMSG);
	assert_int_equal(frame_parse(buf, len, &f), 0);
	assert_int_equal(frame_complete_csum(&h, buf, 51), -EBADMSG);
	h.csum_start = 65535;
	h.csum_offset = 65535;
	assert_int_equal(frame_complete_csum(&h, buf, len), -EBADMSG);
	buf[14] = 0x44; /* header length below 20 */
	assert_int_equal(frame_parse(buf, len, &f), -EBADMSG);
}

static void finds_ipv6_payload_behind_extensions(void **state)
{
	uint8_t buf[14 + 40 + 8 + 8 + 8] = { 0 };
	struct frame f;

	(void)state;
	buf[12] = 0x86;
	buf[13] = 0xdd;
	buf[14] = 0x60;
	buf[14 + 5] = 24;
	buf[14 + 6] = IPPROTO_DSTOPTS;
	buf[14 + 40] = IPPROTO_FRAGMENT;
	buf[14 + 48] = IPPROTO_UDP;
	assert_int_equal(frame_parse(buf, sizeof(buf), &f), 0);
	assert_int_equal(f.family, AF_INET6);
	assert_int_equal(f.proto, IPPROTO_UDP);
	assert_true(f.fragment);
	assert_int_equal(f.l4_len, 8);
	buf[14 + 41] = 255; /* extension longer than the packet */
	assert_int_equal(frame_parse(buf, sizeof(buf), &f), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completed_checksum_is_right),
		cmocka_unit_test(large_segments_are_marked),
		cmocka_unit_test(mss_is_raised_on_syn_only),
		cmocka_unit_test(cut_frames_are_refused),
		cmocka_unit_test(finds_ipv6_payload_behind_extensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
