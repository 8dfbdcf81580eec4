/* SPDX-License-Identifier: Apache-2.0
 *
 * idcalls - the table
 */
#include "common/idcalls.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ALWAYS(n) { .name = (n) }
#define FULL(n) { .name = (n), .full = true }
#define EQUAL(n, a, v) { .name = (n), .arg = (a), .mask = UINT32_MAX, .value = (v) }
#define BITS(n, a, m, v) { .name = (n), .arg = (a), .mask = (m), .value = (v) }
#define FULL_BITS(n, a, m, v) { .name = (n), .full = true, .arg = (a), .mask = (m), .value = (v) }

/* Calls with the numbers of one architecture only (fchmodat2, or open on
 * others than x86) are left out by who does not know them. */
const struct idcall idcalls[] = {
	/* who one is */
	ALWAYS("setuid"),
	ALWAYS("setgid"),
	ALWAYS("setreuid"),
	ALWAYS("setregid"),
	ALWAYS("setresuid"),
	ALWAYS("setresgid"),
	ALWAYS("setfsuid"),
	ALWAYS("setfsgid"),
	ALWAYS("setgroups"),
	ALWAYS("getuid"),
	ALWAYS("geteuid"),
	ALWAYS("getgid"),
	ALWAYS("getegid"),
	ALWAYS("getresuid"),
	ALWAYS("getresgid"),
	ALWAYS("getgroups"),
	ALWAYS("capget"),
	ALWAYS("capset"),
	EQUAL("prctl", 0, PR_GET_KEEPCAPS),
	EQUAL("prctl", 0, PR_SET_KEEPCAPS),
	EQUAL("prctl", 0, PR_CAPBSET_READ),
	EQUAL("prctl", 0, PR_CAPBSET_DROP),
	EQUAL("prctl", 0, PR_GET_SECUREBITS),
	EQUAL("prctl", 0, PR_SET_SECUREBITS),
	EQUAL("prctl", 0, PR_CAP_AMBIENT),
	ALWAYS("execve"),
	ALWAYS("execveat"),
	EQUAL("getsockopt", 2, SO_PEERCRED),
	/* where the record is kept */
	EQUAL("setrlimit", 0, RLIMIT_RTTIME),
	EQUAL("getrlimit", 0, RLIMIT_RTTIME),
	EQUAL("prlimit64", 1, RLIMIT_RTTIME),

	/* whose a file is */
	ALWAYS("chown"),
	ALWAYS("lchown"),
	ALWAYS("fchown"),
	ALWAYS("fchownat"),
	ALWAYS("chmod"),
	ALWAYS("fchmod"),
	ALWAYS("fchmodat"),
	ALWAYS("fchmodat2"),
	BITS("mknod", 1, S_IFMT, S_IFCHR),
	BITS("mknod", 1, S_IFMT, S_IFBLK),
	BITS("mknodat", 2, S_IFMT, S_IFCHR),
	BITS("mknodat", 2, S_IFMT, S_IFBLK),

	FULL("stat"),
	FULL("lstat"),
	FULL("fstat"),
	FULL("newfstatat"),
	FULL("statx"),

	/* a new file is its maker's */
	FULL_BITS("open", 1, O_CREAT, O_CREAT),
	FULL_BITS("openat", 2, O_CREAT, O_CREAT),
	FULL("openat2"),
	FULL("creat"),
	FULL("mkdir"),
	FULL("mkdirat"),
	FULL("symlink"),
	FULL("symlinkat"),
	FULL("bind"),
	FULL_BITS("mknod", 1, S_IFMT, 0),
	FULL_BITS("mknod", 1, S_IFMT, S_IFREG),
	FULL_BITS("mknod", 1, S_IFMT, S_IFIFO),
	FULL_BITS("mknod", 1, S_IFMT, S_IFSOCK),
	FULL_BITS("mknodat", 2, S_IFMT, 0),
	FULL_BITS("mknodat", 2, S_IFMT, S_IFREG),
	FULL_BITS("mknodat", 2, S_IFMT, S_IFIFO),
	FULL_BITS("mknodat", 2, S_IFMT, S_IFSOCK),

	/* overlayfs gives a link another number then; a file without a name gets one */
	FULL("rename"),
	FULL("renameat"),
	FULL("renameat2"),
	FULL("link"),
	FULL("linkat"),
	FULL_BITS("utimensat", 3, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW),

	/* after these a path may mean something else to the process than to others */
	ALWAYS("chroot"),
	ALWAYS("pivot_root"),
	ALWAYS("setns"),
	BITS("unshare", 0, CLONE_NEWNS, CLONE_NEWNS),
	BITS("clone", 0, CLONE_NEWNS, CLONE_NEWNS),
	ALWAYS("mount"),
	ALWAYS("umount2"),
	ALWAYS("move_mount"),
};

const size_t n_idcalls = sizeof(idcalls) / sizeof(idcalls[0]);
