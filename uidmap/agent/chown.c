/* SPDX-License-Identifier: Apache-2.0
 *
 * chown - answers to chown(2) and chmod(2)
 *
 * An owner is only recorded. A mode is recorded where there is a record, and
 * set by the kernel all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/copyup.h"
#include "uidmap/agent/object.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* #syscalls fchmodat removexattr geteuid close */

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static bool may_chown(const struct idstate *who, const struct override *ov, uint32_t uid,
		      uint32_t gid)
{
	bool own = who->uid.fs == ov->uid;

	if (idstate_capable(who, CAP_CHOWN))
		return true;
	if (uid != ID_NONE && !(own && uid == ov->uid))
		return false;
	return gid == ID_NONE || (own && (gid == ov->gid || idstate_in_group(who, gid)));
}

/* A program that changes hands is no setuid program any more. */
static int drop_privilege(const struct object *o, struct override *ov)
{
	uint32_t gone = S_ISUID | (ov->mode & S_IXGRP ? (uint32_t)S_ISGID : 0);
	mode_t real = o->st.stx_mode & 07777U;

	if (!S_ISREG(o->st.stx_mode))
		return 0;
	ov->mode &= ~gone;
	if ((real & gone) && fchmodat(AT_FDCWD, o->self, real & ~gone, 0) < 0)
		return -errno;
	(void)removexattr(o->self, "security.capability");
	return 0;
}

static int change_owner(struct job *j, int fd, uint32_t uid, uint32_t gid)
{
	const struct idstate *who = &who_is(j)->id;
	struct override ov;
	struct object o;
	int r = object_read(j->agent, fd, &o);

	if (r < 0)
		return r;
	ov = o.ov;
	if (!may_chown(who, &ov, uid, gid))
		return -EPERM;
	if (o.st.stx_uid != geteuid())
		return -EPERM;
	if (uid != ID_NONE)
		ov.uid = uid;
	if (gid != ID_NONE)
		ov.gid = gid;
	if (!tracee_is_valid(j))
		return -ESRCH;
	r = drop_privilege(&o, &ov);
	if (r < 0)
		return r;
	return object_write(j->agent, &o, &ov);
}

/* A path in /proc, or what only the kernel can open: the kernel answers. */
static int64_t chown_place(struct job *j, int dirfd, uint64_t path, int flags, uint32_t uid,
			   uint32_t gid)
{
	struct place p;
	int r = tracee_place(j, dirfd, path, flags & AT_EMPTY_PATH, &p);

	if (r == TRACEE_LEAVE)
		return JOB_CONTINUE;
	if (r < 0)
		return r;
	auto_close int fd = tracee_open(j, &p, !(flags & AT_SYMLINK_NOFOLLOW));
	if (fd == -ELOOP)
		return JOB_CONTINUE;
	return fd < 0 ? fd : change_owner(j, fd, uid, gid);
}

#define A(n) ((uint32_t)j->arg[n])

static int64_t entered(struct job *j, int dirfd, uint64_t path, int flags, uint32_t uid,
		       uint32_t gid)
{
	int64_t answer = tracee_enter(j);

	if (answer == 0)
		answer = chown_place(j, dirfd, path, flags, uid, gid);
	tracee_leave(j);
	return answer;
}

static int64_t do_chown(struct job *j)
{
	return entered(j, AT_FDCWD, j->arg[0], 0, A(1), A(2));
}

static int64_t do_lchown(struct job *j)
{
	return entered(j, AT_FDCWD, j->arg[0], AT_SYMLINK_NOFOLLOW, A(1), A(2));
}

static int64_t do_fchown(struct job *j)
{
	const struct place p = { (int)j->arg[0], NULL };

	if (p.fd < 0)
		return -EBADF;
	auto_close int fd = tracee_open(j, &p, /*follow=*/true);
	return fd < 0 ? fd : change_owner(j, fd, A(1), A(2));
}

static int64_t do_fchownat(struct job *j)
{
	int flags = (int)j->arg[4];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return entered(j, (int)j->arg[0], j->arg[1], flags, A(2), A(3));
}

/* --- modes -------------------------------------------------------------------------- */

/* Does the caller own it? Then note the mode; the kernel sets it, too. */
static int64_t change_mode(struct job *j, int fd, uint32_t mode)
{
	const struct idstate *who = &who_is(j)->id;
	struct override ov;
	struct object o;
	int r = object_read(j->agent, fd, &o);

	if (r < 0)
		return JOB_CONTINUE;
	if (o.st.stx_uid != geteuid() || S_ISLNK(o.st.stx_mode))
		return JOB_CONTINUE;
	if (who->uid.fs != o.ov.uid && !idstate_capable(who, CAP_FOWNER))
		return -EPERM;
	if (!o.recorded)
		return JOB_CONTINUE;
	copyup_now(j->agent, &o);
	ov = o.ov;
	ov.mode = mode & 07777U;
	if ((ov.mode & S_ISGID) && !idstate_in_group(who, ov.gid) &&
	    !idstate_capable(who, CAP_FSETID))
		ov.mode &= ~(uint32_t)S_ISGID;
	if (!tracee_is_valid(j))
		return -ESRCH;
	r = object_write(j->agent, &o, &ov);
	return r < 0 ? r : JOB_CONTINUE;
}

static int64_t chmod_place(struct job *j, int dirfd, uint64_t path, uint32_t mode, int flags)
{
	int64_t answer = JOB_CONTINUE;
	struct place p;

	if (tracee_enter(j) == 0 && tracee_place(j, dirfd, path, flags & AT_EMPTY_PATH, &p) == 0) {
		auto_close int fd = tracee_open(j, &p, !(flags & AT_SYMLINK_NOFOLLOW));

		/* errors of paths are best told by the kernel */
		if (fd >= 0)
			answer = change_mode(j, fd, mode);
	}
	tracee_leave(j);
	return answer;
}

static int64_t do_chmod(struct job *j)
{
	return chmod_place(j, AT_FDCWD, j->arg[0], A(1), 0);
}

static int64_t do_fchmodat(struct job *j)
{
	return chmod_place(j, (int)j->arg[0], j->arg[1], A(2), 0);
}

static int64_t do_fchmodat2(struct job *j)
{
	return chmod_place(j, (int)j->arg[0], j->arg[1], A(2), (int)j->arg[3]);
}

static int64_t do_fchmod(struct job *j)
{
	const struct place p = { (int)j->arg[0], NULL };

	if (p.fd < 0)
		return -EBADF;
	auto_close int fd = tracee_open(j, &p, /*follow=*/true);
	return fd < 0 ? JOB_CONTINUE : change_mode(j, fd, A(1));
}

static const struct handler rows[] = {
#ifdef SYS_chown
	{ SYS_chown, "chown", do_chown },
	{ SYS_lchown, "lchown", do_lchown },
	{ SYS_chmod, "chmod", do_chmod },
#endif
	{ SYS_fchown, "fchown", do_fchown },
	{ SYS_fchownat, "fchownat", do_fchownat },
	{ SYS_fchmod, "fchmod", do_fchmod },
	{ SYS_fchmodat, "fchmodat", do_fchmodat },
	{ SYS_fchmodat2, "fchmodat2", do_fchmodat2 },
};

const struct handlers chown_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
