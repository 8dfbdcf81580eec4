/* SPDX-License-Identifier: Apache-2.0
 *
 * test_conf - addresses that follow from the command line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "slirp-net/conf.h"

static void cidr_gives_addresses(void **state)
{
	static const struct {
		const char *text, *host, *dns, *dhcp, *guest;
	} good[] = {
		{ "10.0.2.0/24", "10.0.2.2", "10.0.2.3", "10.0.2.15", "10.0.2.100" },
		{ "10.0.135.128/25", "10.0.135.130", "10.0.135.131", "10.0.135.143",
		  "10.0.135.228" },
		{ "172.16.0.0/12", "172.16.0.2", "172.16.0.3", "172.16.0.15", "172.16.0.100" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct addrs a = { 0 };
		char buf[INET_ADDRSTRLEN];

		assert_int_equal(conf_cidr(good[i].text, &a, &e), 0);
		assert_string_equal(inet_ntop(AF_INET, &a.host4, buf, sizeof(buf)), good[i].host);
		assert_string_equal(inet_ntop(AF_INET, &a.dns4, buf, sizeof(buf)), good[i].dns);
		assert_string_equal(inet_ntop(AF_INET, &a.dhcp4, buf, sizeof(buf)), good[i].dhcp);
		assert_string_equal(inet_ntop(AF_INET, &a.guest4, buf, sizeof(buf)), good[i].guest);
	}
}

static void cidr_refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "24", "invalid CIDR: 24" },
		{ "foo", "invalid CIDR: foo" },
		{ "10.0.2.0", "invalid CIDR: 10.0.2.0" },
		{ "10.0.2.0/", "invalid CIDR: 10.0.2.0/" },
		{ "10.0.2.0/24x", "invalid CIDR: 10.0.2.0/24x" },
		{ "fd00::/64", "invalid CIDR: fd00::/64" },
		{ "1000000000000000000.0.2.0/24", "invalid CIDR: 1000000000000000000.0.2.0/24" },
		{ "10.0.2.100/24", "CIDR needs to be a network address like 10.0.2.0/24, "
				   "not like 10.0.2.100/24" },
		{ "10.0.2.100/26", "prefix length needs to be 1-25" },
		{ "0.0.0.0/0", "prefix length needs to be 1-25" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct addrs a = { .prefix4 = 77 };
		struct err e;

		assert_int_equal(conf_cidr(bad[i].text, &a, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i].why);
		assert_int_equal(a.prefix4, 77);
	}
}

static void mac_is_strict(void **state)
{
	static const char *const bad[] = { "", "0e:d4:18:d9:38", "0e:d4:18:d9:38:fg",
					   "0e-d4-18-d9-38-fb", "01:00:5e:00:00:01",
					   "0e:d4:18:d9:38:fb:00" };
	static const uint8_t want[6] = { 0x0e, 0xd4, 0x18, 0xd9, 0x38, 0xfb };
	uint8_t mac[6];
	struct err e;

	(void)state;
	assert_int_equal(conf_mac("0e:d4:18:D9:38:fb", mac, &e), 0);
	assert_memory_equal(mac, want, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(conf_mac(bad[i], mac, &e), -EINVAL);
}

static int parse(struct conf *c, struct err *e, const char *const *words)
{
	char buf[16][64], *argv[16];
	int argc = 1, r;

	argv[0] = buf[0];
	(void)snprintf(buf[0], sizeof(buf[0]), "slirp-net");
	for (; words[argc - 1]; argc++) {
		(void)snprintf(buf[argc], sizeof(buf[argc]), "%s", words[argc - 1]);
		argv[argc] = buf[argc];
	}
	argv[argc] = NULL;
	r = conf_parse(c, argc, argv, e);
	c->tapname = NULL; /* borrowed from argv, which ends here */
	return r;
}

static void podmans_words(void **state)
{
	static const char *const words[] = { "--disable-host-loopback", "--mtu=65520",
					     "--enable-sandbox", "--enable-seccomp",
					     "--enable-ipv6", "-c", "-e", "3", "-r", "4",
					     "--netns-type=path", "/run/netns/x", "tap0", NULL };
	struct conf c;
	struct err e;

	(void)state;
	assert_int_equal(parse(&c, &e, words), 0);
	assert_true(c.disable_host_loopback && c.enable_sandbox && c.enable_seccomp);
	assert_true(c.enable_ipv6 && c.configure);
	assert_int_equal(c.mtu, 65520);
	assert_int_equal(c.exit_fd, 3);
	assert_int_equal(c.ready_fd, 4);
	assert_int_equal(c.target_pid, 0);
	conf_clear(&c);
}

static void where_the_namespace_comes_from(void **state)
{
	static const char *const by_socket[] = { "--netns-type=socket", "7", "tap0", NULL };
	static const char *const by_pid[] = { "7", NULL };
	struct conf c;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse(&c, &e, by_socket), 0);
	assert_int_equal(c.netns_sock, 7);
	assert_int_equal(c.target_pid, 0);
	conf_clear(&c);
	assert_int_equal(parse(&c, &e, by_pid), 0);
	assert_int_equal(c.netns_sock, -1);
	assert_int_equal(c.target_pid, 7);
	conf_clear(&c);
}

static void refused_words(void **state)
{
	static const char *const bad[][6] = {
		{ "tap0", NULL },
		{ "0", NULL },
		{ "-5", NULL },
		{ "1", "tap0", "more", NULL },
		{ "--mtu=575", "1", NULL },
		{ "--mtu=65522", "1", NULL },
		{ "--busy-poll=-1", "1", NULL },
		{ "--busy-poll=1001", "1", NULL },
		{ "-6", "--mtu=1279", "1", NULL },
		{ "--macaddress=0e:d4:18:d9:38:fb", "1", NULL },
		{ "--netns-type=fd", "1", NULL },
		{ "--netns-type=socket", "-1", NULL },
		{ "--netns-type=socket", "x", NULL },
		{ "--target-type=bess", "/tmp/x", NULL },
		{ "--outbound-addr=no-such-link", "1", NULL },
		{ "--publish=99999:1", "1", NULL },
		{ "1", "this-name-is-too-long", NULL },
		{ NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf c;
		struct err e = { 0 };

		assert_int_equal(parse(&c, &e, bad[i]), -EINVAL);
		assert_true(e.msg[0]);
		assert_null(strchr(e.msg, '\n'));
		conf_clear(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cidr_gives_addresses), cmocka_unit_test(cidr_refuses),
		cmocka_unit_test(mac_is_strict),	cmocka_unit_test(podmans_words),
		cmocka_unit_test(where_the_namespace_comes_from),
		cmocka_unit_test(refused_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
