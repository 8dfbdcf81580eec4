/* SPDX-License-Identifier: Apache-2.0
 *
 * test_reasm - fragments in any order, twice, overlapping, contradictory
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "slirp-net/frame.h"
#include "slirp-net/reasm.h"

/**
 * struct part - one fragment to make
 * @at, @len, @more: as in its header
 * @id:		of the datagram
 */
struct part {
	size_t at, len;
	bool more;
	uint16_t id;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 256);
}

static size_t make(int family, const struct part *p, uint8_t *out)
{
	uint8_t *ip = out + FRAME_ETH;
	size_t head = family == AF_INET ? 20 : 48;

	memset(out, 0, FRAME_ETH + head);
	memcpy(out, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	if (family == AF_INET) {
		out[12] = ETH_P_IP >> 8;
		ip[0] = 0x45;
		ip[2] = (uint8_t)((head + p->len) >> 8);
		ip[3] = (uint8_t)(head + p->len);
		ip[4] = (uint8_t)(p->id >> 8);
		ip[5] = (uint8_t)p->id;
		ip[6] = (uint8_t)((p->more ? 0x20 : 0) | p->at / 8 >> 8);
		ip[7] = (uint8_t)(p->at / 8);
		ip[9] = IPPROTO_UDP;
	} else {
		out[12] = ETH_P_IPV6 >> 8;
		out[13] = ETH_P_IPV6 & 255;
		ip[0] = 0x60;
		ip[4] = (uint8_t)((8 + p->len) >> 8);
		ip[5] = (uint8_t)(8 + p->len);
		ip[6] = IPPROTO_FRAGMENT;
		ip[40] = IPPROTO_UDP;
		ip[42] = (uint8_t)(p->at >> 8);
		ip[43] = (uint8_t)((p->at & 0xf8) | p->more);
		ip[46] = (uint8_t)(p->id >> 8);
		ip[47] = (uint8_t)p->id;
	}
	for (size_t i = 0; i < p->len; i++)
		ip[head + i] = byte_at(p->at + i);
	return FRAME_ETH + head + p->len;
}

static int add(struct reasms *t, int family, const struct part *p, uint8_t **ret, size_t *ret_len)
{
	static uint8_t buf[FRAME_MAX + 8];
	size_t len = make(family, p, buf);
	struct frame f;

	assert_int_equal(frame_parse(buf, len, &f), 0);
	assert_true(f.fragment);
	return reasm_add(t, buf, &f, 1000, ret, ret_len);
}

static void check_whole(int family, const uint8_t *whole, size_t len, size_t payload)
{
	struct frame f;

	assert_int_equal(frame_parse(whole, len, &f), 0);
	assert_false(f.fragment);
	assert_int_equal(f.family, family);
	assert_int_equal(f.proto, IPPROTO_UDP);
	assert_int_equal(f.l4_len, payload);
	assert_int_equal(len, f.l4 + payload);
	if (family == AF_INET)
		assert_int_equal(frame_csum_fold(frame_csum(whole + FRAME_ETH, 20, 0)), 0);
	for (size_t i = 0; i < payload; i++)
		assert_int_equal(whole[f.l4 + i], byte_at(i));
}

static const int families[] = { AF_INET, AF_INET6 };

static void any_order_makes_the_same(void **state)
{
	static const struct part parts[] = { { 0, 1480, true }, { 1480, 1480, true },
					     { 2960, 16, true }, { 2976, 3, false } };
	static const int orders[][6] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 } };

	(void)state;
	for (size_t n = 0; n < 6; n++) {
		int family = families[n / 3];
		struct reasms t = { 0 };
		auto_free uint8_t *whole = NULL;
		size_t len = 0;

		for (int i = 0; i < 4; i++) {
			int r = add(&t, family, &parts[orders[n % 3][i]], &whole, &len);

			assert_int_equal(r, i == 3);
		}
		check_whole(family, whole, len, 2979);
		assert_int_equal(t.n, 0);
		assert_null(t.oldest);
	}
}

static void the_largest_fits_and_no_larger(void **state)
{
	(void)state;
	for (size_t n = 0; n < 2; n++) {
		int family = families[n];
		size_t most = family == AF_INET ? 65515 : 65535;
		struct part first = { 0, 60000, true }, last = { 60000, most - 60000, false };
		struct reasms t = { 0 };
		auto_free uint8_t *whole = NULL;
		size_t len = 0;

		assert_int_equal(add(&t, family, &first, &whole, &len), 0);
		last.len++;
		assert_int_equal(add(&t, family, &last, &whole, &len), -EBADMSG);
		last.len--;
		assert_int_equal(add(&t, family, &last, &whole, &len), 1);
		check_whole(family, whole, len, most);
	}
}

/* What is wrong with the second ends the datagram; the first alone is never given out. */
static void contradictions_end_it(void **state)
{
	static const struct part pairs[][2] = {
		{ { 0, 80, true }, { 72, 80, true } },	 /* overlap */
		{ { 80, 80, true }, { 0, 88, true } },
		{ { 80, 8, false }, { 88, 8, true } },	 /* behind the end */
		{ { 80, 8, false }, { 96, 8, false } },	 /* two ends */
		{ { 80, 8, true }, { 0, 8, false } },	 /* an end before what is there */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct reasms t = { 0 };
		uint8_t *whole = NULL;
		size_t len;

		assert_int_equal(add(&t, AF_INET6, &pairs[i][0], &whole, &len), 0);
		assert_int_equal(add(&t, AF_INET6, &pairs[i][1], &whole, &len), -EBADMSG);
		assert_int_equal(t.n, 0);
		assert_int_equal(t.dropped, 1);
	}
}

static void repeats_and_odd_ones(void **state)
{
	static const struct part first = { 0, 80, true }, last = { 80, 5, false },
				 odd = { 8, 7, true }, empty = { 8, 0, true },
				 other = { 80, 5, false, .id = 7 };
	struct reasms t = { 0 };
	auto_free uint8_t *whole = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(add(&t, AF_INET, &first, &whole, &len), 0);
	assert_int_equal(add(&t, AF_INET, &first, &whole, &len), 0);
	assert_int_equal(add(&t, AF_INET, &odd, &whole, &len), -EBADMSG);
	assert_int_equal(add(&t, AF_INET, &empty, &whole, &len), -EBADMSG);
	/* not of this datagram */
	assert_int_equal(add(&t, AF_INET, &other, &whole, &len), 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(add(&t, AF_INET, &last, &whole, &len), 1);
	check_whole(AF_INET, whole, len, 85);
	assert_int_equal(t.n, 1);
	reasm_clear(&t);
}

static void atomic_fragment_is_whole(void **state)
{
	static const struct part only = { 0, 33, false };
	struct reasms t = { 0 };
	auto_free uint8_t *whole = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(add(&t, AF_INET6, &only, &whole, &len), 1);
	check_whole(AF_INET6, whole, len, 33);
}

static void the_table_is_bounded_and_forgets(void **state)
{
	struct reasms t = { 0 };
	uint8_t *whole = NULL;
	size_t len;

	(void)state;
	for (uint16_t id = 0; id < 3 * REASM_MAX; id++) {
		struct part p = { 0, 8, true, .id = id };

		assert_int_equal(add(&t, AF_INET, &p, &whole, &len), 0);
	}
	assert_int_equal(t.n, REASM_MAX);
	assert_int_equal(t.dropped, 2 * REASM_MAX);
	reasm_expire(&t, 1000 + REASM_MS - 1);
	assert_int_equal(t.n, REASM_MAX);
	reasm_expire(&t, 1000 + REASM_MS);
	assert_int_equal(t.n, 0);
	assert_null(t.newest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_makes_the_same),
		cmocka_unit_test(the_largest_fits_and_no_larger),
		cmocka_unit_test(contradictions_end_it),
		cmocka_unit_test(repeats_and_odd_ones),
		cmocka_unit_test(atomic_fragment_is_whole),
		cmocka_unit_test(the_table_is_bounded_and_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
