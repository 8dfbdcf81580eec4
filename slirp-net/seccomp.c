/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp - only the system calls that the sources name
 *
 * How it works: a source lists what it calls behind the word "#syscalls"
 * (slirp-net itself) or "#syscalls:broker" in a comment. At build time
 * slirp-net/syscalls.sh gathers them into a file that is included in arrays
 * here; a name that this architecture does not have is left out. The filter
 * compares the number with one after the other; the kernel remembers the
 * outcome for each number, so that its length costs nothing.
 */
#include "slirp-net/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
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

/* The C library on its own behalf:
 * #syscalls brk mmap munmap mremap madvise futex rt_sigreturn exit_group exit restart_syscall
 * #syscalls:broker brk mmap munmap rt_sigreturn exit_group exit restart_syscall futex
 */

static const uint16_t main_calls[] = {
#define SYSCALLS_MAIN
#include "slirp-net/syscalls.h"
#undef SYSCALLS_MAIN
};

static const uint16_t broker_calls[] = {
#define SYSCALLS_BROKER
#include "slirp-net/syscalls.h"
#undef SYSCALLS_BROKER
};

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
#define CALLS_MAX 250

static const struct {
	const uint16_t *calls;
	size_t n;
} lists[SECCOMP_WHO_MAX_] = {
	[SECCOMP_MAIN] = { main_calls, N(main_calls) },
	[SECCOMP_BROKER] = { broker_calls, N(broker_calls) },
};

_Static_assert(N(main_calls) + N(sanitizer_calls) <= CALLS_MAX, "the filter has room for all");
_Static_assert(N(broker_calls) + N(sanitizer_calls) <= CALLS_MAX, "the filter has room for all");

static size_t put(struct sock_filter *code, size_t n, const uint16_t *calls, size_t n_calls)
{
	for (size_t i = 0; i < n_calls; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	return n;
}

int seccomp_enter(enum seccomp_who who, struct err *e)
{
#ifdef ARCH
	struct sock_filter code[2 * CALLS_MAX + 5] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	size_t n = put(code, 4, lists[who].calls, lists[who].n);
	struct sock_fprog prog = { .filter = code };

	n = put(code, n, sanitizer_calls, N(sanitizer_calls));
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	prog.len = (unsigned short)n;
	/* no_new_privs is set already */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_set(e, -errno, "limit system calls");
	return 0;
#else
	(void)who;
	(void)lists;
	(void)put;
	(void)sanitizer_calls;
	return err_set(e, -EOPNOTSUPP, "limit system calls: not on this architecture");
#endif
}
