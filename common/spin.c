/* SPDX-License-Identifier: Apache-2.0
 *
 * spin - poll for a moment before sleeping, where that has paid
 */
#include "common/spin.h"

#include <errno.h>
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
	*s = (struct spin){ .stat_fd = -1, .load_fd = -1 };
	if (!max_us)
		return;
	s->stat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	s->load_fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (s->stat_fd < 0 || s->load_fd < 0)
		return;
	s->max = max_us * 1000;
	s->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

void spin_clear(struct spin *s)
{
	if (s->stat_fd >= 0)
		(void)close(take_fd(&s->stat_fd));
	if (s->load_fd >= 0)
		(void)close(take_fd(&s->load_fd));
}

void spin_judge(struct spin *s, uint64_t runnable, uint64_t ran, uint64_t queued)
{
	s->contended = runnable > s->cpus || queued - s->queued > ran - s->ran;
	if (s->contended)
		s->limit = 0;
	s->ran = ran;
	s->queued = queued;
}

/* The number in the word of this index, words being parted by blanks and slashes. */
static int read_word(int fd, unsigned int index, uint64_t *ret)
{
	char text[80], *save = NULL;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	char *word = strtok_r(text, " /\n", &save);
	while (word && index--)
		word = strtok_r(NULL, " /\n", &save);
	return word ? num_u64(word, ret) : -EINVAL;
}

/* schedstat is "RAN QUEUED TIMES" (Documentation/scheduler/sched-stats.rst),
 * loadavg "1MIN 5MIN 15MIN RUNNABLE/ALL LAST" (proc(5)). */
void spin_check(struct spin *s, uint64_t now, unsigned int own)
{
	uint64_t runnable, ran, queued;

	if (!s->max || now - s->checked < CHECK_NS)
		return;
	s->checked = now;
	if (!read_word(s->load_fd, 3, &runnable) && !read_word(s->stat_fd, 0, &ran) &&
	    !read_word(s->stat_fd, 1, &queued))
		spin_judge(s, runnable > own ? runnable - own : 0, ran, queued);
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
