/* SPDX-License-Identifier: Apache-2.0
 *
 * undo - executions that changed a record, and may have failed after that
 */
#include "uidmap/agent/undo.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/who.h"

/* #syscalls openat read close */

uint64_t undo_mark(const struct job *j)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	unsigned char auxv[1024];
	char name[32];
	ssize_t n;

	(void)str_format(name, sizeof(name), "%d/auxv", j->tid);
	auto_close int fd = openat(j->agent->procfd, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, auxv, sizeof(auxv));
	for (ssize_t i = 0; i < n; i++)
		h = (h ^ auxv[i]) * UINT64_C(0x100000001b3);
	return h;
}

void undo_note(struct job *j, uint64_t mark, uint64_t value, uint32_t before)
{
	struct undo *u = j->agent->undo;
	struct undo_entry *e;

	(void)pthread_mutex_lock(&u->lock);
	e = &u->v[u->next];
	u->next = (u->next + 1) % UNDO_MAX;
	if (e->tid == 0)
		atomic_fetch_add(&u->n, 1);
	*e = (struct undo_entry){ j->tid, value, mark, before };
	(void)pthread_mutex_unlock(&u->lock);
}

static bool take(struct undo *u, pid_t tid, uint64_t limit, struct undo_entry *ret)
{
	bool found = false;

	(void)pthread_mutex_lock(&u->lock);
	for (size_t i = 0; i < UNDO_MAX && !found; i++) {
		if (u->v[i].tid != tid)
			continue;
		/* with another limit it is long past that, or another process */
		found = u->v[i].value == limit;
		*ret = u->v[i];
		u->v[i].tid = 0;
		atomic_fetch_sub(&u->n, 1);
	}
	(void)pthread_mutex_unlock(&u->lock);
	return found;
}

bool undo_settle(struct job *j, uint64_t limit)
{
	const struct record *before;
	struct undo_entry e;

	if (!take(j->agent->undo, j->tid, limit, &e) || undo_mark(j) != e.mark)
		return false;
	before = records_get(&j->agent->records, e.before);
	return before && who_become(j, &before->id, before->fresh, NULL) == 0;
}
