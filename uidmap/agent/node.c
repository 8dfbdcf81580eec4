/* SPDX-License-Identifier: Apache-2.0
 *
 * node - answers to mknod(2), and to the other calls that make files
 *
 * A device cannot be made: an empty file stands in its place, with type and
 * number recorded. Those of the container's own /dev that everybody may use
 * are bound over it, so that they work. All else the kernel makes (newfile.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/newfile.h"
#include "uidmap/agent/object.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/who.h"

/* #syscalls openat fstat unlinkat close */

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static const struct {
	const char *path;
	unsigned int major, minor;
} safe[] = {
	{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

/* Cover the placeholder by the device of that number, if the container has it. */
static void bind_device(struct job *j, const struct object *o, const struct override *ov)
{
	char source[32];
	struct stat st;

	if (ov->type != S_IFCHR || j->entered)
		return;
	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
		if (safe[i].major != ov->major || safe[i].minor != ov->minor)
			continue;
		auto_close int fd = open(safe[i].path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
		    st.st_rdev != makedev(ov->major, ov->minor))
			return;
		(void)str_format(source, sizeof(source), "self/fd/%d", fd);
		(void)mount(source, o->self, NULL, MS_BIND, NULL);
		return;
	}
}

static int64_t make_device(struct job *j, const struct place *p, uint32_t mode, uint32_t dev)
{
	const struct idstate *who = &who_is(j)->id;
	uint64_t umask = 022;
	struct override ov;
	const char *name;
	struct object o;
	int r;

	if (!idstate_capable(who, CAP_MKNOD))
		return -EPERM;
	auto_close int parent = tracee_open_parent(j, p, &name);
	if (parent < 0)
		return parent == TRACEE_LEAVE ? JOB_CONTINUE : parent;
	(void)tracee_status(j->agent, j->tid, "Umask:", 8, &umask);
	ov = (struct override){ .uid = who->uid.fs, .gid = who->gid.fs,
				.mode = mode & 07777U & ~(uint32_t)umask, .type = mode & S_IFMT,
				.major = major((dev_t)dev), .minor = minor((dev_t)dev) };
	if (!tracee_is_valid(j))
		return -ESRCH;
	auto_close int made = openat(parent, name,
				     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				     ov.mode & 0777U);
	if (made < 0)
		return -errno;
	r = object_read(j->agent, made, &o);
	if (r == 0)
		r = object_write(j->agent, &o, &ov);
	if (r < 0) {
		(void)unlinkat(parent, name, 0);
		return r;
	}
	bind_device(j, &o, &ov);
	return 0;
}

static int64_t node(struct job *j, int dirfd, uint64_t path, uint32_t mode, uint32_t dev)
{
	struct place p;
	int r = tracee_place(j, dirfd, path, /*empty=*/false, &p);

	if (r < 0)
		return JOB_CONTINUE;
	/* a whiteout (0:0) is allowed to everybody */
	if (S_ISBLK(mode) || (S_ISCHR(mode) && dev != 0))
		return make_device(j, &p, mode, dev);
	if (j->listener->meta.full)
		newfile_note(j, &p, who_is(j));
	return JOB_CONTINUE;
}

static int64_t make_node(struct job *j, int dirfd, uint64_t path, uint32_t mode, uint32_t dev)
{
	int64_t r = tracee_enter(j);

	if (r == 0)
		r = node(j, dirfd, path, mode, dev);
	tracee_leave(j);
	return r;
}

/* What root makes is root's, but for its group in a setgid folder: one look at that. */
static bool is_handed_on(struct job *j, const struct place *p)
{
	const char *loc = tracee_loc(j, p);
	struct override ov;
	size_t n;

	if (loc != j->loc && str_format(j->loc, sizeof(j->loc), "%s", loc) < 0)
		return false;
	for (n = strlen(j->loc); n > 1 && j->loc[n - 1] == '/';)
		n--;
	while (n > 1 && j->loc[n - 1] != '/')
		n--;
	j->loc[n] = '\0';
	return object_peek(j->agent, j->loc, /*follow=*/true, &ov) >= 0 && (ov.mode & S_ISGID) &&
	       ov.gid != 0;
}

/* The kernel makes it; we see to whose it is. */
static int64_t make(struct job *j, int dirfd, uint64_t path)
{
	const struct record *who = who_is(j);
	struct place p;

	if (!j->listener->meta.full)
		return JOB_CONTINUE;
	if (tracee_enter(j) == 0 && tracee_place(j, dirfd, path, /*empty=*/false, &p) == 0 &&
	    (who->id.uid.fs || who->id.gid.fs || is_handed_on(j, &p)))
		newfile_note(j, &p, who);
	tracee_leave(j);
	return JOB_CONTINUE;
}

static int64_t do_mknodat(struct job *j)
{
	return make_node(j, (int)j->arg[0], j->arg[1], (uint32_t)j->arg[2], (uint32_t)j->arg[3]);
}

static int64_t do_openat(struct job *j)
{
	return make(j, (int)j->arg[0], j->arg[1]);
}

static int64_t do_openat2(struct job *j)
{
	uint64_t flags;

	if (!(j->arg[3] >= sizeof(flags)) || tracee_read(j, j->arg[2], &flags, sizeof(flags)) < 0 ||
	    !(flags & O_CREAT))
		return JOB_CONTINUE;
	return make(j, (int)j->arg[0], j->arg[1]);
}

static int64_t do_symlinkat(struct job *j)
{
	return make(j, (int)j->arg[1], j->arg[2]);
}

/* A unix socket with a path is a file, too. */
static int64_t do_bind(struct job *j)
{
	const struct record *who = who_is(j);
	struct place p = { -1, j->path };
	struct sockaddr_un sun = { 0 };
	uint32_t len = (uint32_t)j->arg[2];

	if (!j->listener->meta.full || (who->id.uid.fs == 0 && who->id.gid.fs == 0) ||
	    len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(sun) ||
	    tracee_read(j, j->arg[1], &sun, len) < 0 || sun.sun_family != AF_UNIX ||
	    sun.sun_path[0] == '\0')
		return JOB_CONTINUE;
	(void)str_format(j->path, sizeof(j->path), "%.*s", (int)sizeof(sun.sun_path), sun.sun_path);
	if (tracee_enter(j) == 0)
		newfile_note(j, &p, who);
	tracee_leave(j);
	return JOB_CONTINUE;
}

#ifdef SYS_open
static int64_t do_mknod(struct job *j)
{
	return make_node(j, AT_FDCWD, j->arg[0], (uint32_t)j->arg[1], (uint32_t)j->arg[2]);
}

static int64_t do_open(struct job *j)
{
	return make(j, AT_FDCWD, j->arg[0]);
}

static int64_t do_symlink(struct job *j)
{
	return make(j, AT_FDCWD, j->arg[1]);
}
#endif

static const struct handler rows[] = {
#ifdef SYS_open
	{ SYS_mknod, "mknod", do_mknod },
	{ SYS_open, "open", do_open },
	{ SYS_creat, "creat", do_open },
	{ SYS_mkdir, "mkdir", do_open },
	{ SYS_symlink, "symlink", do_symlink },
#endif
	{ SYS_mknodat, "mknodat", do_mknodat },
	{ SYS_openat, "openat", do_openat },
	{ SYS_openat2, "openat2", do_openat2 },
	{ SYS_mkdirat, "mkdirat", do_openat },
	{ SYS_symlinkat, "symlinkat", do_symlinkat },
	{ SYS_bind, "bind", do_bind },
};

const struct handlers node_handlers = { rows, sizeof(rows) / sizeof(rows[0]) };
