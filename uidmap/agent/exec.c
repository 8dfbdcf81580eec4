/* SPDX-License-Identifier: Apache-2.0
 *
 * exec - what executing a program does to a record
 *
 * Saved ids, capabilities, and the owner's ids where the file is setuid or
 * setgid. The first program of a listener begins with the listener's ids.
 * Most executions change nothing: then the kernel does it, and that is all.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/object.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/undo.h"
#include "uidmap/agent/who.h"

/* #syscalls openat read fstatfs close */

/* No script: a script is run by its interpreter, whose bits count. */
static bool is_binary(const struct object *o)
{
	char magic[2] = { 0 };
	auto_close int fd = openat(AT_FDCWD, o->self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	return read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "#!", 2) != 0;
}

static bool may_gain(const struct agent *a, pid_t tid, const struct object *o)
{
	uint64_t no_new_privs = 0;
	struct statvfs fs;

	if (tracee_status(a, tid, "NoNewPrivs:", 10, &no_new_privs) < 0 || no_new_privs)
		return false;
	if (fstatvfs(o->fd, &fs) < 0 || (fs.f_flag & ST_NOSUID))
		return false;
	return is_binary(o);
}

static void look_at(const struct agent *a, pid_t tid, const struct object *o, struct idfile *ret)
{
	uint32_t mode = o->ov.mode;
	bool setuid = mode & S_ISUID, setgid = (mode & S_ISGID) && (mode & S_IXGRP);

	if ((!setuid && !setgid) || !may_gain(a, tid, o))
		return;
	*ret = (struct idfile){ setuid, setgid, o->ov.uid, o->ov.gid };
}

void exec_finish(struct agent *a, pid_t tid, struct idstate *s)
{
	struct idfile file = { 0 };
	struct object o;
	char exe[32];

	(void)str_format(exe, sizeof(exe), "%d/exe", tid);
	auto_close int fd = openat(a->procfd, exe, O_PATH | O_CLOEXEC);
	if (fd >= 0 && object_read(a, fd, &o) == 0)
		look_at(a, tid, &o, &file);
	idstate_exec(s, &file);
}

/* Can the kernel execute it at all? It may still fail (undo.h). */
static bool is_program(const struct object *o)
{
	return S_ISREG(o->st.stx_mode) && o->ov.type == 0 && (o->st.stx_mode & 0111);
}

static int64_t execute(struct job *j, int dirfd, uint64_t path, int flags)
{
	const struct record *before = who_is(j);
	struct idstate now = before->id;
	struct idfile file = { 0 };
	uint64_t mark, value;
	struct object o;
	struct place p;
	int r;

	if (tracee_place(j, dirfd, path, flags & AT_EMPTY_PATH, &p) < 0)
		return JOB_CONTINUE;
	auto_close int fd = tracee_open(j, &p, !(flags & AT_SYMLINK_NOFOLLOW));
	if (fd < 0 || object_read(j->agent, fd, &o) < 0 || !is_program(&o))
		return JOB_CONTINUE;

	if (before->fresh) {
		const struct idmeta *m = &j->listener->meta;

		idstate_init(&now, m->uid, m->gid, before->id.cap.b);
		now.groups = m->groups;
		now.n_groups = m->n_groups;
	}
	look_at(j->agent, j->tid, &o, &file);
	idstate_exec(&now, &file);
	if (!before->fresh && idstate_equal(&now, &before->id))
		return JOB_CONTINUE;
	mark = undo_mark(j);
	r = who_become(j, &now, /*fresh=*/false, &value);
	if (r < 0)
		return r;
	r = records_add(&j->agent->records, &before->id, before->fresh);
	if (r >= 0)
		undo_note(j, mark, value, (uint32_t)r);
	return JOB_CONTINUE;
}

static int64_t entered(struct job *j, int dirfd, uint64_t path, int flags)
{
	int64_t r = JOB_CONTINUE;

	if (tracee_enter(j) == 0)
		r = execute(j, dirfd, path, flags);
	tracee_leave(j);
	return r;
}

static int64_t do_execve(struct job *j)
{
	return entered(j, AT_FDCWD, j->arg[0], 0);
}

static int64_t do_execveat(struct job *j)
{
	return entered(j, (int)j->arg[0], j->arg[1], (int)j->arg[4]);
}

static const struct handler rows[] = {
	{ SYS_execve, "execve", do_execve },
	{ SYS_execveat, "execveat", do_execveat },
};

const struct handlers exec_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
