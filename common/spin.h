/* SPDX-License-Identifier: Apache-2.0
 *
 * spin - poll for a moment before sleeping, where that has paid
 *
 * A server that answers one client wakes a sleeping processor for each
 * request, which can cost more than the request: some 50 µs where the
 * processor is a virtual one. So it polls first. How long is learned from
 * the waits there were, as KVM does for its guests (Linux,
 * Documentation/virt/kvm/halt-polling.rst): short waits make the time grow,
 * a long one ends the polling. Where other programs want the processors too,
 * these do not sleep anyway, and polling would take one from the client: it is
 * not done when more threads are runnable than there are processors, or when
 * this one had to wait for its own (it may be confined to a few).
 */
#ifndef COMMON_SPIN_H
#define COMMON_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define SPIN_MAX_US 1000	/* the largest maximum that may be asked for */
#define SPIN_DEFAULT_US 50

/**
 * struct spin - what one loop has learned
 * @max:	longest time to poll, nanoseconds; 0 to sleep at once
 * @limit:	how long the next wait may poll; 0 not at all
 * @rest:	waits to let pass before @limit may grow again
 * @misses:	polls without success since the last one with it
 * @contended:	others want the processors: @limit stays 0
 * @cpus:	processors of the machine
 * @load_fd:	/proc/loadavg
 * @stat_fd:	/proc/thread-self/schedstat
 * @checked:	when they were last read (spin_now()), and what the latter said:
 * @ran:	nanoseconds on a processor
 * @queued:	nanoseconds of waiting for one
 */
struct spin {
	uint32_t max;
	uint32_t limit;
	uint32_t rest;
	uint32_t misses;
	bool contended;
	unsigned int cpus;
	int load_fd;
	int stat_fd;
	uint64_t checked;
	uint64_t ran;
	uint64_t queued;
};

/**
 * spin_init() - for the calling thread
 * @max_us:	longest time to poll, microseconds; 0 to sleep at once
 *
 * Without /proc there is no polling.
 */
void spin_init(struct spin *s, unsigned int max_us);
void spin_clear(struct spin *s);

/**
 * spin_learn() - a wait is over
 * @waited:	nanoseconds it took, polling included
 */
void spin_learn(struct spin *s, uint64_t waited);

/**
 * spin_check() - look whether others want the processors
 * @now:	spin_now(); looks at most once in 4 ms
 * @own:	runnable threads of ours that give way to everybody
 */
void spin_check(struct spin *s, uint64_t now, unsigned int own);

/**
 * spin_judge() - as spin_check(), with what the scheduler said
 * @runnable:	threads that run or want to, without those
 * @ran, @queued: nanoseconds since the thread began
 */
void spin_judge(struct spin *s, uint64_t runnable, uint64_t ran, uint64_t queued);

/**
 * spin_now() - monotonic nanoseconds
 */
uint64_t spin_now(void);

#endif
