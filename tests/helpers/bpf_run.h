/* SPDX-License-Identifier: Apache-2.0
 *
 * bpf_run - the kernel's classic BPF machine, as far as seccomp filters use it
 *
 * To be included behind cmocka.h.
 */
#ifndef TESTS_HELPERS_BPF_RUN_H
#define TESTS_HELPERS_BPF_RUN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * bpf_run() - what a program returns; the test fails where it does not
 * @f, @n:	the program
 * @data:	what it looks at, with room for every load
 */
static inline uint32_t bpf_run(const struct sock_filter *f, size_t n, const void *data)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < n; pc++) {
		uint32_t k = f[pc].k;
		bool yes = false;

		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&acc, (const char *)data + k, sizeof(acc));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= k;
			continue;
		case BPF_RET | BPF_K:
			return k;
		case BPF_JMP | BPF_JA:
			pc += k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = acc == k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = acc > k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = acc >= k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = (acc & k) != 0;
			break;
		default:
			fail_msg("instruction %#x", f[pc].code);
		}
		pc += yes ? f[pc].jt : f[pc].jf;
	}
	fail_msg("the program ran off its end");
	return 0;
}

#endif
