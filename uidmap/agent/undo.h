/* SPDX-License-Identifier: Apache-2.0
 *
 * undo - executions that changed a record, and may have failed after that
 *
 * The record is changed before the kernel executes, as nobody tells us when
 * it has. A process that calls again with the same auxiliary vector (address
 * and random bytes are new in every program) executed nothing: it gets its
 * former record back.
 */
#ifndef UIDMAP_AGENT_UNDO_H
#define UIDMAP_AGENT_UNDO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define UNDO_MAX 256

struct job;

/**
 * struct undo - a ring of the latest; older ones are taken to have succeeded
 * @n:		entries that wait
 * @next:	which is overwritten next
 */
struct undo {
	pthread_mutex_t lock;
	_Atomic(unsigned int) n;
	unsigned int next;
	struct undo_entry {
		pid_t tid;
		uint64_t value;
		uint64_t mark;
		uint32_t before;
	} v[UNDO_MAX];
};

static inline bool undo_any(const struct undo *u)
{
	return atomic_load_explicit(&u->n, memory_order_acquire) != 0;
}

/**
 * undo_mark() - what tells one program of a process from the next
 */
uint64_t undo_mark(const struct job *j);

/**
 * undo_note() - an execution is about to happen
 * @mark:	undo_mark() before it
 * @value:	limit the process has from now on
 * @before:	record to go back to
 */
void undo_note(struct job *j, uint64_t mark, uint64_t value, uint32_t before);

/**
 * undo_settle() - the process called again
 * @limit:	what it carries
 * Return: true when its limit was changed back
 */
bool undo_settle(struct job *j, uint64_t limit);

#endif
