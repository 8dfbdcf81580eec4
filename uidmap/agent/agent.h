/* SPDX-License-Identifier: Apache-2.0
 *
 * agent - the supervisor of recorded identity: what its files share
 *
 * How it works: a container with one mapped id hands over the system calls of
 * common/idcalls.c by seccomp's user notification. The agent answers from
 * records: who a process is said to be (who.h), and whose a file is said to
 * be (owner.h). It gives no authority. All runs as the one id that there is;
 * the agent only does what the process could do itself.
 *
 * A thread for each listener (the container's program, and one for each
 * command that joins later) waits, calls the handler of the call's number,
 * and sends its answer. Handlers are rows of tables, a file a feature.
 *
 * Where it stands: in the user and mount namespace of the container, its root
 * folder, so that a path can lead no further; with the host's /proc as working
 * folder, for "TID/fd/N", "TID/cwd" and "self/fd/N".
 */
#ifndef UIDMAP_AGENT_AGENT_H
#define UIDMAP_AGENT_AGENT_H

#include <limits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "uidmap/agent/nodes.h"
#include "uidmap/agent/proto.h"
#include "uidmap/agent/records.h"
#include "uidmap/agent/statcache.h"

#define LISTENERS_MAX 1024
#define NR_MAX 512 /* numbers of system calls are below */
#define SEEN_MAX 8 /* threads of a listener whose limit is remembered */

struct newfiles;
struct undo;

/**
 * struct agent - the one context
 * @procfd:	the /proc that shows the container's processes to us
 * @rootfd:	the container's root, -1 before the first connection
 * @by_nr:	who answers a call
 * @records:	credentials
 * @nodes:	owners of what can carry no attribute
 * @newfiles:	files being made by somebody who is not 0:0 (newfile.h)
 * @undo:	executions that may have failed (exec.c)
 * @changed:	some process is not what its listener began with
 * @turns:	how many changes there were
 * @trust_ns:	so long after it called no other process can have a thread's number
 * @full_told:	it was said that there are no more records
 * @moved:	some process may have another root or mount namespace
 */
struct agent {
	int procfd;
	int rootfd;
	const struct handler *by_nr[NR_MAX];
	struct records records;
	struct nodes nodes;
	struct newfiles *newfiles;
	struct undo *undo;
	atomic_bool changed;
	_Atomic(uint64_t) turns;
	uint64_t trust_ns;
	atomic_bool moved;
	atomic_bool full_told;
};

/**
 * struct listener - one seccomp descriptor, and its thread
 * @fd:		the descriptor
 * @meta:	what its first program begins with
 * @start:	record of a process that never changed
 * @early:	could not be joined yet (server.c)
 * @first:	the call that was waiting when it could; id 0: none
 * @seen:	limits of threads that called of late (who.c)
 * @cache:	files that its programs asked for
 * @hung_up:	nobody is left behind it
 * @done:	the thread has ended
 */
struct listener {
	struct agent *agent;
	int fd;
	pthread_t thread;
	struct idmeta meta;
	uint32_t start;
	bool early;
	struct seccomp_notif first;
	struct seen {
		pid_t tid;
		uint64_t turns, when, limit;
	} seen[SEEN_MAX];
	struct statcache cache;
	atomic_bool hung_up;
	atomic_bool done;
};

/**
 * struct job - one call to be answered
 * @tid:	the thread that waits, as our /proc names it
 * @arg:	its arguments
 * @when:	spin_now() when it was taken; 0: long ago
 * @nr:		number of the call
 * @entered:	we stand in the target's own root (tracee_enter())
 * @path:	the path that the call names (tracee_place())
 * @loc:	the same from where we stand (tracee_loc())
 */
struct job {
	struct agent *agent;
	struct listener *listener;
	uint64_t id;
	pid_t tid;
	int nr;
	const uint64_t *arg;
	uint64_t when;
	bool entered;
	char path[PATH_MAX];
	char loc[PATH_MAX + 64];
};

/* Beside results and -errno: the kernel shall do the call itself. */
#define JOB_CONTINUE INT64_MIN

/**
 * struct handler - who answers a call
 * @name:	as in common/idcalls.c
 * @fn:		returns the result, -errno, or JOB_CONTINUE
 */
struct handler {
	int nr;
	const char *name;
	int64_t (*fn)(struct job *j);
};

/**
 * struct handlers - the rows of one file
 */
struct handlers {
	const struct handler *v;
	size_t n;
};

extern const struct handlers ids_handlers, caps_handlers, chown_handlers, node_handlers,
	stat_handlers, exec_handlers, sockcred_handlers, moved_handlers, names_handlers, rlimit_handlers;

/**
 * calls_init() - fill the table of handlers by number
 * Return: 0, -ENOSYS with the name of a call in common/idcalls.c that nobody answers
 */
int calls_init(struct agent *a, struct err *e);

/**
 * exec_finish() - what executing the program that it runs now did to a process
 */
void exec_finish(struct agent *a, pid_t tid, struct idstate *s);

/**
 * loop_thread() - answer one listener until it hangs up
 * @arg:	struct listener
 */
void *loop_thread(void *arg);

/**
 * agent_init(), agent_clear()
 * Return: 0, -errno with the reason
 */
int agent_init(struct agent *a, struct err *e);
void agent_clear(struct agent *a);
DEFINE_AUTO_CLEAR(struct agent, agent_clear);

/**
 * agent_main() - "uidmap agent"
 * Return: exit status
 */
int agent_main(int argc, char **argv);

#endif
