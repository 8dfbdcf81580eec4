/* SPDX-License-Identifier: Apache-2.0
 *
 * newfile - a new file belongs to who makes it
 */
#include "uidmap/agent/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/object.h"
#include "uidmap/agent/tracee.h"

/* #syscalls openat newfstatat close time gettimeofday geteuid */

/* A file is made at once, or on a slow disk some seconds later. */
enum { MAKING_SECONDS = 10 };

static bool is_born_for(const struct newfile *f, const struct object *o)
{
	time_t born = o->st.stx_mask & STATX_BTIME ? o->st.stx_btime.tv_sec :
						      o->st.stx_ctime.tv_sec;

	return born >= f->when - 1 && born <= f->when + MAKING_SECONDS;
}

static void record_owner(struct agent *a, const struct newfile *f, int fd)
{
	struct override ov;
	struct object o;
	int r;

	if (object_read(a, fd, &o) < 0 || o.recorded || o.st.stx_uid != geteuid() ||
	    !is_born_for(f, &o))
		return;
	ov = o.ov;
	ov.uid = f->uid;
	ov.gid = f->gid;
	r = object_write(a, &o, &ov);
	if (r < 0)
		log_debug("agent: the owner of a new file was not recorded: %s",
			  strerrordesc_np(-r));
}

/* Returns true when the note is done with. */
static bool settle_one(struct agent *a, const struct newfile *f, pid_t tid)
{
	auto_close int fd = openat(f->parent, f->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		record_owner(a, f, fd);
	return fd >= 0 || tid == 0 || f->tid == tid;
}

void newfile_settle(struct agent *a, pid_t tid)
{
	struct newfiles *t = a->newfiles;

	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < NEWFILES_MAX && t->n; i++) {
		struct newfile *f = &t->v[i];

		if (f->tid == 0 || !settle_one(a, f, tid))
			continue;
		(void)close(f->parent);
		f->tid = 0;
		atomic_fetch_sub(&t->n, 1);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

/* A folder with the setgid bit hands its group on. */
static uint32_t group_in(struct agent *a, int parent, uint32_t gid)
{
	struct object o;

	if (object_read(a, parent, &o) == 0 && (o.ov.mode & S_ISGID))
		return o.ov.gid;
	return gid;
}

/* A note whose thread never calls again, for a file never made, would stay forever. */
static void add(struct newfiles *t, const struct newfile *f)
{
	struct newfile *at;

	(void)pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; i < NEWFILES_MAX && t->v[t->next].tid; i++)
		t->next = (t->next + 1) % NEWFILES_MAX;
	at = &t->v[t->next];
	t->next = (t->next + 1) % NEWFILES_MAX;
	if (at->tid)
		(void)close(at->parent);
	else
		atomic_fetch_add(&t->n, 1);
	*at = *f;
	(void)pthread_mutex_unlock(&t->lock);
}

void newfile_note(struct job *j, const struct place *p, const struct record *who)
{
	struct newfile f = { .tid = j->tid, .when = time(NULL), .parent = -1 };
	const char *name;
	struct stat st;

	auto_close int parent = tracee_open_parent(j, p, &name);
	if (parent < 0 || str_format(f.name, sizeof(f.name), "%s", name) < 0)
		return;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return;
	f.uid = who->id.uid.fs;
	f.gid = group_in(j->agent, parent, who->id.gid.fs);
	if ((f.uid == 0 && f.gid == 0) || !tracee_is_valid(j))
		return;
	f.parent = take_fd(&parent);
	add(j->agent->newfiles, &f);
}
