/* SPDX-License-Identifier: Apache-2.0
 *
 * ctrecord: a record comes back as it was written; rubbish is refused
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctrecord.h"
#include "runner/engine/engine.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_round_trip(void **state)
{
	static const struct engine eng = { .root_fd = -1, .runroot_fd = -1 };
	AUTO(container_free) struct container *c = container_new(&eng);
	AUTO(container_free) struct container *d = container_new(&eng);
	auto_free char *text = NULL, *text2 = NULL;
	size_t len = 0;

	(void)state;
	memcpy(c->id, ID, sizeof(ID));
	c->name = xstrdup("web");
	c->config.image = xstrdup("image");
	c->config.tty = true;
	c->config.stop_timeout = -5;
	c->config.log_max = 1LL << 40;
	assert_int_equal(strv_add(&c->config.args, "sh"), 0);
	assert_int_equal(strv_add(&c->config.args, ""), 0);
	/* bytes that are no UTF-8, and the mark that stands for them */
	assert_int_equal(strv_add(&c->config.args, "\xff\xfe caf\xc3\xa9 \x80"), 0);
	assert_int_equal(strv_add(&c->config.args, "\1odd"), 0);
	assert_int_equal(strv_add(&c->config.args, "caf\xc3\xa9 \n\t\""), 0);
	c->state.status = CONTAINER_EXITED;
	c->state.exit_code = 137;
	c->state.finished = 1795339468581341577;
	text = ctrecord_format(c, &len);
	assert_non_null(text);
	assert_int_equal(ctrecord_parse(text, len, d, NULL), 0);
	assert_string_equal(d->id, ID);
	assert_string_equal(d->name, "web");
	assert_string_equal(d->config.image, "image");
	assert_string_equal(d->config.hostname, "");
	assert_true(d->config.tty);
	assert_false(d->config.rm);
	assert_int_equal(d->config.stop_timeout, -5);
	assert_true(d->config.log_max == 1LL << 40);
	assert_int_equal(d->config.args.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(d->config.args.v[i], c->config.args.v[i]);
	assert_int_equal(d->state.status, CONTAINER_EXITED);
	assert_true(d->state.finished == c->state.finished);
	text2 = ctrecord_format(d, NULL);
	assert_string_equal(text2, text);
}

static void test_bad(void **state)
{
	static const struct engine eng = { .root_fd = -1, .runroot_fd = -1 };
	static const char *const rows[] = {
		"", "{", "[]", "null", "{\"version\":2}", "{\"version\":1}",
		"{\"version\":1,\"id\":\"x\",\"name\":\"n\",\"config\":{},\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"config\":{},\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":[],\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":{\"tty\":1},\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":{\"args\":\"x\"},\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":{\"args\":[1]},\"state\":{}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":{},\"state\":{\"status\":99}}",
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"n\",\"config\":{},\"state\":{\"pid\":5000000000}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(container_free) struct container *c = container_new(&eng);
		struct err e = { 0 };

		assert_int_equal(ctrecord_parse(rows[i], strlen(rows[i]), c, &e), -EBADMSG);
		assert_int_equal(e.code, -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
