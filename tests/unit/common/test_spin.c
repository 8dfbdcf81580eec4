// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "common/spin.h"

#define MAX 50000U

static void short_waits_make_it_grow(void **state)
{
	struct spin s = { .max = MAX };
	static const uint32_t limits[] = { 10000, 20000, 40000, MAX, MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		spin_learn(&s, s.limit + 1 > MAX ? MAX : s.limit + 1);
		assert_int_equal(s.limit, limits[i]);
	}
	/* what came while polling changes nothing */
	spin_learn(&s, 1);
	assert_int_equal(s.limit, MAX);
}

static void long_wait_ends_it(void **state)
{
	struct spin s = { .max = MAX, .limit = MAX };

	(void)state;
	spin_learn(&s, MAX + 1);
	assert_int_equal(s.limit, 0);
	/* the end of one burst is no reason not to poll in the next */
	spin_learn(&s, 1000);
	assert_int_equal(s.limit, 10000);
}

/* What is waited for comes just when the polling is over, always. */
static void vain_polling_becomes_rare(void **state)
{
	struct spin s = { .max = MAX };
	uint64_t polled = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		polled += s.limit;
		spin_learn(&s, s.limit + 5000);
	}
	assert_in_range(polled / 10000, 0, 500); /* ns a wait: a tenth of the wait itself */
	/* and one success is believed again */
	s.limit = MAX;
	spin_learn(&s, 100);
	assert_int_equal(s.misses, 0);
}

static void none_when_none_is_wanted(void **state)
{
	struct spin s = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		spin_learn(&s, 100);
		assert_int_equal(s.limit, 0);
	}
}

static void yields_to_others(void **state)
{
	struct spin s = { .max = MAX, .limit = MAX, .cpus = 2 };

	(void)state;
	spin_judge(&s, 2, 4000000, 100000); /* ran 4 ms, was kept waiting for 0.1 */
	assert_int_equal(s.limit, MAX);
	spin_judge(&s, 2, 5000000, 3100000); /* 1 ms more, 3 ms */
	assert_int_equal(s.limit, 0);
	spin_learn(&s, 100);
	assert_int_equal(s.limit, 0);
	spin_judge(&s, 2, 9000000, 3100000);
	spin_learn(&s, 100);
	assert_int_equal(s.limit, 10000);
	/* it runs at once, but others would as well */
	spin_judge(&s, 3, 13000000, 3100000);
	assert_int_equal(s.limit, 0);
}

static void reads_the_scheduler(void **state)
{
	struct spin s;

	(void)state;
	spin_init(&s, 50);
	if (s.stat_fd < 0)
		skip();
	/* the scheduler counts when the thread sleeps */
	for (int i = 0; i < 100 && !s.ran; i++) {
		(void)poll(NULL, 0, 5);
		spin_check(&s, spin_now(), 0);
	}
	assert_true(s.ran > 0);
	spin_clear(&s);
	assert_int_equal(s.stat_fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_waits_make_it_grow),
		cmocka_unit_test(long_wait_ends_it),
		cmocka_unit_test(vain_polling_becomes_rare),
		cmocka_unit_test(yields_to_others),
		cmocka_unit_test(reads_the_scheduler),
		cmocka_unit_test(none_when_none_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
