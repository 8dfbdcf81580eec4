/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/opt.h"

struct target {
	bool interactive;
	bool tty;
	const char *name;
	int count;
	uint64_t big;
	struct strv env;
	int called;
};

static int call(const char *value, void *field, struct err *e)
{
	if (str_eq(value, "bad"))
		return err_msg(e, -EINVAL, "'%s' is bad", value);
	*(int *)field = (int)strlen(value);
	return 0;
}

static const struct opt shared[] = {
	OPT_LIST('e', "env", struct target, env, "NAME=VALUE", "set a variable"),
	OPT_END,
};

static const struct opt rows[] = {
	OPT_BOOL('i', "interactive", struct target, interactive, "keep stdin"),
	OPT_BOOL('t', "tty", struct target, tty, "terminal"),
	OPT_STR('n', "name", struct target, name, "NAME", "name it"),
	OPT_INT(0, "count", struct target, count, "N", "how many"),
	OPT_U64(0, "big", struct target, big, "N", "how big"),
	OPT_CALL('c', "call", struct target, called, "WHAT", call, "calls"),
	OPT_ROWS(shared),
	OPT_END,
};

#define ARGV(...) char *argv[] = { (char *)(size_t)"prog", __VA_ARGS__, NULL }; \
	int argc = (int)(sizeof(argv) / sizeof(*argv)) - 1
#define A(s) ((char *)(size_t)(s))

static void every_form_of_an_option(void **state)
{
	AUTO(strv_clear) struct strv cleanup = { 0 };
	struct target t = { 0 };
	struct err e = { 0 };
	int first, end;
	ARGV(A("-it"), A("--name"), A("x"), A("-e"), A("A=1"), A("op1"), A("-eB=2"), A("--count=-3"),
	     A("--big=18446744073709551615"), A("--call"), A("abc"), A("--"), A("--tty=false"));

	(void)state;
	assert_int_equal(opt_parse(rows, argc, argv, 0, &t, &first, &end, &e), 0);
	cleanup = t.env;
	assert_true(t.interactive && t.tty);
	assert_string_equal(t.name, "x");
	assert_int_equal(t.env.n, 2);
	assert_string_equal(t.env.v[1], "B=2");
	assert_int_equal(t.count, -3);
	assert_true(t.big == UINT64_MAX);
	assert_int_equal(t.called, 3);
	assert_int_equal(end - first, 2);
	assert_string_equal(argv[first], "op1");
	assert_string_equal(argv[first + 1], "--tty=false");
}

static void stops_at_the_first_operand(void **state)
{
	struct target t = { 0 };
	struct err e = { 0 };
	int first;
	ARGV(A("-t"), A("img"), A("-i"), A("--no-such"));

	(void)state;
	assert_int_equal(opt_parse(rows, argc, argv, OPT_STOP_AT_OPERAND, &t, &first, NULL, &e), 0);
	assert_int_equal(first, 2);
	assert_true(t.tty && !t.interactive);
}

static void bools_take_an_attached_value_only(void **state)
{
	struct target t = { .tty = true };
	struct err e = { 0 };
	int first, end;
	ARGV(A("--tty=false"), A("-i=true"), A("true"));

	(void)state;
	assert_int_equal(opt_parse(rows, argc, argv, 0, &t, &first, &end, &e), 0);
	assert_true(!t.tty && t.interactive);
	assert_int_equal(end - first, 1);
}

static void each_refusal_names_the_option(void **state)
{
	static const struct {
		const char *arg;
		const char *message;
	} bad[] = {
		{ "--no-such", "--no-such: no such option" },
		{ "--nam", "--nam: no such option" },
		{ "-x", "-x: no such option" },
		{ "-ix", "-x: no such option" },
		{ "--name", "--name: needs a value (NAME)" },
		{ "-n", "-n: needs a value (NAME)" },
		{ "--count=x", "--count: 'x' is not a number" },
		{ "--big=-1", "--big: '-1' is not a number" },
		{ "--tty=maybe", "--tty: 'maybe' is not true or false" },
		{ "--call=bad", "--call: 'bad' is bad" },
		{ "-cbad", "-c: 'bad' is bad" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct target t = { 0 };
		struct err e = { 0 };
		int first, end;
		ARGV(A(bad[i].arg));

		assert_int_equal(opt_parse(rows, argc, argv, 0, &t, &first, &end, &e), -EINVAL);
		assert_string_equal(e.msg, bad[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_an_option),
		cmocka_unit_test(stops_at_the_first_operand),
		cmocka_unit_test(bools_take_an_attached_value_only),
		cmocka_unit_test(each_refusal_names_the_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
