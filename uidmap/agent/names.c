/* SPDX-License-Identifier: Apache-2.0
 *
 * names - a file gets another name, or a link other times: the kernel does it
 *
 * Overlayfs may copy it up for that (copyup.h), and a file that had no name
 * (O_TMPFILE) becomes one that others can see, and is its maker's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/copyup.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* #syscalls newfstatat close */

/* The name of an ordinary file or folder concerns nobody: one look, no descriptor. */
static void look_at_place(struct job *j, const struct place *p, bool follow)
{
	struct object o;
	struct stat st;

	if (p->path && lstat(tracee_loc(j, p), &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	auto_close int fd = tracee_open(j, p, follow);
	if (fd >= 0 && object_read(j->agent, fd, &o) == 0)
		copyup_now(j->agent, &o);
}

static void look(struct job *j, int dirfd, uint64_t path)
{
	struct place p;

	if (!nodes_any(&j->agent->nodes))
		return;
	if (tracee_enter(j) == 0 && tracee_place(j, dirfd, path, /*empty=*/false, &p) == 0)
		look_at_place(j, &p, /*follow=*/false);
	tracee_leave(j);
}

static int64_t do_renameat(struct job *j)
{
	look(j, (int)j->arg[0], j->arg[1]);
	return JOB_CONTINUE;
}

static int64_t do_renameat2(struct job *j)
{
	if (j->arg[4] & RENAME_EXCHANGE)
		look(j, (int)j->arg[2], j->arg[3]);
	return do_renameat(j);
}

static int64_t do_utimensat(struct job *j)
{
	look(j, (int)j->arg[0], j->arg[1]);
	return JOB_CONTINUE;
}

/* A file without a name had no folder, so that no setgid bit can matter. */
static void give_unnamed(struct job *j, const struct place *p, bool follow)
{
	const struct idstate *who = &who_is(j)->id;
	struct override ov;
	struct object o;

	if (who->uid.fs == 0 && who->gid.fs == 0)
		return;
	auto_close int fd = tracee_open(j, p, follow);
	if (fd < 0 || object_read(j->agent, fd, &o) < 0 || o.st.stx_nlink || o.recorded ||
	    !S_ISREG(o.st.stx_mode) || !tracee_is_valid(j))
		return;
	ov = o.ov;
	ov.uid = who->uid.fs;
	ov.gid = who->gid.fs;
	(void)object_write(j->agent, &o, &ov);
}

static void link_from(struct job *j, int dirfd, uint64_t path, int flags)
{
	bool follow = flags & AT_SYMLINK_FOLLOW;
	struct place p;

	if (tracee_place(j, dirfd, path, flags & AT_EMPTY_PATH, &p) < 0)
		return;
	/* only by its descriptor can it be named */
	if (!p.path)
		give_unnamed(j, &p, follow);
	if (nodes_any(&j->agent->nodes))
		look_at_place(j, &p, follow);
}

static int64_t do_linkat(struct job *j)
{
	if (tracee_enter(j) == 0)
		link_from(j, (int)j->arg[0], j->arg[1], (int)j->arg[4]);
	tracee_leave(j);
	return JOB_CONTINUE;
}

#ifdef SYS_rename
static int64_t do_rename(struct job *j)
{
	look(j, AT_FDCWD, j->arg[0]);
	return JOB_CONTINUE;
}
#endif

static const struct handler rows[] = {
#ifdef SYS_rename
	{ SYS_rename, "rename", do_rename },
	{ SYS_link, "link", do_rename },
#endif
	{ SYS_renameat, "renameat", do_renameat },
	{ SYS_renameat2, "renameat2", do_renameat2 },
	{ SYS_linkat, "linkat", do_linkat },
	{ SYS_utimensat, "utimensat", do_utimensat },
};

const struct handlers names_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
