/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp - only the system calls that the sources name
 *
 * How it works: a source lists what it calls behind the word "#syscalls"
 * (slirp-net itself) or "#syscalls:broker" in a comment. At build
 * time slirp-net/syscalls.sh gathers them into a header of two name lists.
 */
#include "slirp-net/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

#include "slirp-net/syscalls.h"

/* The C library on its own behalf:
 * #syscalls brk mmap munmap mremap madvise futex rt_sigreturn exit_group exit restart_syscall
 * #syscalls:broker brk mmap munmap rt_sigreturn exit_group exit restart_syscall futex
 */

static const char *const main_calls[] = { SYSCALLS_MAIN };
static const char *const broker_calls[] = { SYSCALLS_BROKER };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* what the sanitizers do when the process ends */
static const char *const sanitizer_calls[] = {
	"clone", "ptrace", "prctl", "sigaltstack", "rt_sigprocmask", "wait4", "readlink",
	"readlinkat", "getdents64", "process_vm_readv", "gettid", "tgkill", "rt_sigaction",
	"mprotect", "sched_yield", "sched_getaffinity", "set_robust_list", "rseq", "getpid",
	"getppid", "openat", "open", "read", "write", "fstat", "newfstatat", "close", "pipe2",
	"clone3",
};
#endif

static int allow(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		/* a name of another architecture */
		if (nr == __NR_SCMP_ERROR || nr < 0)
			continue;
		/* named twice is no error */
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

int seccomp_enter(enum seccomp_who who, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return err_set(e, -ENOMEM, "limit system calls");
	if (who == SECCOMP_MAIN)
		r = allow(ctx, main_calls, sizeof(main_calls) / sizeof(main_calls[0]));
	else
		r = allow(ctx, broker_calls, sizeof(broker_calls) / sizeof(broker_calls[0]));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	if (!r)
		r = allow(ctx, sanitizer_calls,
			  sizeof(sanitizer_calls) / sizeof(sanitizer_calls[0]));
#endif
	/* no_new_privs is set already; setting it again needs no right */
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_set(e, r, "limit system calls") : 0;
}
