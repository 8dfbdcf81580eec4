/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp_default - the profile a container gets unless it asks for another
 *
 * How it works: an allow-list with the meaning of Docker's. What only makes
 * sense with a capability is allowed when the container's bounding set has
 * that capability; the kernel still checks it at each call. Everything else
 * gives EPERM, and a call newer than anything known here ENOSYS, so that a C
 * library falls back as on an older kernel.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "runner/oci/spec.h"

/* Files, memory, time, signals, sockets, threads: harmless by themselves. */
static const char *const always[] = {
	/* files and folders */
	"access", "chdir", "chmod", "chown", "chown32", "close", "close_range", "copy_file_range",
	"creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
	"fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat",
	"fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr",
	"fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
	"ftruncate64", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "getxattrat",
	"ioctl", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listxattr", "listxattrat",
	"llistxattr", "_llseek", "lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "mkdir",
	"mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open", "openat", "openat2",
	"pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
	"readlink", "readlinkat", "readv", "removexattr", "removexattrat", "rename", "renameat",
	"renameat2", "rmdir", "sendfile", "sendfile64", "setxattr", "setxattrat", "splice", "stat",
	"stat64", "statfs", "statfs64", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
	"sync_file_range2", "arm_sync_file_range", "syncfs", "tee", "truncate", "truncate64",
	"umask", "unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes",
	"vmsplice", "write", "writev", "cachestat",
	/* watching */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "inotify_add_watch",
	"inotify_init", "inotify_init1", "inotify_rm_watch", "poll", "ppoll", "ppoll_time64",
	"pselect6", "pselect6_time64", "select", "_newselect", "signalfd", "signalfd4",
	"timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
	"timerfd_settime64", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
	"io_pgetevents_time64", "io_setup", "io_submit",
	/* memory */
	"brk", "madvise", "membarrier", "memfd_create", "memfd_secret",
	"mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mremap", "mseal",
	"msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
	"map_shadow_stack", "process_mrelease", "remap_file_pages",
	/* processes, threads, signals */
	"alarm", "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group",
	"fork", "vfork", "futex", "futex_time64", "futex_waitv", "futex_wait", "futex_wake",
	"futex_requeue", "getcpu", "getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getgroups", "getgroups32", "getitimer", "getpgid", "getpgrp", "getpid",
	"getppid", "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid",
	"getresuid32", "getrlimit", "get_robust_list", "getrusage", "getsid", "get_thread_area",
	"gettid", "getuid", "getuid32", "ioprio_get", "ioprio_set", "kill", "nanosleep", "pause",
	"pidfd_open", "pidfd_send_signal", "prctl", "prlimit64",
	"restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_get_priority_max", "sched_get_priority_min", "sched_getscheduler",
	"sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity",
	"sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
	"setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
	"setgroups32", "setitimer", "setpgid", "setpriority", "setregid", "setregid32", "setresgid",
	"setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
	"set_robust_list", "setsid", "set_thread_area", "set_tid_address", "setuid", "setuid32",
	"sigaltstack", "sigprocmask", "sigreturn", "tgkill", "time", "times", "tkill", "ugetrlimit",
	"uname", "wait4", "waitid", "waitpid", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "uretprobe", "rseq_slice_yield",
	/* time */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "gettimeofday",
	"timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
	"timer_settime", "timer_settime64",
	/* sockets and System V */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "ipc",
	"listen", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
	"mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl",
	"msgget", "msgrcv", "msgsnd", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg",
	"semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendmmsg",
	"sendmsg", "sendto", "setsockopt", "shmat", "shmctl", "shmdt", "shmget", "shutdown",
	"socketcall", "socketpair", "sysinfo", "adjtimex", "clock_adjtime", "clock_adjtime64",
	/* reading the system's state; the kernel checks who may change it */
	"pipe", "pipe2", "listmount", "statmount",
	/* of single architectures */
	"modify_ldt", "breakpoint", "cacheflush", "set_tls", "riscv_flush_icache",
	"s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr", "swapcontext",
	"ptrace", "process_vm_readv", "process_vm_writev",
};

/* Calls that come with a capability. */
static const char *const dac_read_search[] = { "open_by_handle_at" };
static const char *const sys_admin[] = {
	"bpf", "clone", "clone3", "fanotify_init", "fanotify_mark", "fsconfig", "fsmount", "fsopen",
	"fspick", "lookup_dcookie", "mount", "mount_setattr",
	"move_mount", "open_tree", "open_tree_attr", "perf_event_open", "quotactl", "quotactl_fd",
	"setdomainname", "sethostname", "setns", "syslog", "umount", "umount2", "unshare",
};
static const char *const sys_boot[] = { "reboot" };
static const char *const sys_chroot[] = { "chroot" };
static const char *const sys_module[] = { "delete_module", "finit_module", "init_module" };
static const char *const sys_pacct[] = { "acct" };
static const char *const sys_ptrace[] = {
	"kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
};
static const char *const sys_rawio[] = { "iopl", "ioperm" };
static const char *const sys_time[] = {
	"clock_settime", "clock_settime64", "settimeofday", "stime",
};
static const char *const sys_tty_config[] = { "vhangup" };
static const char *const sys_nice[] = {
	"get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages",
	"move_pages",
};
static const char *const sys_log[] = { "syslog" };
static const char *const cap_bpf[] = { "bpf" };
static const char *const cap_perfmon[] = { "perf_event_open" };

#define ROW(cap, list) { cap, list, sizeof(list) / sizeof((list)[0]) }
static const struct by_cap {
	int cap;
	const char *const *names;
	size_t n;
} by_cap[] = {
	ROW(CAP_DAC_READ_SEARCH, dac_read_search),
	ROW(CAP_SYS_ADMIN, sys_admin),
	ROW(CAP_SYS_BOOT, sys_boot),
	ROW(CAP_SYS_CHROOT, sys_chroot),
	ROW(CAP_SYS_MODULE, sys_module),
	ROW(CAP_SYS_PACCT, sys_pacct),
	ROW(CAP_SYS_PTRACE, sys_ptrace),
	ROW(CAP_SYS_RAWIO, sys_rawio),
	ROW(CAP_SYS_TIME, sys_time),
	ROW(CAP_SYS_TTY_CONFIG, sys_tty_config),
	ROW(CAP_SYS_NICE, sys_nice),
	ROW(CAP_SYSLOG, sys_log),
	ROW(CAP_BPF, cap_bpf),
	ROW(CAP_PERFMON, cap_perfmon),
};

/* personality(2): Linux, Linux32, uname26 of both, and asking for the present one */
static const struct spec_seccomp_arg personas[] = {
	{ 0, SCMP_CMP_EQ, 0x0, 0 },	    { 0, SCMP_CMP_EQ, 0x8, 0 },
	{ 0, SCMP_CMP_EQ, 0x20000, 0 },	    { 0, SCMP_CMP_EQ, 0x20008, 0 },
	{ 0, SCMP_CMP_EQ, 0xffffffff, 0 },
};
/* no new namespaces without CAP_SYS_ADMIN; CLONE_NEWTIME is no flag of clone(2) */
static const struct spec_seccomp_arg clone_no_ns[] = {
	{ 0, SCMP_CMP_MASKED_EQ,
	  CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
		  CLONE_NEWCGROUP,
	  0 },
};
/* a vsock speaks to the hypervisor, past every network namespace */
static const struct spec_seccomp_arg not_vsock[] = { { 0, SCMP_CMP_NE, AF_VSOCK, 0 } };

static const char *const n_personality[] = { "personality" };
static const char *const n_clone[] = { "clone" };
static const char *const n_clone3[] = { "clone3" };
static const char *const n_socket[] = { "socket" };

#define NAMES(list) { (const char **)(uintptr_t)(list), sizeof(list) / sizeof((list)[0]) }
static const struct spec_seccomp_rule fixed[] = {
	{ .names = NAMES(always), .action = SCMP_ACT_ALLOW },
	{ .names = NAMES(n_personality), .action = SCMP_ACT_ALLOW, .args = personas, .n_args = 5 },
	{ .names = NAMES(n_socket), .action = SCMP_ACT_ALLOW, .args = not_vsock, .n_args = 1 },
};
static const struct spec_seccomp_rule no_admin[] = {
	{ .names = NAMES(n_clone), .action = SCMP_ACT_ALLOW, .args = clone_no_ns, .n_args = 1 },
	/* its flags are behind a pointer: ENOSYS makes libraries take clone(2) */
	{ .names = NAMES(n_clone3), .action = SCMP_ACT_ERRNO(0), .has_errno = true, .errno_ret = ENOSYS },
};

/* The machine's own architecture and those whose programs it also runs. */
static const uint32_t archs[] = {
#if defined(__x86_64__)
	SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
#elif defined(__aarch64__)
	SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,
#else
	SCMP_ARCH_NATIVE,
#endif
};

void spec_seccomp_default(struct spec *s)
{
	enum { N_FIXED = sizeof(fixed) / sizeof(fixed[0]), N_CAPS = sizeof(by_cap) / sizeof(by_cap[0]) };
	struct spec_seccomp_rule *rules = spec_alloc(s, N_FIXED + N_CAPS + 2, sizeof(*rules));
	uint64_t caps = s->process.caps.bounding;
	size_t n = 0;

	for (size_t i = 0; i < N_FIXED; i++)
		rules[n++] = fixed[i];
	for (size_t i = 0; i < N_CAPS; i++)
		if (caps & UINT64_C(1) << by_cap[i].cap)
			rules[n++] = (struct spec_seccomp_rule){
				.names = { (const char **)(uintptr_t)by_cap[i].names, by_cap[i].n },
				.action = SCMP_ACT_ALLOW,
			};
	if (!(caps & UINT64_C(1) << CAP_SYS_ADMIN)) {
		rules[n++] = no_admin[0];
		rules[n++] = no_admin[1];
	}

	s->seccomp = (struct spec_seccomp){
		.set = true,
		.action = SCMP_ACT_ERRNO(0),
		.has_errno = true,
		.errno_ret = EPERM,
		.archs = archs,
		.n_archs = sizeof(archs) / sizeof(archs[0]),
		.rules = rules,
		.n_rules = n,
	};
}
