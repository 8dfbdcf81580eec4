/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/portspec.h"

static void good_ones_round_trip(void **state)
{
	static const struct {
		const char *in, *out;
		int family;
	} good[] = {
		{ "80", "0:80/tcp", AF_UNSPEC },
		{ "8080:80", "8080:80/tcp", AF_UNSPEC },
		{ "8080:80/udp", "8080:80/udp", AF_UNSPEC },
		{ "8080:80/TCP", "8080:80/tcp", AF_UNSPEC },
		{ ":80", "0:80/tcp", AF_UNSPEC },
		{ "0:80", "0:80/tcp", AF_UNSPEC },
		{ "127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp", AF_INET },
		{ "127.0.0.1::80", "127.0.0.1:0:80/tcp", AF_INET },
		{ "[::1]:8080:80", "[::1]:8080:80/tcp", AF_INET6 },
		{ "[::1]::80/udp", "[::1]:0:80/udp", AF_INET6 },
		{ "8000-8010:9000-9010", "8000-8010:9000-9010/tcp", AF_UNSPEC },
		{ "65535:65535", "65535:65535/tcp", AF_UNSPEC },
		{ "1-65535:1-65535/udp", "1-65535:1-65535/udp", AF_UNSPEC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct portspec p, again;
		struct err e = { 0 };
		char text[128];

		assert_int_equal(portspec_parse(good[i].in, &p, &e), 0);
		assert_int_equal(p.family, good[i].family);
		assert_true(portspec_format(&p, text, sizeof(text)) > 0);
		assert_string_equal(text, good[i].out);
		assert_int_equal(portspec_parse(text, &again, &e), 0);
		assert_memory_equal(&p, &again, sizeof(p));
	}
}

static void bad_ones_are_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {
		"", ":", "::", "80::", "8080:", "a:80", "80:a", "80/sctp", "80/", "0", "8080:0",
		"65536:80", "-1:80", "80-79:80-79", "80-90:80", "80:80-90", "0-10:0-10", "80-90",
		"1.2.3:80:80", "::1:80:80", "[::1]80:80", "[::1", "[]:80:80", "1.2.3.4:5:6:7",
		"8080:80/tcp/udp", " 80", "80 ", "0-65535:0-65535",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct portspec p;
		struct err e = { 0 };

		if (portspec_parse(bad[i], &p, &e) != -EINVAL || !*e.msg)
			fail_msg("'%s' was accepted or refused without a reason", bad[i]);
	}
}

static void too_long_is_refused(void **state)
{
	char big[4096];
	struct portspec p;
	struct err e = { 0 };

	(void)state;
	memset(big, '1', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(portspec_parse(big, &p, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_round_trip),
		cmocka_unit_test(bad_ones_are_refused_with_a_reason),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
