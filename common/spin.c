/* SPDX-License-Identifier: Apache-2.0
 *
 * spin - poll for a moment before sleeping, where that has paid
 */
#include "common/spin.h"

#include <time.h>

#define GROW_START 10000U	/* nanoseconds */
#define MISSES_MAX 10U		/* then 1023 waits pass until the next attempt */

void spin_learn(struct spin *s, uint64_t waited)
{
	if (waited <= s->limit) {
		s->misses = 0;
		return;
	}
	if (waited > s->max) {
		/* once is the end of a burst; again and again is the wrong
		 * habit, as what is waited for may need this very processor */
		if (s->limit) {
			s->rest = (1U << s->misses) - 1;
			s->misses += s->misses < MISSES_MAX;
		}
		s->limit = 0;
		return;
	}
	if (s->rest) {
		s->rest--;
		return;
	}
	s->limit = s->limit ? s->limit * 2 : GROW_START;
	if (s->limit > s->max)
		s->limit = s->max;
}

uint64_t spin_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
