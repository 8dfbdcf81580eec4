/* SPDX-License-Identifier: Apache-2.0
 *
 * stat - answers to stat(2) and statx(2), where an owner is recorded
 *
 * Most files have no record: one look at the attribute, and the kernel
 * answers. All is read by path or descriptor of the target at the moment;
 * a path that changes meanwhile makes a mixed answer, as it may natively
 * between two calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "uidmap/agent/agent.h"
#include "uidmap/agent/object.h"
#include "uidmap/agent/procown.h"
#include "uidmap/agent/statcache.h"
#include "uidmap/agent/tracee.h"

/* #syscalls newfstatat statx time */

/**
 * struct question - one call
 * @mask:	of statx(2)
 * @out:	where the answer goes
 * @extended:	it is a struct statx
 */
struct question {
	int dirfd;
	uint64_t path;
	int flags;
	uint32_t mask;
	uint64_t out;
	bool extended;
};

static uint32_t mode_of(const struct override *ov, uint32_t real)
{
	return ov->mode | (ov->type ? ov->type : real & S_IFMT);
}

static bool is_device(uint32_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

/**
 * union look - what the kernel says
 */
union look {
	struct stat plain;
	struct statx extended;
};

static int look(const struct question *q, const char *loc, union look *ret)
{
	int flags = q->flags & ~AT_EMPTY_PATH;

	if (q->extended)
		return statx(AT_FDCWD, loc, flags, q->mask | STATX_INO | STATX_CTIME, &ret->extended);
	return fstatat(AT_FDCWD, loc, &ret->plain, flags);
}

static struct statkey key_of(const struct question *q, const union look *l)
{
	const struct stat *st = &l->plain;
	const struct statx *sx = &l->extended;

	if (!q->extended)
		return (struct statkey){ st->st_dev, st->st_ino, st->st_ctim.tv_sec,
					 (uint32_t)st->st_ctim.tv_nsec };
	return (struct statkey){ makedev(sx->stx_dev_major, sx->stx_dev_minor), sx->stx_ino,
				 sx->stx_ctime.tv_sec, sx->stx_ctime.tv_nsec };
}

static int64_t tell(struct job *j, const struct question *q, union look *l,
		    const struct override *ov)
{
	struct statx *sx = &l->extended;
	struct stat *st = &l->plain;

	if (q->extended) {
		sx->stx_uid = ov->uid;
		sx->stx_gid = ov->gid;
		sx->stx_mode = (uint16_t)mode_of(ov, sx->stx_mode);
		if (ov->type && is_device(sx->stx_mode)) {
			sx->stx_rdev_major = ov->major;
			sx->stx_rdev_minor = ov->minor;
		}
		return tracee_write(j, q->out, sx, sizeof(*sx));
	}
	st->st_uid = ov->uid;
	st->st_gid = ov->gid;
	st->st_mode = mode_of(ov, st->st_mode);
	if (ov->type && is_device(st->st_mode))
		st->st_rdev = makedev(ov->major, ov->minor);
	return tracee_write(j, q->out, st, sizeof(*st));
}

/* The attribute first, or the file first where that promises to be enough. */
static int64_t answer_file(struct job *j, const struct question *q, const char *loc, const char *path,
			   bool follow)
{
	struct statcache *c = &j->listener->cache;
	bool *hint = statcache_hint(c, path), looked = *hint;
	struct override ov;
	struct statkey key;
	union look l;
	int r;

	if (looked) {
		if (look(q, loc, &l) < 0)
			return JOB_CONTINUE;
		key = key_of(q, &l);
		if (statcache_get(c, &key, &ov))
			return tell(j, q, &l, &ov);
	}
	r = object_peek(j->agent, loc, follow, &ov);
	*hint = r == OBJECT_BY_ATTRIBUTE;
	if (r == -ENOTSUP)
		r = procown_find_at(j, loc, follow, &ov, &loc);
	if (r < 0 || (!looked && look(q, loc, &l) < 0))
		return JOB_CONTINUE;
	if (r == OBJECT_BY_ATTRIBUTE) {
		key = key_of(q, &l);
		statcache_put(c, &key, &ov, time(NULL));
	}
	return tell(j, q, &l, &ov);
}

static int64_t answer(struct job *j, const struct question *q)
{
	bool follow = !(q->flags & AT_SYMLINK_NOFOLLOW);
	struct question mine = *q;
	struct override ov;
	struct place p = { 0 };
	union look l;
	const char *loc;
	int r = tracee_place(j, q->dirfd, q->path, q->flags & AT_EMPTY_PATH, &p);

	if (r == TRACEE_LEAVE) {
		if (procown_find(j, j->path, &ov, &loc) < 0 || look(q, loc, &l) < 0)
			return JOB_CONTINUE;
		return tell(j, q, &l, &ov);
	}
	if (r < 0)
		return JOB_CONTINUE;
	loc = tracee_loc(j, &p);
	if (p.path)
		return answer_file(j, q, loc, p.path, follow);
	/* the link "TID/fd/N" is ours to follow, what it leads to is not followed */
	mine.flags &= ~AT_SYMLINK_NOFOLLOW;
	return answer_file(j, &mine, loc, loc, /*follow=*/true);
}

static int64_t ask(struct job *j, const struct question *q)
{
	int64_t r = JOB_CONTINUE;

	if (!j->listener->meta.full)
		return JOB_CONTINUE;
	if (tracee_enter(j) == 0)
		r = answer(j, q);
	tracee_leave(j);
	return r;
}

#ifdef SYS_stat
static int64_t do_stat(struct job *j)
{
	return ask(j, &(struct question){ AT_FDCWD, j->arg[0], 0, 0, j->arg[1], false });
}

static int64_t do_lstat(struct job *j)
{
	return ask(j, &(struct question){ AT_FDCWD, j->arg[0], AT_SYMLINK_NOFOLLOW, 0, j->arg[1],
					  false });
}
#endif

static int64_t do_fstat(struct job *j)
{
	return ask(j, &(struct question){ (int)j->arg[0], 0, AT_EMPTY_PATH, 0, j->arg[1], false });
}

static int64_t do_newfstatat(struct job *j)
{
	return ask(j, &(struct question){ (int)j->arg[0], j->arg[1], (int)j->arg[3], 0, j->arg[2],
					  false });
}

static int64_t do_statx(struct job *j)
{
	return ask(j, &(struct question){ (int)j->arg[0], j->arg[1], (int)j->arg[2],
					  (uint32_t)j->arg[3], j->arg[4], true });
}

static const struct handler rows[] = {
#ifdef SYS_stat
	{ SYS_stat, "stat", do_stat },
	{ SYS_lstat, "lstat", do_lstat },
#endif
	{ SYS_fstat, "fstat", do_fstat },
	{ SYS_newfstatat, "newfstatat", do_newfstatat },
	{ SYS_statx, "statx", do_statx },
};

const struct handlers stat_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
