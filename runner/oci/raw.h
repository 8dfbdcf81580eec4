/* SPDX-License-Identifier: Apache-2.0
 *
 * raw - system calls that glibc 2.36 has no wrapper for, or whose wrapper
 * does more than the call (the setuid family signals other threads)
 *
 * All return -1 with errno set, as the C library's own do.
 */
#ifndef RUNNER_OCI_RAW_H
#define RUNNER_OCI_RAW_H

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline long raw_clone3(struct clone_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static inline int raw_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

static inline int raw_capget(struct __user_cap_header_struct *h, struct __user_cap_data_struct *d)
{
	return (int)syscall(SYS_capget, h, d);
}

static inline int raw_capset(struct __user_cap_header_struct *h,
			     const struct __user_cap_data_struct *d)
{
	return (int)syscall(SYS_capset, h, d);
}

static inline int raw_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline int raw_setresuid(uid_t u)
{
	return (int)syscall(SYS_setresuid, u, u, u);
}

static inline int raw_setresgid(gid_t g)
{
	return (int)syscall(SYS_setresgid, g, g, g);
}

static inline int raw_setgroups(size_t n, const gid_t *gids)
{
	return (int)syscall(SYS_setgroups, n, gids);
}

static inline int raw_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int raw_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static inline long raw_keyctl(int op, const char *arg)
{
	return syscall(SYS_keyctl, op, arg, 0, 0, 0);
}

static inline int raw_prctl(int op, unsigned long a, unsigned long b, unsigned long c)
{
	return prctl(op, a, b, c, 0UL);
}

static inline int raw_seccomp(unsigned int op, unsigned int flags, void *args)
{
	return (int)syscall(SYS_seccomp, op, flags, args);
}

#endif
