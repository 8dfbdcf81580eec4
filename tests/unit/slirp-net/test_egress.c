/* SPDX-License-Identifier: Apache-2.0
 *
 * test_egress - rules, names and pins
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "slirp-net/egress.h"

static union addr at(const char *text, uint16_t port)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, text, &in) == 1)
		return addr4(in, port);
	assert_int_equal(inet_pton(AF_INET6, text, &in6), 1);
	return addr6(&in6, port);
}

static bool allows(struct egress *g, int proto, const char *text, uint16_t port)
{
	union addr a = at(text, port);

	return egress_allows(g, proto, &a);
}

static struct egress *with(const char *const *rules)
{
	static struct egress g;
	static char buf[8][80];
	char *texts[8];
	size_t n = 0;
	struct err e;

	for (; rules[n]; n++) {
		(void)snprintf(buf[n], sizeof(buf[n]), "%s", rules[n]);
		texts[n] = buf[n];
	}
	egress_clear(&g);
	memset(&g, 0, sizeof(g));
	assert_int_equal(egress_set(&g, texts, n, &e), 0);
	return &g;
}

static void refuses_what_is_no_rule(void **state)
{
	static const char *const bad[] = {
		"", "allow", "allow=", "allow=:80", "allow=a b", "allow=example.org:0",
		"allow=example.org:80-79", "allow=example.org:99999", "allow=192.0.2.0/33",
		"allow=[2001:db8::]:x", "allow=[2001:db8::", "allow=[192.0.2.1]", "allow=1.2.3",
		"allow=[::/129]", "allow=*.", "allow=*", "allow=example.org/sctp", "permit=x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct egress_rule r;
		struct err e = { 0 };

		if (egress_rule_parse(bad[i], &r, &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_true(e.msg[0]);
	}
}

static void nets_ports_and_protocols(void **state)
{
	struct egress *g = with((const char *const[]){ "allow=192.0.2.0/25:80-81",
						       "allow=198.51.100.7/udp",
						       "allow=[2001:db8::/33]:443/tcp", NULL });

	(void)state;
	assert_true(allows(g, IPPROTO_TCP, "192.0.2.127", 80));
	assert_true(allows(g, IPPROTO_UDP, "192.0.2.1", 81));
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.128", 80));
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.1", 82));
	assert_true(allows(g, IPPROTO_UDP, "198.51.100.7", 9));
	assert_false(allows(g, IPPROTO_TCP, "198.51.100.7", 9));
	assert_true(allows(g, IPPROTO_TCP, "2001:db8:7fff::1", 443));
	assert_false(allows(g, IPPROTO_TCP, "2001:db8:8000::1", 443));
	/* a rule with a port says nothing about ping */
	assert_false(allows(g, IPPROTO_ICMP, "192.0.2.1", 0));
}

static void names_count_only_when_our_dns_gave_them(void **state)
{
	struct egress *g = with((const char *const[]){ "allow=Example.ORG.:443",
						       "allow=*.cdn.test", NULL });
	union addr a = at("192.0.2.9", 0), b = at("2001:db8::9", 0);

	(void)state;
	assert_true(egress_allows_name(g, "example.org"));
	assert_false(egress_allows_name(g, "www.example.org"));
	assert_true(egress_allows_name(g, "a.b.cdn.test"));
	assert_false(egress_allows_name(g, "cdn.test"));
	assert_false(egress_allows_name(g, "evilcdn.test"));
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.9", 443));
	egress_pin(g, "example.org", &a, 5);
	assert_true(allows(g, IPPROTO_TCP, "192.0.2.9", 443));
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.9", 80));
	egress_pin(g, "x.cdn.test", &b, 5);
	assert_true(allows(g, IPPROTO_UDP, "2001:db8::9", 1));
	/* the name is pinned, but no rule has it */
	egress_pin(g, "other.test", &(union addr){ .v4 = at("192.0.2.10", 0).v4 }, 5);
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.10", 443));
	egress_clear(g);
}

static void table_of_pins_is_bounded(void **state)
{
	struct egress *g = with((const char *const[]){ "allow=a.test", NULL });

	(void)state;
	for (uint32_t i = 0; i < EGRESS_PINS_MAX + 100; i++) {
		union addr a = addr4((struct in_addr){ htonl(0x0a000000 + i) }, 0);

		egress_pin(g, "a.test", &a, 5);
	}
	assert_int_equal(g->n_pins, EGRESS_PINS_MAX);
	/* the oldest went */
	assert_false(allows(g, IPPROTO_TCP, "10.0.0.0", 1));
	assert_true(allows(g, IPPROTO_TCP, "10.0.0.200", 1));
	egress_clear(g);
	assert_int_equal(g->n_pins, 0);
}

static void bad_rules_leave_the_old_ones(void **state)
{
	struct egress *g = with((const char *const[]){ "allow=192.0.2.1", NULL });
	char bad[] = "nonsense";
	char *texts[] = { bad };
	struct err e;

	(void)state;
	assert_int_equal(egress_set(g, texts, 1, &e), -EINVAL);
	assert_true(allows(g, IPPROTO_TCP, "192.0.2.1", 1));
	assert_false(allows(g, IPPROTO_TCP, "192.0.2.2", 1));
	assert_int_equal(egress_set(g, NULL, 0, &e), 0);
	assert_true(allows(g, IPPROTO_TCP, "192.0.2.2", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_rule),
		cmocka_unit_test(nets_ports_and_protocols),
		cmocka_unit_test(names_count_only_when_our_dns_gave_them),
		cmocka_unit_test(table_of_pins_is_bounded),
		cmocka_unit_test(bad_rules_leave_the_old_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
