/* SPDX-License-Identifier: Apache-2.0
 *
 * test_udpframe - datagrams as frames, whole and in fragments that fit together again
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "slirp-net/link.h"
#include "slirp-net/reasm.h"
#include "slirp-net/udpframe.h"

#define OUT_MAX (1 << 18)
#define TOS 0xb9

static struct link l;
static uint8_t payload[65600];

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	/* frames lie one behind the other there */
	l.ev.fd = memfd_create("frames", MFD_CLOEXEC);
	return l.ev.fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(l.ev.fd);
}

static struct udpframe_path path(int family)
{
	struct udpframe_path p = { .macs = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 }, .tos = TOS };
	struct in6_addr a = { .s6_addr = { 0xfd, [15] = 9 } }, b = { .s6_addr = { 0xfd, [15] = 1 } };

	if (family == AF_INET) {
		p.from = addr4((struct in_addr){ htonl(0xc0000202) }, 53);
		p.to = addr4((struct in_addr){ htonl(0x0a000264) }, 40000);
	} else {
		p.from = addr6(&a, 53);
		p.to = addr6(&b, 40000);
	}
	return p;
}

static size_t frame_size(const uint8_t *frame)
{
	const uint8_t *ip = frame + FRAME_ETH;

	if (ip[0] >> 4 == 4)
		return (size_t)FRAME_ETH + (size_t)(ip[2] << 8 | ip[3]);
	return (size_t)FRAME_ETH + 40 + (size_t)(ip[4] << 8 | ip[5]);
}

static void check_whole(const uint8_t *frame, size_t size, int family, size_t len)
{
	struct udpframe_path p = path(family);
	struct frame f;
	union addr a;

	assert_int_equal(frame_parse(frame, size, &f), 0);
	assert_int_equal(f.family, family);
	assert_int_equal(f.proto, IPPROTO_UDP);
	assert_int_equal(frame_tos(frame, &f), TOS);
	a = frame_src(frame, &f);
	assert_true(addr_eq(&a, &p.from));
	a = frame_dst(frame, &f);
	assert_true(addr_eq(&a, &p.to));
	assert_int_equal(f.l4_len, 8 + len);
	assert_true(frame_udp_csum_fits(frame, &f));
	assert_memory_equal(frame + f.l4 + 8, payload, len);
}

/* Send one, read what went out. Return: how many frames that were */
static size_t send_and_join(int family, size_t len)
{
	struct udpframe_path p = path(family);
	struct reasms t = { 0 };
	auto_free uint8_t *out = malloc(OUT_MAX);
	size_t at = 0, n = 0, size;
	bool done = false;
	ssize_t got;

	assert_non_null(out);
	assert_int_equal(ftruncate(l.ev.fd, 0), 0);
	assert_int_equal(lseek(l.ev.fd, 0, SEEK_SET), 0);
	udpframe_send(&l, &p, payload, len);
	got = pread(l.ev.fd, out, OUT_MAX, 0);
	assert_in_range(got, 0, OUT_MAX - 1);
	for (; at < (size_t)got; n++) {
		const uint8_t *frame = out + at + sizeof(struct virtio_net_hdr);
		auto_free uint8_t *whole = NULL;
		struct frame f;

		size = frame_size(frame);
		assert_in_range(size, 1, FRAME_ETH + l.mtu);
		at += sizeof(struct virtio_net_hdr) + size;
		assert_false(done);
		assert_int_equal(frame_parse(frame, size, &f), 0);
		if (!f.fragment) {
			check_whole(frame, size, family, len);
			done = true;
			continue;
		}
		done = reasm_add(&t, frame, &f, 0, &whole, &size);
		if (done)
			check_whole(whole, size, family, len);
	}
	assert_int_equal(at, got);
	assert_int_equal(done, n > 0);
	assert_int_equal(t.n, 0);
	return n;
}

static void every_size_arrives(void **state)
{
	static const unsigned int mtus[] = { 576, 1280, 1500, 65521 };
	static const size_t sizes[] = { 0, 1, 500, 548, 549, 1232, 1233, 1452, 1453, 1472, 1473, 9000,
					65452, 65473, 65474, 65507 };

	(void)state;
	for (size_t m = 0; m < sizeof(mtus) / sizeof(mtus[0]); m++) {
		l.mtu = mtus[m];
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			assert_int_equal(send_and_join(AF_INET, sizes[i]) == 1,
					 sizes[i] + 28 <= l.mtu);
			assert_int_equal(send_and_join(AF_INET6, sizes[i]) == 1,
					 sizes[i] + 48 <= l.mtu);
		}
		assert_true(send_and_join(AF_INET6, 65527) > 1);
	}
}

static void what_ip_cannot_say_is_not_sent(void **state)
{
	(void)state;
	l.mtu = 1500;
	assert_int_equal(send_and_join(AF_INET, 65508), 0);
	assert_int_equal(send_and_join(AF_INET6, 65528), 0);
}

static void each_datagram_has_a_number_of_its_own(void **state)
{
	uint16_t before = l.ident;

	(void)state;
	l.mtu = 1500;
	(void)send_and_join(AF_INET, 3000);
	(void)send_and_join(AF_INET6, 3000);
	assert_int_equal((uint16_t)(l.ident - before), 2);
}

static void a_sum_of_zero_is_written_as_its_other_form(void **state)
{
	struct udpframe_path p = path(AF_INET6);
	uint8_t out[100], last[2] = { 0, 0 };
	size_t len;

	(void)state;
	/* what the sum over nothing leaves, as payload, makes it zero */
	len = udpframe_build(&p, last, 2, out);
	memcpy(last, out + len - 4, 2);
	len = udpframe_build(&p, last, 2, out);
	assert_int_equal(out[len - 4] << 8 | out[len - 3], 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_arrives),
		cmocka_unit_test(what_ip_cannot_say_is_not_sent),
		cmocka_unit_test(each_datagram_has_a_number_of_its_own),
		cmocka_unit_test(a_sum_of_zero_is_written_as_its_other_form),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
