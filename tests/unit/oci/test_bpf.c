/* SPDX-License-Identifier: Apache-2.0
 *
 * test_bpf - a shortened program answers as the long one
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/oci/bpf.h"
#include "tests/helpers/bpf_run.h"

#define LONGEST 3000
#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % below;
}

static uint32_t some_number(void)
{
	static const uint32_t odd[] = { 0, 1, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe,
					0xffffffff };

	return any(12) ? any(60) : odd[any(N(odd))];
}

static struct sock_filter some_jump(uint16_t op, size_t left)
{
	uint32_t reach = left - 1 < 255 ? (uint32_t)left - 1 : 255;
	/* short ones make long programs that are not skipped at once */
	uint32_t jt = any(reach + 1) >> any(8), jf = any(reach + 1) >> any(8);

	return (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, some_number(), (uint8_t)jt,
					    (uint8_t)jf);
}

static void make_program(struct sock_filter *f, size_t n)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JEQ, BPF_JEQ, BPF_JEQ, BPF_JGE, BPF_JGT };

	for (size_t i = 0; i < n; i++) {
		uint32_t what = any(100);

		if (i == n - 1 || what < 8)
			f[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, any(4));
		else if (what < 16)
			f[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 * any(3));
		else if (what < 18)
			f[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, any(64));
		else if (what < 20)
			f[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							    any((uint32_t)(n - i - 1)) >> any(10));
		else if (what < 24)
			f[i] = some_jump(BPF_JSET, n - i - 1);
		else
			f[i] = some_jump(ops[any(N(ops))], n - i - 1);
	}
}

static void same_answers(const struct sock_filter *was, size_t n_was, const struct sock_filter *is,
			 size_t n_is)
{
	for (int i = 0; i < 300; i++) {
		uint32_t data[3] = { some_number(), some_number(), some_number() };

		data[any(3)] += any(3) - 1;
		if (bpf_run(was, n_was, data) != bpf_run(is, n_is, data))
			fail_msg("%u %u %u: another answer", data[0], data[1], data[2]);
	}
}

static void random_programs(void **unused)
{
	static struct sock_filter was[LONGEST], is[LONGEST];
	size_t shorter = 0;

	(void)unused;
	for (state = 1; state < 3000; state++) {
		uint64_t seed = state;
		size_t n = 1 + any(seed % 40 ? 200 : LONGEST), len;

		make_program(was, n);
		memcpy(is, was, n * sizeof(*is));
		len = bpf_shrink(is, n);
		assert_true(len <= n);
		shorter += len < n;
		same_answers(was, n, is, len);
		state = seed;
	}
	assert_true(shorter > 1000);
}

/* Returns and searches farther away than a comparison reaches. */
static void long_ways(void **unused)
{
	static struct sock_filter was[LONGEST], is[LONGEST];
	size_t n = 0, len;

	(void)unused;
	state = 7;
	was[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (uint32_t nr = 0; nr < 400; nr++) {
		/* each number has its own test of an argument */
		was[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
		was[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4);
		was[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, nr % 7 + 1, 1, 0);
		was[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1000 + nr % 3);
		was[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 2000);
	}
	was[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 9);
	memcpy(is, was, n * sizeof(*is));
	len = bpf_shrink(is, n);
	assert_true(len < n);
	for (uint32_t nr = 0; nr < 410; nr++)
		for (uint32_t arg = 0; arg < 9; arg++) {
			uint32_t data[3] = { nr, arg, 0 };

			assert_int_equal(bpf_run(was, n, data), bpf_run(is, len, data));
		}
}

static void numbers_become_ranges(void **unused)
{
	struct sock_filter f[1 + 2 * 300 + 1];
	size_t n = 0;

	(void)unused;
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (uint32_t nr = 0; nr < 300; nr++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, nr == 150 ? 5 : 7);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	/* the load, three tests at most, three returns */
	n = bpf_shrink(f, n);
	assert_true(n <= 7);
	for (uint32_t nr = 0; nr < 400; nr++)
		assert_int_equal(bpf_run(f, n, &nr), nr == 150 ? 5 : nr < 300 ? 7 : 1);
}

static void left_alone(void **unused)
{
	struct sock_filter short_one[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 2),
	};
	struct sock_filter wild[] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 9),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) };
	struct sock_filter was[N(short_one)];

	(void)unused;
	memcpy(was, short_one, sizeof(was));
	assert_int_equal(bpf_shrink(short_one, N(short_one)), N(short_one));
	assert_memory_equal(was, short_one, sizeof(was));
	assert_int_equal(bpf_shrink(wild, N(wild)), N(wild));
	assert_int_equal(bpf_shrink(endless, N(endless)), N(endless));
	assert_int_equal(bpf_shrink(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs),
		cmocka_unit_test(long_ways),
		cmocka_unit_test(numbers_become_ranges),
		cmocka_unit_test(left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
