/* SPDX-License-Identifier: Apache-2.0
 *
 * spin - poll for a moment before sleeping, where that has paid
 */
#include "common/spin.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/num.h"

#define CHECK_NS 4000000U	/* between two looks at schedstat */
#define GROW_START 10000U	/* nanoseconds */
#define MISSES_MAX 10U		/* then 1023 waits pass until the next attempt */

void spin_init(struct spin *s, unsigned int max_us)
{
	*s = (struct spin){ .stat_fd = -1 };
	if (max_us)
		s->stat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (s->stat_fd >= 0)
		s->max = max_us * 1000;
}

void spin_clear(struct spin *s)
{
	if (s->stat_fd >= 0)
		(void)close(take_fd(&s->stat_fd));
}

void spin_judge(struct spin *s, uint64_t ran, uint64_t queued)
{
	/* a thread that shares a processor with its client alone waits a little */
	s->contended = queued - s->queued > (ran - s->ran) / 2;
	if (s->contended)
		s->limit = 0;
	s->ran = ran;
	s->queued = queued;
}

/* "RAN QUEUED TIMES", Documentation/scheduler/sched-stats.rst */
void spin_check(struct spin *s, uint64_t now)
{
	char text[80];
	uint64_t ran, queued;

	if (!s->max || now - s->checked < CHECK_NS)
		return;
	s->checked = now;
	ssize_t n = pread(s->stat_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	char *second = strchr(text, ' ');
	char *third = second ? strchr(second + 1, ' ') : NULL;
	if (!third)
		return;
	*second++ = *third = '\0';
	if (!num_u64(text, &ran) && !num_u64(second, &queued))
		spin_judge(s, ran, queued);
}

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
	if (s->contended)
		return;
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
