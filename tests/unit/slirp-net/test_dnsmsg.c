/* SPDX-License-Identifier: Apache-2.0
 *
 * test_dnsmsg - questions, addresses and refusals in DNS messages; resolv.conf
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "slirp-net/dnsmsg.h"
#include "slirp-net/resolv.h"

static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
			       "\x03" "WWW" "\x07" "example" "\x03" "org\x00\x00\x01\x00\x01";
static const uint8_t answer[] = "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00"
				"\x03" "www" "\x07" "example" "\x03" "org\x00\x00\x01\x00\x01"
				"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x05\x00\x04\x01" "a" "\xc0\x10"
				"\x01" "a" "\xc0\x10\x00\x01\x00\x01\x00\x00\x01\x00\x00\x04\xc0\x00\x02\x01"
				"\x01" "a" "\xc0\x10\x00\x1c\x00\x01\x00\x00\x00\x07\x00\x10"
				"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";

static void question_is_read_in_lower_case(void **state)
{
	char name[DNSMSG_NAME_MAX];
	size_t end;

	(void)state;
	assert_int_equal(dnsmsg_question(query, sizeof(query) - 1, name, &end), 0);
	assert_string_equal(name, "www.example.org");
	assert_int_equal(end, sizeof(query) - 1);
	for (size_t cut = 0; cut < sizeof(query) - 1; cut++)
		assert_int_equal(dnsmsg_question(query, cut, name, &end), -EBADMSG);
}

static void a_dot_inside_a_label_is_no_name(void **state)
{
	uint8_t bad[sizeof(query)];
	char name[DNSMSG_NAME_MAX];
	size_t end;

	(void)state;
	memcpy(bad, query, sizeof(query));
	bad[14] = '.';
	assert_int_equal(dnsmsg_question(bad, sizeof(bad) - 1, name, &end), -EBADMSG);
	memcpy(bad, query, sizeof(query));
	bad[5] = 2;
	assert_int_equal(dnsmsg_question(bad, sizeof(bad) - 1, name, &end), -EBADMSG);
}

static void count(void *ctx, const union addr *a, uint32_t ttl)
{
	int *n = ctx;

	*n += a->sa.sa_family == AF_INET ? 1 : 100;
	assert_int_equal(ttl, a->sa.sa_family == AF_INET ? 256 : 7);
}

static void addresses_behind_an_alias_are_found(void **state)
{
	int n = 0;

	(void)state;
	assert_int_equal(dnsmsg_addrs(answer, sizeof(answer) - 1, count, &n), 0);
	assert_int_equal(n, 101);
	assert_int_equal(dnsmsg_addrs(answer, sizeof(answer) - 2, count, &n), -EBADMSG);
	assert_true(dnsmsg_same_question(query, sizeof(query) - 1, answer, sizeof(answer) - 1));
	assert_false(dnsmsg_same_question(query, sizeof(query) - 1, query, sizeof(query) - 1));
}

static void refusal_repeats_the_question(void **state)
{
	uint8_t q[sizeof(query)];

	(void)state;
	memcpy(q, query, sizeof(query));
	assert_int_equal(dnsmsg_error(q, sizeof(q) - 1, DNSMSG_REFUSED), sizeof(query) - 1);
	assert_int_equal(q[3] & 15, DNSMSG_REFUSED);
	assert_true(dnsmsg_same_question(query, sizeof(query) - 1, q, sizeof(q) - 1));
}

static void resolv_conf_as_it_is_found(void **state)
{
	static const char text[] = "# c\nnameserver\t192.0.2.1  \nnameservers 1.1.1.1\n"
				   "nameserver bad\nnameserver 2001:db8::1\nnameserver 192.0.2.2";
	struct resolv r;
	char buf[ADDR_TEXT_MAX];

	(void)state;
	resolv_parse(text, sizeof(text) - 1, &r);
	assert_int_equal(r.n, 3);
	addr_format(&r.servers[0], buf, sizeof(buf));
	assert_string_equal(buf, "192.0.2.1:53");
	addr_format(&r.servers[1], buf, sizeof(buf));
	assert_string_equal(buf, "[2001:db8::1]:53");
	resolv_parse("search x\n", 9, &r);
	assert_int_equal(r.n, 1);
	addr_format(&r.servers[0], buf, sizeof(buf));
	assert_string_equal(buf, "127.0.0.1:53");
}

static void count_5(void *ctx, const union addr *a, uint32_t ttl)
{
	int *n = ctx;

	*n += a->sa.sa_family == AF_INET ? 1 : 100;
	assert_int_equal(ttl, 5);
}

static void an_answer_of_our_own(void **state)
{
	const struct in_addr a4 = { htonl(0x0a000265) };
	const struct in6_addr a6 = IN6ADDR_LOOPBACK_INIT;
	const union addr both[] = { addr4(a4, 0), addr6(&a6, 0), addr4(a4, 0) };
	uint8_t buf[sizeof(query) + 100];
	size_t len = sizeof(query) - 1, n;
	int found = 0;

	(void)state;
	memcpy(buf, query, sizeof(query));
	n = dnsmsg_answer(buf, len, sizeof(buf), both, 3, 5);
	assert_int_equal(n, len + 2 * 16);
	assert_true(dnsmsg_same_question(query, len, buf, n));
	assert_int_equal(dnsmsg_addrs(buf, n, count_5, &found), 0);
	assert_int_equal(found, 2);
	/* AAAA */
	memcpy(buf, query, sizeof(query));
	buf[len - 3] = 28;
	n = dnsmsg_answer(buf, len, sizeof(buf), both, 3, 5);
	assert_int_equal(n, len + 28);
	found = 0;
	assert_int_equal(dnsmsg_addrs(buf, n, count_5, &found), 0);
	assert_int_equal(found, 100);
	/* MX: the name is known, that is all */
	memcpy(buf, query, sizeof(query));
	buf[len - 3] = 15;
	assert_int_equal(dnsmsg_answer(buf, len, sizeof(buf), both, 3, 5), len);
	assert_int_equal(buf[3] & 15, DNSMSG_OK);
	/* what does not fit is left out */
	memcpy(buf, query, sizeof(query));
	n = dnsmsg_answer(buf, len, len + 30, both, 3, 5);
	assert_int_equal(n, len + 16);
	assert_int_equal(buf[7], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_is_read_in_lower_case),
		cmocka_unit_test(an_answer_of_our_own),
		cmocka_unit_test(a_dot_inside_a_label_is_no_name),
		cmocka_unit_test(addresses_behind_an_alias_are_found),
		cmocka_unit_test(refusal_repeats_the_question),
		cmocka_unit_test(resolv_conf_as_it_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
