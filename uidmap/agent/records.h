/* SPDX-License-Identifier: Apache-2.0
 *
 * records - every distinct credential there was, each kept once
 *
 * Records are never changed nor freed: a number stays good as long as the
 * agent lives, which is what processes carry (who.h). Many threads may use it.
 */
#ifndef UIDMAP_AGENT_RECORDS_H
#define UIDMAP_AGENT_RECORDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "uidmap/agent/idstate.h"

#define RECORDS_MAX 65536		      /* distinct credentials */
#define RECORDS_GROUPS_MAX (4U * 1024 * 1024) /* groups in all of them: 16 MB */

/**
 * struct record - one credential
 * @id:		who; owns its groups
 * @fresh:	has not executed the container's program yet: what it executes
 *		begins with the listener's ids
 */
struct record {
	struct idstate id;
	bool fresh;
};

/**
 * struct records - the table
 * @lock:	for additions
 * @v:		RECORDS_MAX pointers, the first @n of them set
 * @slot:	hash table of numbers plus one
 */
struct records {
	pthread_mutex_t lock;
	_Atomic(uint32_t) n;
	struct record **v;
	uint32_t *slot;
	size_t n_groups;
};

/**
 * records_init()
 * Return: 0, -ENOMEM
 */
int records_init(struct records *r);
void records_clear(struct records *r);

/**
 * records_add() - the number of this credential, new or not
 * @id:		copied, with its groups
 * Return: number, -ENOMEM also when a maximum is reached
 */
int records_add(struct records *r, const struct idstate *id, bool fresh);

/**
 * records_get() - Return: NULL for a number that was never given
 */
const struct record *records_get(const struct records *r, uint32_t number);

#endif
