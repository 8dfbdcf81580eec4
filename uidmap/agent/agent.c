/* SPDX-License-Identifier: Apache-2.0
 *
 * agent - the context
 */
#include "uidmap/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/io.h"
#include "uidmap/agent/newfile.h"
#include "uidmap/agent/undo.h"

enum {
	TRUST_NS = 1000000,
	PIDS_ENOUGH = 32768,
	PID_MAX_TEXT = 32,
};

/* Numbers of processes go round before one is given again, and a fork takes some
 * ten microseconds; where there are few numbers, nothing is trusted. */
static uint64_t trust(void)
{
	auto_free char *text = NULL;

	if (io_read_file_at(AT_FDCWD, "/proc/sys/kernel/pid_max", PID_MAX_TEXT, &text, NULL) < 0)
		return 0;
	return strtoull(text, NULL, 10) >= PIDS_ENOUGH ? TRUST_NS : 0;
}

int agent_init(struct agent *a, struct err *e)
{
	int r;

	*a = (struct agent){ .procfd = -1, .rootfd = -1 };
	nodes_init(&a->nodes);
	r = calls_init(a, e);
	if (r < 0)
		return r;
	a->newfiles = calloc(1, sizeof(*a->newfiles));
	a->undo = calloc(1, sizeof(*a->undo));
	if (!a->newfiles || !a->undo || records_init(&a->records) < 0)
		return err_set(e, -ENOMEM, "agent");
	(void)pthread_mutex_init(&a->newfiles->lock, NULL);
	(void)pthread_mutex_init(&a->undo->lock, NULL);
	a->trust_ns = trust();
	a->procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return a->procfd < 0 ? err_set(e, -errno, "/proc") : 0;
}

void agent_clear(struct agent *a)
{
	records_clear(&a->records);
	nodes_clear(&a->nodes);
	free(a->newfiles);
	free(a->undo);
	if (a->procfd >= 0)
		(void)close(take_fd(&a->procfd));
	if (a->rootfd >= 0)
		(void)close(take_fd(&a->rootfd));
}
