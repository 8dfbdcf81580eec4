/* SPDX-License-Identifier: Apache-2.0
 *
 * awake - keep the processors of a busy mount from falling asleep
 */
#ifndef FUSE_OVERLAY_AWAKE_H
#define FUSE_OVERLAY_AWAKE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define AWAKE_KEEPERS 2 /* the server's processor and the client's */

struct awake;

/**
 * struct keeper - one thread of lowest priority
 * @of:		what it belongs to
 * @thread:	it, when @started
 * @tid:	its number, 0 until it is of the idle class
 * @cpu:	processor it is bound to
 * @used:	when that was last wanted, in calls
 */
struct keeper {
	struct awake *of;
	pthread_t thread;
	bool started;
	_Atomic int tid;
	int cpu;
	unsigned int used;
};

/**
 * struct awake - the keepers of one mount
 * @on:		a futex: 1 while they run, 0 while they sleep, 2 at the end
 * @last:	when the last request came or was answered (spin_now())
 * @enabled:	there is use for them
 * @calls:	of awake_at()
 */
struct awake {
	_Atomic uint32_t on;
	_Atomic uint64_t last;
	bool enabled;
	unsigned int calls;
	struct keeper keepers[AWAKE_KEEPERS];
};

/**
 * awake_init() - no keeper runs yet; there will be none on a single processor
 * or where this process's share of processor time is limited
 */
void awake_init(struct awake *a);

/**
 * awake_clear() - end the keepers
 */
void awake_clear(struct awake *a);

/**
 * awake_at() - requests are busy on this processor
 */
void awake_at(struct awake *a, int cpu);

/**
 * awake_running() - how many keepers run
 */
unsigned int awake_running(const struct awake *a);

/**
 * awake_touch() - a request came or was answered at this time; keepers run
 * from now until a moment after the last such call
 */
void awake_touch(struct awake *a, uint64_t now);

/**
 * awake_line_is_limited() - does this line of /proc/self/cgroup,
 * "ID:CONTROLLERS:PATH" (cgroups(7)), name a group with a quota of processor
 * time, of its own or of one around it?
 * @line:	is cut in pieces
 * @root:	where cgroups are mounted, /sys/fs/cgroup
 */
bool awake_line_is_limited(char *line, const char *root);

#endif
