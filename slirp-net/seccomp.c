/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp - only the system calls that the sources name
 *
 * "#syscalls" lists those of slirp-net itself, "#syscalls:broker" the other's
 * (common/allow.h).
 */
#include "slirp-net/seccomp.h"

#include <errno.h>
#include <sys/syscall.h>

#include "common/allow.h"

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

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct allow_list lists[SECCOMP_WHO_MAX_] = {
	[SECCOMP_MAIN] = { main_calls, N(main_calls) },
	[SECCOMP_BROKER] = { broker_calls, N(broker_calls) },
};

int seccomp_enter(enum seccomp_who who, struct err *e)
{
	/* no_new_privs is set already */
	int r = allow_only(&lists[who], NULL, /*n_rules=*/0, SECCOMP_RET_ERRNO | EPERM);

	return r < 0 ? err_set(e, r, "limit system calls") : 0;
}
