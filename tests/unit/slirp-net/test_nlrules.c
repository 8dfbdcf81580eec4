/* SPDX-License-Identifier: Apache-2.0
 *
 * test_nlrules - the netlink messages of rules and links
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/nlbatch.h"
#include "slirp-net/guard.h"
#include "slirp-net/nlcfg.h"
#include "slirp-net/rules.h"

static struct nlmsghdr header(const struct nlbatch *b, size_t at)
{
	struct nlmsghdr h;

	assert_true(at + sizeof(h) <= b->len);
	memcpy(&h, b->buf + at, sizeof(h));
	return h;
}

/* The rules fit, and every message's length leads to the next. */
static void test_rules_fit(void **state)
{
	struct nlbatch b;
	size_t at = 0;
	unsigned int n = 0;

	(void)state;
	nlbatch_init(&b);
	rules_build(&b, "gw0", 9);
	assert_false(b.full);
	for (; at < b.len; n++) {
		struct nlmsghdr h = header(&b, at);

		assert_int_equal(h.nlmsg_seq, n + 1);
		at += NLMSG_ALIGN(h.nlmsg_len);
	}
	assert_int_equal(at, b.len);
	assert_int_equal(n, b.n);
}

/* A port's rules too, for both families. */
static void test_guard_fits(void **state)
{
	static const uint8_t mac[6] = { 2 };
	const struct in_addr a4 = { 1 };
	const struct in6_addr a6 = IN6ADDR_LOOPBACK_INIT;
	const struct guard g = { "p2147483647", mac, &a4, &a6 };
	struct nlbatch b;

	(void)state;
	nlbatch_init(&b);
	guard_build(&b, &g);
	assert_false(b.full);
	assert_true(b.n > 12);
	assert_true(b.len > 0);
}

static void test_queue_is_emptied(void **state)
{
	struct nlcfg c = { .fd = -1 };
	struct err e = { 0 };

	(void)state;
	nlbatch_init(&c.batch);
	nlcfg_up(&c, NLCFG_LO, 0, NULL);
	nlcfg_delete(&c, "gw0");
	assert_int_equal(c.batch.n, 2);
	assert_int_equal(nlcfg_run(&c, &e), -EBADF);
	assert_int_equal(c.batch.n, 0);
	assert_non_null(strstr(e.msg, "netlink"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_fit),
		cmocka_unit_test(test_guard_fits),
		cmocka_unit_test(test_queue_is_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
