/* SPDX-License-Identifier: Apache-2.0
 *
 * test_member - who has which address and name at one gateway
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
#include "slirp-net/member.h"

static struct conf conf_of(const char *cidr)
{
	struct conf c = { .tapname = "eth0", .enable_ipv6 = true };

	assert_int_equal(conf_cidr(cidr, &c.addrs, NULL), 0);
	assert_int_equal(inet_pton(AF_INET6, "fd00::", &c.addrs.net6), 1);
	return c;
}

static struct member *add(struct members *ms, const struct conf *c, const char *addr,
			  const char *name)
{
	struct member_wish w = { .has_addr = addr };
	struct member *m;

	if (addr)
		assert_int_equal(inet_pton(AF_INET, addr, &w.addr4), 1);
	if (name)
		assert_int_equal(strv_add(&w.names, name), 0);
	assert_int_equal(member_add(ms, c, &w, &m, NULL), 0);
	assert_null(w.names.v);
	m->state = MEMBER_ON;
	return m;
}

static void assert_addrs(const struct member *m, const char *want4, const char *want6)
{
	char buf[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET, &m->port.addr4, buf, sizeof(buf)), want4);
	assert_string_equal(inet_ntop(AF_INET6, &m->port.addr6, buf, sizeof(buf)), want6);
}

static void the_next_free_address(void **state)
{
	const struct conf c = conf_of("10.0.135.128/25");
	struct members ms = { 0 };
	struct member *m;

	(void)state;
	assert_addrs(add(&ms, &c, NULL, NULL), "10.0.135.228", "fd00::100");
	assert_addrs(add(&ms, &c, "10.0.135.230", NULL), "10.0.135.230", "fd00::102");
	m = add(&ms, &c, NULL, NULL);
	assert_addrs(m, "10.0.135.229", "fd00::101");
	assert_addrs(add(&ms, &c, NULL, NULL), "10.0.135.231", "fd00::103");
	member_remove(&ms, m);
	assert_addrs(add(&ms, &c, NULL, NULL), "10.0.135.229", "fd00::101");
	/* to the end, and on behind the resolver */
	for (int i = 232; i <= 254; i++)
		m = add(&ms, &c, NULL, NULL);
	assert_addrs(m, "10.0.135.254", "fd00::11a");
	assert_addrs(add(&ms, &c, NULL, NULL), "10.0.135.132", "fd00::a0");
	assert_null(member_find(&ms, 3));
	assert_non_null(member_find(&ms, 4));
	members_clear(&ms);
	assert_int_equal(ms.n, 0);
}

static void what_is_refused(void **state)
{
	const struct conf c = conf_of("10.0.2.0/24");
	static const char *const bad[] = { "10.0.2.0", "10.0.2.1", "10.0.2.2", "10.0.2.3",
					   "10.0.2.255", "10.0.3.4", "127.0.0.1" };
	struct members ms = { 0 };
	struct member_wish w = { .has_addr = true };
	struct member *m = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(inet_pton(AF_INET, bad[i], &w.addr4), 1);
		assert_int_equal(member_add(&ms, &c, &w, &m, &e), -EINVAL);
	}
	add(&ms, &c, "10.0.2.4", NULL);
	assert_int_equal(inet_pton(AF_INET, "10.0.2.4", &w.addr4), 1);
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -EADDRINUSE);
	w = (struct member_wish){ .has_mac = true };
	memcpy(w.mac, ms.list->port.mac, 6);
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -EADDRINUSE);
	w = (struct member_wish){ .interface = "" };
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -EINVAL);
	w.interface = "a/b";
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -EINVAL);
	assert_null(m);
	while (ms.n < MEMBERS_MAX)
		add(&ms, &c, NULL, NULL);
	w = (struct member_wish){ 0 };
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -ENOSPC);
	assert_int_equal(member_add(&ms, &c, &w, &m, &e), -ENOSPC);
	assert_int_equal(ms.refused, 2);
	members_clear(&ms);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = { { "a", true }, { "A_b-9.c", true }, { "", false }, { ".", false },
		     { "a.", false }, { ".a", false }, { "a..b", false }, { "a b", false },
		     { "a\"b", false }, { "\xc3\xa4", false } };
	char longest[MEMBER_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(member_name_ok(rows[i].name), rows[i].ok);
	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	assert_true(member_name_ok(longest));
	longest[63] = 'a';
	longest[64] = '\0';
	assert_false(member_name_ok(longest));
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 50; i < sizeof(longest); i += 50)
		longest[i] = '.';
	longest[MEMBER_NAME_MAX + 1] = '\0';
	assert_false(member_name_ok(longest));
	longest[MEMBER_NAME_MAX] = '\0';
	assert_true(member_name_ok(longest));
}

static void names_lead_to_all_who_have_them(void **state)
{
	struct conf c = conf_of("10.0.2.0/24");
	struct members ms = { 0 };
	union addr found[MEMBER_ADDRS_MAX], a;
	struct member *m;
	size_t n = 99;

	(void)state;
	assert_false(member_resolve(&ms, &c, "db", found, &n));
	add(&ms, &c, NULL, "DB");
	m = add(&ms, &c, NULL, "db");
	assert_true(member_resolve(&ms, &c, "db", found, &n));
	assert_int_equal(n, 4);
	assert_int_equal(found[3].sa.sa_family, AF_INET6);
	c.enable_ipv6 = false;
	assert_true(member_resolve(&ms, &c, "db", found, &n));
	assert_int_equal(n, 2);
	assert_memory_equal(&found[1].v4.sin_addr, &m->port.addr4, 4);
	a = addr4(m->port.addr4, 99);
	assert_string_equal(member_label(&ms, &a), "db");
	a = addr6(&m->port.addr6, 99);
	assert_string_equal(member_label(&ms, &a), "db");
	m->state = MEMBER_LEAVING;
	assert_true(member_resolve(&ms, &c, "db", found, &n));
	assert_int_equal(n, 1);
	for (int i = 0; i < 2 * MEMBER_ADDRS_MAX; i++)
		add(&ms, &c, NULL, "many");
	assert_true(member_resolve(&ms, &c, "many", found, &n));
	assert_int_equal(n, MEMBER_ADDRS_MAX);
	members_clear(&ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_free_address),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(names),
		cmocka_unit_test(names_lead_to_all_who_have_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
