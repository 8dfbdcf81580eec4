/* SPDX-License-Identifier: Apache-2.0
 *
 * awake - keep the processors of a busy mount from falling asleep
 *
 * How it works. Between a request and its answer client and server wait in
 * turn, and the processor of who waits goes to sleep. Waking it takes longer
 * than most requests, ten times as long on a virtual machine. So, while
 * requests follow one another closely, a thread of the idle class
 * (SCHED_IDLE: it runs when nobody else wants to) occupies each of the two
 * processors, which is what Linux itself does in guests whose hypervisor
 * permits it (Documentation/virt/guest-halt-polling.rst). It goes to sleep as
 * soon as no request came for a moment, and there is none where a cgroup limits
 * processor time, as it would be charged for.
 */
#include "fuse-overlay/awake.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/spin.h"
#include "fuse-overlay/thread.h"

#define MOMENT_NS 200000	/* without a request, and a keeper sleeps */
#define STACK_SIZE 65536U
#define LOOKS 50		/* pauses between two looks at the clock: about a microsecond */

enum { ASLEEP, RUNNING, ENDED };

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Run on this processor while requests come. */
static void occupy(struct awake *a)
{
	while (a->on == RUNNING) {
		uint32_t running = RUNNING;

		for (int i = 0; i < LOOKS; i++)
			relax();
		/* the last request may be younger than this moment's time */
		if ((int64_t)(spin_now() - a->last) > MOMENT_NS)
			(void)atomic_compare_exchange_strong(&a->on, &running, ASLEEP);
		/* who else is of the idle class, and the kernel's RCU */
		(void)sched_yield();
	}
}

static void *keep(void *arg)
{
	const struct sched_param lowest = { 0 };
	struct keeper *k = arg;
	struct awake *a = k->of;

	(void)thread_part_fds(NULL, 0);
	/* with any other class it would be in the way */
	if (sched_setscheduler(0, SCHED_IDLE, &lowest))
		return NULL;
	k->tid = (int)syscall(SYS_gettid);
	while (a->on != ENDED) {
		occupy(a);
		futex_wait(&a->on, ASLEEP);
	}
	return NULL;
}

static void bind_keeper(struct keeper *k, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (!pthread_setaffinity_np(k->thread, sizeof(one), &one))
		k->cpu = cpu;
}

static void start_keeper(struct awake *a, struct keeper *k, int cpu)
{
	pthread_attr_t attr;
	cpu_set_t one;

	if (pthread_attr_init(&attr))
		return;
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
	k->of = a;
	k->cpu = cpu;
	k->started = !thread_start(&k->thread, &attr, keep, k);
	(void)pthread_attr_destroy(&attr);
	if (!k->started)
		a->enabled = false;
}

void awake_at(struct awake *a, int cpu)
{
	struct keeper *oldest = &a->keepers[0];

	if (!a->enabled || cpu < 0)
		return;
	a->calls++;
	for (struct keeper *k = a->keepers; k < a->keepers + AWAKE_KEEPERS; k++) {
		if (k->started && k->cpu == cpu) {
			k->used = a->calls;
			return;
		}
		if (oldest->started && (!k->started || k->used < oldest->used))
			oldest = k;
	}
	oldest->used = a->calls;
	if (oldest->started)
		bind_keeper(oldest, cpu);
	else
		start_keeper(a, oldest, cpu);
}

unsigned int awake_running(const struct awake *a)
{
	unsigned int n = 0;

	for (const struct keeper *k = a->keepers; k < a->keepers + AWAKE_KEEPERS; k++)
		n += a->on == RUNNING && k->started;
	return n;
}

void awake_touch(struct awake *a, uint64_t now)
{
	uint32_t asleep = ASLEEP;

	if (!a->keepers[0].started)
		return;
	a->last = now;
	if (a->on == ASLEEP && atomic_compare_exchange_strong(&a->on, &asleep, RUNNING))
		futex_wake(&a->on);
}

/* Is there a file of this name that begins with other than @none? */
static bool limits(const char *path, const char *none)
{
	char text[64];
	auto_fclose FILE *f = fopen(path, "re");

	return f && fgets(text, sizeof(text), f) && strncmp(text, none, strlen(none)) != 0;
}

/* Is processor time limited in this cgroup, or in one around it? */
static bool is_limited(const char *root, const char *group, const char *file, const char *none)
{
	char path[PATH_MAX];

	for (size_t len = strlen(group);; len--) {
		if (snprintf(path, sizeof(path), "%s%.*s/%s", root, (int)len, group, file) >=
			    (int)sizeof(path) ||
		    limits(path, none))
			return true;
		while (len && group[len - 1] != '/')
			len--;
		if (!len)
			return false;
	}
}

bool awake_line_is_limited(char *line, const char *root)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;
	char beside[PATH_MAX];

	if (!group)
		return false;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	/* version 2 has no controllers here; it may be beside version 1 */
	const char *name = !*++controllers ? "unified" : "cpu";
	const char *file = !*controllers ? "cpu.max" : "cpu.cfs_quota_us";
	const char *none = !*controllers ? "max" : "-1";

	if (*controllers && strcmp(controllers, "cpu") != 0 && strncmp(controllers, "cpu,", 4) != 0)
		return false;
	(void)snprintf(beside, sizeof(beside), "%s/%s", root, name);
	return is_limited(beside, group, file, none) ||
	       (!*controllers && is_limited(root, group, file, none));
}

static bool time_is_limited(void)
{
	auto_fclose FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		if (awake_line_is_limited(line, "/sys/fs/cgroup"))
			return true;
	}
	return false;
}

void awake_init(struct awake *a)
{
	cpu_set_t all;

	*a = (struct awake){ .on = ASLEEP };
	a->enabled = !sched_getaffinity(0, sizeof(all), &all) && CPU_COUNT(&all) > 1 &&
		     !time_is_limited();
}

void awake_clear(struct awake *a)
{
	a->on = ENDED;
	futex_wake(&a->on);
	for (struct keeper *k = a->keepers; k < a->keepers + AWAKE_KEEPERS; k++) {
		if (k->started)
			(void)pthread_join(k->thread, NULL);
	}
}
