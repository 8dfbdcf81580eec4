/* SPDX-License-Identifier: Apache-2.0
 *
 * spin - poll for a moment before sleeping, where that has paid
 *
 * A server that answers one client wakes a sleeping processor for each
 * request, which costs more than the request: 5 µs on bare metal, 50 µs where
 * the processor is a virtual one. So it polls first. How long is learned from
 * the waits there were, as KVM does for its guests (Linux,
 * Documentation/virt/kvm/halt-polling.rst): short waits make the time grow,
 * a long one ends the polling. What polls should yield between two looks, so
 * that whoever shares its processor, perhaps the client itself, can run.
 */
#ifndef COMMON_SPIN_H
#define COMMON_SPIN_H

#include <stdint.h>

#define SPIN_MAX_US 1000	/* the largest maximum that may be asked for */
#define SPIN_DEFAULT_US 50

/**
 * struct spin - what one loop has learned
 * @max:	longest time to poll, nanoseconds; 0 to sleep at once
 * @limit:	how long the next wait may poll; 0 not at all
 * @rest:	waits to let pass before @limit may grow again
 * @misses:	polls without success since the last one with it
 */
struct spin {
	uint32_t max;
	uint32_t limit;
	uint32_t rest;
	uint32_t misses;
};

/**
 * spin_learn() - a wait is over
 * @waited:	nanoseconds it took, polling included
 */
void spin_learn(struct spin *s, uint64_t waited);

/**
 * spin_now() - monotonic nanoseconds
 */
uint64_t spin_now(void);

#endif
