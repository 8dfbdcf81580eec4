/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reply - answers in somebody else's name
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slirp-net/frame.h"
#include "slirp-net/link.h"
#include "slirp-net/reply.h"

#define L3 FRAME_ETH

static const int families[] = { AF_INET, AF_INET6 };

/* A SYN (or, of another protocol, the same bytes) from ::1 port 1000 to ::2 port 80, v4 likewise. */
static size_t make(int family, uint8_t proto, size_t payload, uint8_t *out)
{
	size_t head = family == AF_INET ? 20 : 40, l4_len = 20 + payload;
	uint8_t *ip = out + L3, *tcp = ip + head;

	memset(out, 0, L3 + head + l4_len);
	memcpy(out, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	out[12] = family == AF_INET ? ETH_P_IP >> 8 : ETH_P_IPV6 >> 8;
	out[13] = family == AF_INET ? ETH_P_IP & 255 : ETH_P_IPV6 & 255;
	if (family == AF_INET) {
		ip[0] = 0x45;
		ip[2] = (uint8_t)((head + l4_len) >> 8);
		ip[3] = (uint8_t)(head + l4_len);
		ip[9] = proto;
		memcpy(ip + 12, "\12\0\2\144\300\0\2\2", 8);
	} else {
		ip[0] = 0x60;
		ip[4] = (uint8_t)(l4_len >> 8);
		ip[5] = (uint8_t)l4_len;
		ip[6] = proto;
		ip[8 + 15] = 1;
		ip[24 + 15] = 2;
	}
	memcpy(tcp, "\3\350\0\120\377\377\377\377", 8);
	tcp[12] = 5 << 4;
	tcp[13] = TH_SYN;
	for (size_t i = 0; i < payload; i++)
		tcp[20 + i] = (uint8_t)i;
	return L3 + head + l4_len;
}

/* Parses, has the length it says, goes back where the other came from, and its sums are right. */
static void check_answer(const uint8_t *in, const uint8_t *out, int len, struct frame *ret)
{
	struct frame f, g;
	union addr a, b;

	assert_int_equal(frame_parse(in, 2000, &g), 0);
	assert_int_equal(frame_parse(out, (size_t)len, &f), 0);
	assert_int_equal(f.l4 + f.l4_len, len);
	assert_memory_equal(out, in + 6, 6);
	assert_memory_equal(out + 6, in, 6);
	a = frame_src(out, &f);
	b = frame_dst(in, &g);
	if (f.proto != IPPROTO_TCP)
		addr_set_port(&b, 0);
	assert_true(addr_eq(&a, &b));
	a = frame_dst(out, &f);
	b = frame_src(in, &g);
	if (f.proto != IPPROTO_TCP)
		addr_set_port(&b, 0);
	assert_true(addr_eq(&a, &b));
	if (f.family == AF_INET)
		assert_int_equal(frame_csum_fold(frame_csum(out + L3, 20, 0)), 0);
	assert_int_equal(frame_csum_fold(frame_csum(out + f.l4, f.l4_len,
						    f.proto == IPPROTO_ICMP
							    ? 0
							    : frame_pseudo_sum(out, &f))),
			 0);
	*ret = f;
}

static void rst_answers_the_syn(void **state)
{
	uint8_t in[2000], out[REPLY_MAX];
	struct frame f;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int n = reply_build_rst(in, make(families[i], IPPROTO_TCP, 0, in), out);
		const uint8_t *tcp;

		assert_true(n > 0);
		check_answer(in, out, n, &f);
		tcp = out + f.l4;
		assert_int_equal(tcp[13], TH_RST | TH_ACK);
		/* one more than the sequence number, which here begins again at 0 */
		assert_memory_equal(tcp + 4, "\0\0\0\0\0\0\0\0", 8);
	}
}

static void rst_is_for_whole_tcp_only(void **state)
{
	uint8_t in[2000], out[REPLY_MAX];
	size_t len = make(AF_INET, IPPROTO_UDP, 0, in);

	(void)state;
	assert_int_equal(reply_build_rst(in, len, out), -EBADMSG);
	len = make(AF_INET, IPPROTO_TCP, 0, in);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(reply_build_rst(in, n, out), -EBADMSG);
	in[L3 + 6] = 0x20;
	assert_int_equal(reply_build_rst(in, len, out), -EBADMSG);
}

static void unreachable_says_why_and_quotes(void **state)
{
	static const struct {
		int error;
		uint8_t code4, code6;
	} rows[] = {
		{ ENETUNREACH, ICMP_UNREACH_NET, ICMP6_DST_UNREACH_NOROUTE },
		{ EHOSTUNREACH, ICMP_UNREACH_HOST, ICMP6_DST_UNREACH_ADDR },
		{ ECONNREFUSED, ICMP_UNREACH_PORT, ICMP6_DST_UNREACH_NOPORT },
		{ EACCES, ICMP_UNREACH_FILTER_PROHIB, ICMP6_DST_UNREACH_ADMIN },
		{ EPERM, ICMP_UNREACH_FILTER_PROHIB, ICMP6_DST_UNREACH_ADMIN },
	};
	uint8_t in[2000], out[REPLY_MAX];
	struct frame f;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool is4 = i % 2;
		/* a short one is quoted whole, a long one's beginning */
		size_t len = make(is4 ? AF_INET : AF_INET6, IPPROTO_UDP, i % 4 < 2 ? 0 : 1400, in);
		int n = reply_build_unreach(in, len, rows[i / 2].error, out);
		size_t quote = len - L3 < 128 ? len - L3 : 128;

		assert_in_range(n, 1, REPLY_MAX);
		check_answer(in, out, n, &f);
		assert_int_equal(f.proto, is4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
		assert_int_equal(out[f.l4], is4 ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH);
		assert_int_equal(out[f.l4 + 1], is4 ? rows[i / 2].code4 : rows[i / 2].code6);
		assert_int_equal(f.l4_len, 8 + quote);
		assert_memory_equal(out + f.l4 + 8, in + L3, quote);
	}
	assert_int_equal(reply_build_unreach(in, 20, ENETUNREACH, out), -EBADMSG);
	memset(in + 12, 0, 2);
	assert_int_equal(reply_build_unreach(in, 100, ENETUNREACH, out), -EBADMSG);
}

/* What connect(2) in the container meets, for each errno of the host's side. */
static void every_error_has_its_answer(void **state)
{
	enum answer { RST, ICMP, SILENCE };
	static const struct {
		int error;
		enum answer answer;
	} rows[] = {
		{ ECONNREFUSED, RST },	{ ECONNRESET, RST },	{ EMFILE, RST },
		{ ENFILE, RST },	{ ENOBUFS, RST },	{ ENOMEM, RST },
		{ EADDRNOTAVAIL, RST }, { ENETUNREACH, ICMP },	{ EHOSTUNREACH, ICMP },
		{ ENETDOWN, ICMP },	{ EHOSTDOWN, ICMP },	{ EAFNOSUPPORT, ICMP },
		{ EACCES, ICMP },	{ EPERM, ICMP },	{ ETIMEDOUT, SILENCE },
		{ EPROTO, SILENCE },	{ 0, SILENCE },
	};
	static struct link l;
	uint8_t in[2000], out[REPLY_MAX + sizeof(struct virtio_net_hdr)];
	size_t len = make(AF_INET, IPPROTO_TCP, 0, in);
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	l.ev.fd = sv[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ssize_t n;
		enum answer got = SILENCE;

		reply_tcp_error(&l, in, len, rows[i].error);
		n = recv(sv[1], out, sizeof(out), 0);
		if (n > 0)
			got = out[sizeof(struct virtio_net_hdr) + L3 + 9] == IPPROTO_TCP ? RST : ICMP;
		assert_int_equal(got, rows[i].answer);
	}
	(void)close(sv[0]);
	(void)close(sv[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rst_answers_the_syn),
		cmocka_unit_test(rst_is_for_whole_tcp_only),
		cmocka_unit_test(unreachable_says_why_and_quotes),
		cmocka_unit_test(every_error_has_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
