/* SPDX-License-Identifier: Apache-2.0
 *
 * follow - serve on the processor that the client runs on
 *
 * How it works. A client waits while it is served, so that the two never run
 * at once; on different processors each request wakes one sleeping processor
 * and each reply another, which costs more than the request itself (in a
 * virtual machine three times as much). When nearly all of the last requests
 * came from one process, the server binds itself to that one's processor;
 * with several clients it lets go, and when a client reads a large file, as
 * it copies one part while the kernel asks for the next.
 */
#include "fuse-overlay/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/num.h"

#define WINDOW 128U	/* requests between decisions: about 2 ms of a busy client */
#define SWITCHES_MAX 16U
#define BULK_MAX 64U
#define STAT_FIELD 36	/* "processor", counted from behind the name */

void follow_init(struct follow *f)
{
	*f = (struct follow){ .cpu = -1, .client_cpu = -1 };
	if (sched_getaffinity(0, sizeof(f->all), &f->all))
		CPU_ZERO(&f->all);
}

int follow_parse_stat(char *text)
{
	char *save = NULL;
	/* the name, in parentheses, may contain anything */
	char *p = strrchr(text, ')');
	uint32_t cpu;

	if (!p)
		return -EINVAL;
	p = strtok_r(p + 1, " ", &save);
	for (int i = 0; i < STAT_FIELD && p; i++)
		p = strtok_r(NULL, " ", &save);
	return p && !num_u32(p, &cpu) && cpu < CPU_SETSIZE ? (int)cpu : -EINVAL;
}

static int cpu_of(pid_t pid)
{
	char path[32], text[1024];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	return follow_parse_stat(text);
}

static void bind_to(struct follow *f, int cpu)
{
	cpu_set_t one;

	if (cpu == f->cpu)
		return;
	if (cpu < 0) {
		(void)sched_setaffinity(0, sizeof(f->all), &f->all);
	} else {
		if (!CPU_ISSET(cpu, &f->all))
			return;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
	}
	f->cpu = cpu;
}

int follow_request(struct follow *f, pid_t pid, bool bulk)
{
	/* the kernel's own (writeback, forget) say nothing */
	if (pid <= 0)
		return 0;
	f->switches += pid != f->pid;
	f->pid = pid;
	f->bulk += bulk;
	if (++f->requests < WINDOW)
		return 0;
	bool several = f->switches > SWITCHES_MAX;
	if (CPU_COUNT(&f->all) > 1) {
		f->client_cpu = cpu_of(pid);
		bind_to(f, several || f->bulk > BULK_MAX ? -1 : f->client_cpu);
	}
	f->requests = f->switches = f->bulk = 0;
	return several ? 2 : 1;
}
