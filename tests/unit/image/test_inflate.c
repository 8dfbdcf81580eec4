/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "common/str.h"
#include "runner/image/inflate.h"

#define PLAIN_SIZE 300000

/**
 * struct memory - a source that gives at most @step bytes a read
 */
struct memory {
	const unsigned char *p;
	size_t left;
	size_t step;
};

static ssize_t memory_read(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	size_t n = len < m->step ? len : m->step;

	if (n > m->left)
		n = m->left;
	memcpy(buf, m->p, n);
	m->p += n;
	m->left -= n;
	return (ssize_t)n;
}

static unsigned char *make_plain(void)
{
	unsigned char *p = xcalloc(1, PLAIN_SIZE);
	uint32_t x = 1;

	for (size_t i = 0; i < PLAIN_SIZE; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = i % 1000 < 500 ? (unsigned char)(x >> 24) : 'a';
	}
	return p;
}

static size_t gzip_to(unsigned char *out, size_t room, const unsigned char *in, size_t len)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)in;
	z.avail_in = (unsigned int)len;
	z.next_out = out;
	z.avail_out = (unsigned int)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t n = room - z.avail_out;
	(void)deflateEnd(&z);
	return n;
}

/* Return: 0 and the bytes, or the error of the read that failed */
static int inflate_all(const unsigned char *in, size_t len, size_t step, unsigned char *out,
		       size_t *ret_len)
{
	struct memory m = { in, len, step };
	struct source src = { memory_read, &m };
	AUTO(inflate_free) struct inflate *z = NULL;
	size_t total = 0;
	int r = inflate_new(&src, &z);

	if (r)
		return r;
	for (;;) {
		unsigned char buf[7001];
		ssize_t n = inflate_read(z, buf, sizeof(buf));

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		assert_true(total + (size_t)n <= PLAIN_SIZE * 2);
		memcpy(out + total, buf, (size_t)n);
		total += (size_t)n;
	}
	*ret_len = total;
	return 0;
}

static const size_t steps[] = { 1, 3, 4096, SIZE_MAX };

static void check(const unsigned char *in, size_t len, const unsigned char *want, size_t want_len)
{
	auto_free unsigned char *out = xcalloc(1, PLAIN_SIZE * 2);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		size_t got = 0;

		assert_int_equal(inflate_all(in, len, steps[i], out, &got), 0);
		assert_int_equal(got, want_len);
		assert_memory_equal(out, want, want_len);
	}
}

static void test_gzip(void **state)
{
	auto_free unsigned char *plain = make_plain();
	auto_free unsigned char *z = xcalloc(1, PLAIN_SIZE * 2);

	(void)state;
	size_t len = gzip_to(z, PLAIN_SIZE * 2, plain, PLAIN_SIZE);
	check(z, len, plain, PLAIN_SIZE);
	/* two members are one stream, zeros behind it are padding */
	size_t a = gzip_to(z, PLAIN_SIZE, plain, 1000);
	size_t b = gzip_to(z + a, PLAIN_SIZE, plain + 1000, PLAIN_SIZE - 1000);
	check(z, a + b, plain, PLAIN_SIZE);
	memset(z + a + b, 0, 1000);
	check(z, a + b + 1000, plain, PLAIN_SIZE);
	/* a member of nothing */
	a = gzip_to(z, PLAIN_SIZE, plain, 0);
	check(z, a, plain, 0);
}

static void test_zstd(void **state)
{
	static const unsigned char skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4 };
	auto_free unsigned char *plain = make_plain();
	auto_free unsigned char *z = xcalloc(1, PLAIN_SIZE * 2);

	(void)state;
	memcpy(z, skippable, sizeof(skippable));
	size_t a = sizeof(skippable);
	a += ZSTD_compress(z + a, PLAIN_SIZE, plain, 1000, 3);
	a += ZSTD_compress(z + a, PLAIN_SIZE, plain + 1000, PLAIN_SIZE - 1000, 3);
	/* zstd:chunked ends with its table of contents in such a frame */
	memcpy(z + a, skippable, sizeof(skippable));
	check(z, a + sizeof(skippable), plain, PLAIN_SIZE);
}

static void test_plain(void **state)
{
	auto_free unsigned char *plain = make_plain();

	(void)state;
	check(plain, PLAIN_SIZE, plain, PLAIN_SIZE);
	check(plain, 1, plain, 1);
	check(plain, 0, plain, 0);
}

static void test_damage(void **state)
{
	auto_free unsigned char *plain = make_plain();
	auto_free unsigned char *z = xcalloc(1, PLAIN_SIZE * 2);
	auto_free unsigned char *out = xcalloc(1, PLAIN_SIZE * 2);
	size_t got;

	(void)state;
	size_t len = gzip_to(z, PLAIN_SIZE * 2, plain, PLAIN_SIZE);
	for (size_t cut = 4; cut < len; cut += len / 7)
		assert_int_equal(inflate_all(z, cut, SIZE_MAX, out, &got), -EBADMSG);
	assert_int_equal(inflate_all(z, len - 1, SIZE_MAX, out, &got), -EBADMSG);
	z[len - 6] ^= 1;
	assert_int_equal(inflate_all(z, len, SIZE_MAX, out, &got), -EBADMSG);
	len = ZSTD_compress(z, PLAIN_SIZE * 2, plain, PLAIN_SIZE, 3);
	assert_int_equal(inflate_all(z, len - 1, SIZE_MAX, out, &got), -EBADMSG);
	z[len / 2] ^= 0xff;
	z[len / 2 + 1] ^= 0xff;
	(void)inflate_all(z, len, SIZE_MAX, out, &got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_zstd),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
