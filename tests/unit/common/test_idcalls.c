/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/idcalls.h"

static const struct idcall *find(const char *name)
{
	for (size_t i = 0; i < n_idcalls; i++)
		if (strcmp(idcalls[i].name, name) == 0)
			return &idcalls[i];
	return NULL;
}

/* a value with bits outside its mask could never be met */
static void conditions_can_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_idcalls; i++) {
		assert_true(idcalls[i].arg < 6);
		assert_int_equal(idcalls[i].value & ~idcalls[i].mask, 0);
	}
}

static void no_row_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_idcalls; i++)
		for (size_t k = i + 1; k < n_idcalls; k++) {
			const struct idcall *a = &idcalls[i], *b = &idcalls[k];

			if (strcmp(a->name, b->name) != 0)
				continue;
			/* an unconditional row would make every other one moot */
			assert_true(a->mask && b->mask);
			assert_true(a->arg != b->arg || a->mask != b->mask || a->value != b->value);
		}
}

static void modes(void **state)
{
	(void)state;
	assert_non_null(find("setresuid"));
	assert_non_null(find("fchownat"));
	assert_true(idcall_wanted(find("setuid"), false));
	assert_true(idcall_wanted(find("setuid"), true));
	assert_false(idcall_wanted(find("newfstatat"), false));
	assert_true(idcall_wanted(find("newfstatat"), true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_can_hold),
		cmocka_unit_test(no_row_twice),
		cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
