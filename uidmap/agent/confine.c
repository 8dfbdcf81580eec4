/* SPDX-License-Identifier: Apache-2.0
 *
 * confine - the agent's own capabilities and system calls
 *
 * It reads what hostile programs wrote into their memory, and holds
 * capabilities in their user namespace. So it keeps few of those, and may call
 * only what its sources name (common/allow.h): nothing that executes, forks,
 * connects or traces.
 */
#include "uidmap/agent/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/allow.h"
#include "common/log.h"

/* The C library on its own behalf: memory, threads, sorting, the end
 * #syscalls brk mmap munmap mremap mprotect madvise futex rt_sigreturn rt_sigaction rt_sigprocmask restart_syscall
 * #syscalls set_robust_list rseq gettid getpid getrandom sched_getaffinity sched_yield sysinfo clock_gettime
 * #syscalls exit exit_group write writev close fstat newfstatat
 */

static const uint16_t calls[] = {
#define SYSCALLS_AGENT
#include "uidmap/agent/syscalls.h"
#undef SYSCALLS_AGENT
};

#define BIT(n) (UINT64_C(1) << (n))
/* to look at processes and files as their root could; to stand in a root; to bind devices */
#define CAPS_KEPT                                                                           \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |            \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP) | BIT(CAP_SYS_CHROOT) |        \
	 BIT(CAP_SYS_ADMIN))

#ifndef SECCOMP_IOC_MAGIC
#define SECCOMP_IOC_MAGIC '!'
#endif
#define NSIO 0xb7 /* ioctls of namespaces */
#define IOC_TYPE 0xff00U
#define ALL UINT32_MAX

static int drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(keep >> (32 * i));
		d[i].effective = d[i].permitted;
		d[i].inheritable = 0;
	}
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static int filter(void)
{
	(void)calls;
	log_info("agent: with sanitizers, no filter of its own system calls");
	return 0;
}
#else
static int filter(void)
{
	const struct allow_rule rules[] = {
		/* threads, not processes; clone3 hides its flags, and the C library has another way */
		{ SYS_clone, 0, CLONE_THREAD, CLONE_THREAD, SECCOMP_RET_ALLOW },
		{ SYS_clone3, 0, 0, 0, SECCOMP_RET_ERRNO | ENOSYS },
		{ SYS_tgkill, 0, ALL, (uint32_t)getpid(), SECCOMP_RET_ALLOW },
		{ SYS_ioctl, 1, IOC_TYPE, (uint32_t)SECCOMP_IOC_MAGIC << 8, SECCOMP_RET_ALLOW },
		{ SYS_ioctl, 1, IOC_TYPE, NSIO << 8, SECCOMP_RET_ALLOW },
		{ SYS_seccomp, 0, ALL, SECCOMP_GET_NOTIF_SIZES, SECCOMP_RET_ALLOW },
		{ SYS_unshare, 0, ALL, CLONE_FS, SECCOMP_RET_ALLOW },
		{ SYS_mount, 3, ALL, MS_BIND, SECCOMP_RET_ALLOW },
	};
	const struct allow_list list = { calls, sizeof(calls) / sizeof(calls[0]) };

	return allow_only(&list, rules, sizeof(rules) / sizeof(rules[0]), SECCOMP_RET_KILL_PROCESS);
}
#endif

int confine_enter(uint64_t bounding, struct err *e)
{
	/* who cannot make devices, for him none are bound */
	uint64_t keep = CAPS_KEPT & ~(bounding & BIT(CAP_MKNOD) ? 0 : BIT(CAP_SYS_ADMIN));
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(e, -errno, "prctl");
	r = drop_capabilities(keep);
	if (r < 0)
		return err_set(e, r, "drop capabilities");
	r = filter();
	if (r == -EOPNOTSUPP) {
		log_info("agent: no filter of its own system calls on this architecture");
		return 0;
	}
	return r < 0 ? err_set(e, r, "limit system calls") : 0;
}
