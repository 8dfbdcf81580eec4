/* SPDX-License-Identifier: Apache-2.0
 *
 * newfile - a new file belongs to who makes it
 *
 * How it works: the kernel makes the file, with the caller's own umask, flags
 * and confinement; the agent makes nothing for others. When somebody who is
 * not 0:0 is about to, the folder and the name are noted, if nothing has the
 * name yet. Before the next call is answered, notes are settled: what now has
 * the name gets its owner. Whoever could see the wrong owner has to ask
 * through us, so nobody does. A note ends when its thread calls again; what
 * was born much later than the note was made by somebody else.
 */
#ifndef UIDMAP_AGENT_NEWFILE_H
#define UIDMAP_AGENT_NEWFILE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define NEWFILES_MAX 256

struct agent;
struct job;
struct place;
struct record;

/**
 * struct newfiles - the notes
 * @n:		how many are in use
 * @next:	where to look for a free one first; when there is none, the note
 *		there is the oldest, and gives way
 */
struct newfiles {
	pthread_mutex_t lock;
	_Atomic(unsigned int) n;
	unsigned int next;
	struct newfile {
		pid_t tid;
		time_t when;
		int parent;
		uint32_t uid;
		uint32_t gid;
		char name[NAME_MAX + 1];
	} v[NEWFILES_MAX];
};

static inline bool newfile_any(const struct newfiles *t)
{
	return atomic_load_explicit(&t->n, memory_order_acquire) != 0;
}

/**
 * newfile_note() - the target may make @p; nothing to do for what will be 0:0
 */
void newfile_note(struct job *j, const struct place *p, const struct record *who);

/**
 * newfile_settle() - give those that exist their owners
 * @tid:	thread that calls now; 0 when nobody will call any more
 */
void newfile_settle(struct agent *a, pid_t tid);

#endif
