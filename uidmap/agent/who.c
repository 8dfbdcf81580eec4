/* SPDX-License-Identifier: Apache-2.0
 *
 * who - which record a process has
 */
#include "uidmap/agent/who.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "common/log.h"
#include "uidmap/agent/tracee.h"
#include "uidmap/agent/undo.h"

/* #syscalls prlimit64 */

enum { NUMBER_BITS = 20 };
#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)
#define TURN_FIRST ((UINT64_C(1) << 43) - 1)
#define TURN_LAST (UINT64_C(1) << 40) /* below are limits that a program may want */

_Static_assert(RECORDS_MAX <= NUMBER_MASK + 1, "a record's number fits in its bits");

uint64_t who_value(uint64_t before, uint32_t number)
{
	uint64_t turn = before == RLIM64_INFINITY ? TURN_FIRST + 1 : before >> NUMBER_BITS;

	if (turn <= TURN_LAST)
		return 0;
	return (turn - 1) << NUMBER_BITS | number;
}

uint32_t who_number(uint64_t limit, uint32_t start)
{
	uint64_t turn = limit >> NUMBER_BITS;

	if (turn < TURN_LAST || turn > TURN_FIRST)
		return start;
	return (uint32_t)(limit & NUMBER_MASK);
}

static const struct record *lookup(struct job *j, uint64_t limit)
{
	const struct records *all = &j->agent->records;
	uint32_t start = j->listener->start;
	const struct record *r = records_get(all, who_number(limit, start));

	return r ? r : records_get(all, start);
}

static uint64_t limit_of(pid_t pid)
{
	struct rlimit64 l;

	return prlimit64(pid, RLIMIT_RTTIME, NULL, &l) < 0 ? RLIM64_INFINITY : l.rlim_max;
}

/* The same thread calls again and again: its limit need not be read each time,
 * as long as nobody's was changed and no other process can have its number. */
static uint64_t limit_of_caller(struct job *j)
{
	struct seen *s = &j->listener->seen[(unsigned int)j->tid % SEEN_MAX];
	uint64_t turns = atomic_load_explicit(&j->agent->turns, memory_order_acquire);

	if (s->tid == j->tid && s->turns == turns && j->when - s->when < j->agent->trust_ns)
		return s->limit;
	*s = (struct seen){ j->tid, turns, j->when, limit_of(j->tid) };
	return s->limit;
}

const struct record *who_is(struct job *j)
{
	uint64_t limit;

	if (!atomic_load_explicit(&j->agent->changed, memory_order_acquire))
		return records_get(&j->agent->records, j->listener->start);
	limit = limit_of_caller(j);
	if (undo_any(j->agent->undo) && undo_settle(j, limit))
		limit = limit_of(j->tid);
	return lookup(j, limit);
}

const struct record *who_is_pid(struct job *j, pid_t pid)
{
	return lookup(j, limit_of(pid));
}

int who_become(struct job *j, const struct idstate *id, bool fresh, uint64_t *ret_value)
{
	int number = records_add(&j->agent->records, id, fresh);
	uint64_t value = 0;
	struct rlimit64 l;

	if (number >= 0)
		value = who_value(limit_of(j->tid), (uint32_t)number);
	if (value == 0) {
		/* once: the container could fill somebody's log */
		if (!atomic_exchange(&j->agent->full_told, true))
			log_error("agent: no more records: changes of ids are refused");
		return -EAGAIN;
	}
	l = (struct rlimit64){ value, value };
	atomic_store_explicit(&j->agent->changed, true, memory_order_release);
	if (!tracee_is_valid(j) || prlimit64(j->tid, RLIMIT_RTTIME, &l, NULL) < 0)
		return -EAGAIN;
	atomic_fetch_add_explicit(&j->agent->turns, 1, memory_order_release);
	if (ret_value)
		*ret_value = value;
	return 0;
}
