/* SPDX-License-Identifier: Apache-2.0
 *
 * who - which record a process has
 *
 * How it works: the number of the record is in the process itself, in its
 * limit RLIMIT_RTTIME. fork and exec hand limits on exactly, threads share
 * them, and prlimit(2) reads them from outside in a quarter of a microsecond;
 * so nobody has to watch clone(2) or to keep a table of processes. The limit
 * means nothing to a process without real-time scheduling, least of all at
 * values of thousands of years. A hard limit can only be lowered: the upper
 * bits count down by one at each change, the lower ones are the number.
 * A process without the limit is what its listener began with.
 */
#ifndef UIDMAP_AGENT_WHO_H
#define UIDMAP_AGENT_WHO_H

#include "uidmap/agent/agent.h"

/**
 * who_value() - limit that carries a record
 * @before:	the process's limit now
 * Return: 0 when it cannot be lowered any more
 */
uint64_t who_value(uint64_t before, uint32_t number);

/**
 * who_number() - the record in a limit
 * @start:	for limits that carry none
 */
uint32_t who_number(uint64_t limit, uint32_t start);

/**
 * who_is() - the record of the process that waits
 */
const struct record *who_is(struct job *j);

/**
 * who_is_pid() - the record of some process of the container
 */
const struct record *who_is_pid(struct job *j, pid_t pid);

/**
 * who_become() - it is somebody else from now on
 * @ret_value:	its limit from now on, may be NULL
 * Return: 0, -EAGAIN
 */
int who_become(struct job *j, const struct idstate *id, bool fresh, uint64_t *ret_value);

#endif
