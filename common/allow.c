/* SPDX-License-Identifier: Apache-2.0
 *
 * allow - from now on only these system calls
 */
#include "common/allow.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#endif

static const uint16_t sanitizer_calls[] = {
	SYS_restart_syscall,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* what the sanitizers do when the process ends */
	SYS_clone, SYS_ptrace, SYS_prctl, SYS_sigaltstack, SYS_rt_sigprocmask, SYS_wait4,
	SYS_readlinkat, SYS_getdents64, SYS_process_vm_readv, SYS_gettid, SYS_tgkill,
	SYS_rt_sigaction, SYS_mprotect, SYS_sched_yield, SYS_sched_getaffinity,
	SYS_set_robust_list, SYS_rseq, SYS_getpid, SYS_getppid, SYS_openat, SYS_read, SYS_write,
	SYS_fstat, SYS_newfstatat, SYS_close, SYS_pipe2, SYS_clone3, SYS_readlink, SYS_open,
#endif
};

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define CODE_MAX (2 * ALLOW_CALLS_MAX + 7 * ALLOW_RULES_MAX + 8)

/* the lower half of an argument */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARG_AT(n) (offsetof(struct seccomp_data, args) + 8u * (n))
#else
#define ARG_AT(n) (offsetof(struct seccomp_data, args) + 8u * (n) + 4)
#endif

#ifdef ARCH
static size_t put_calls(struct sock_filter *code, size_t n, const uint16_t *calls, size_t n_calls)
{
	for (size_t i = 0; i < n_calls; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	return n;
}

/* The number is loaded before, and again after. */
static size_t put_rule(struct sock_filter *code, size_t n, const struct allow_rule *r)
{
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 5);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG_AT(r->arg));
	code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->mask);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, r->answer);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	return n;
}

int allow_only(const struct allow_list *list, const struct allow_rule *rules, size_t n_rules,
	       uint32_t otherwise)
{
	struct sock_filter code[CODE_MAX] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .filter = code };
	size_t n = 4;

	if (list->n + N(sanitizer_calls) > ALLOW_CALLS_MAX || n_rules > ALLOW_RULES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n_rules; i++)
		n = put_rule(code, n, &rules[i]);
	n = put_calls(code, n, list->calls, list->n);
	n = put_calls(code, n, sanitizer_calls, N(sanitizer_calls));
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
	prog.len = (unsigned short)n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? -errno : 0;
}
#else
int allow_only(const struct allow_list *list, const struct allow_rule *rules, size_t n_rules,
	       uint32_t otherwise)
{
	(void)list;
	(void)rules;
	(void)n_rules;
	(void)otherwise;
	(void)sanitizer_calls;
	return -EOPNOTSUPP;
}
#endif
