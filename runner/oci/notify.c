/* SPDX-License-Identifier: Apache-2.0
 *
 * notify - hand the seccomp notify descriptor to an agent (listenerPath)
 *
 * How it works: once the filter is loaded, any call of the loading thread may
 * have to wait for an agent that does not have the descriptor yet. So a second
 * thread is made before, which is not filtered: it waits for the number to
 * appear in the shared page and sends the descriptor, while the first only
 * looks at memory. Both are one process, so the exec that follows finds the
 * second gone or ends it.
 */
#include "runner/oci/notify.h"

#include <errno.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"
#include "runner/oci/state.h"

enum { NAP_NS = 50 * 1000, NAPS_MAX = 200 * 1000 };

const char *notify_metadata(const struct spec_seccomp *sc, const struct oci_agent *agent)
{
	const char *words = agent ? agent->metadata : sc ? sc->listener_metadata : NULL;

	return words ? words : "";
}

int notify_open(const struct spec_seccomp *sc, const struct oci_agent *agent,
		struct plan_process *pp, struct err *e)
{
	const char *path = sc && sc->set ? sc->listener_path : NULL;

	if (agent && path)
		return err_msg(e, -EBUSY, "linux.seccomp.listenerPath: %s: calls are answered already",
			       path);
	if (agent)
		path = agent->socket;
	if (!path)
		return 0;
	int fd = sock_connect_unix(path);
	if (fd < 0)
		return err_set(e, fd, "linux.seccomp.listenerPath: %s", path);
	pp->listener = fd;
	pp->notify = mmap(NULL, sizeof(*pp->notify), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pp->notify == MAP_FAILED) {
		pp->notify = NULL;
		return err_set(e, -errno, "mmap");
	}
	pp->notify->listener = -1;
	return 0;
}

void notify_close(struct plan_process *pp)
{
	if (pp->notify)
		(void)munmap(pp->notify, sizeof(*pp->notify));
	if (pp->listener >= 0)
		(void)close(take_fd(&pp->listener));
	pp->notify = NULL;
}

int notify_fill(struct plan_process *pp, const char *metadata, const char *id, const char *bundle,
		pid_t pid, const struct spec *s, struct err *e)
{
	struct oci_state st = { .id = id, .status = "creating", .pid = pid, .bundle = bundle,
				.spec = s };

	if (!pp->notify)
		return 0;
	auto_free char *state = state_json(&st);
	json_t *o = json_pack("{s:s, s:[s], s:i, s:s, s:o}", "ociVersion", SPEC_VERSION, "fds", "seccompFd",
			      "pid", pid, "metadata", metadata, "state", json_loads(state, 0, NULL));
	auto_free char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text || strlen(text) >= PLAN_NOTIFY_MAX)
		return err_msg(e, -E2BIG, "linux.seccomp.listenerMetadata: too long");
	memcpy(pp->notify->text, text, strlen(text));
	__atomic_store_n(&pp->notify->len, strlen(text), __ATOMIC_RELEASE);
	return 0;
}

/* The unfiltered thread; it shares the other's errno, which only looks on. */
static int sender(void *arg)
{
	struct plan_process *pp = arg;
	struct plan_notify *n = pp->notify;
	const struct timespec nap = { .tv_nsec = NAP_NS };
	int r = -ETIMEDOUT;

	for (int i = 0; i < NAPS_MAX && n->listener == -1; i++)
		(void)syscall(SYS_nanosleep, &nap, NULL);
	if (n->listener >= 0) {
		int fd = n->listener;

		r = (int)sock_send_fds(pp->listener, n->text, n->len, &fd, 1);
		(void)close(fd);
	}
	n->done = r < 0 ? r : 1;
	(void)syscall(SYS_exit, 0);
	return 0;
}

int notify_load(struct plan_process *pp, struct sock_fprog *prog, unsigned int more_flags,
		struct err *e)
{
	struct plan_notify *n = pp->notify;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	if (__atomic_load_n(&n->len, __ATOMIC_ACQUIRE) == 0)
		return err_msg(e, -EPROTO, "nothing to tell the seccomp agent");
	if (clone(sender, n->stack + sizeof(n->stack), flags, pp) < 0)
		return err_set(e, -errno, "make the thread for the seccomp agent");
	int fd = raw_seccomp(SECCOMP_SET_MODE_FILTER,
			     more_flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, prog);
	n->listener = fd < 0 ? -2 : fd;
	if (fd < 0)
		return err_set(e, -errno, "load the seccomp filter");
	while (n->done == 0)
		__asm__ volatile("" ::: "memory");
	return n->done < 0 ? err_set(e, n->done, "send the descriptor to the seccomp agent") : 0;
}
