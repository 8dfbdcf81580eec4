/* SPDX-License-Identifier: Apache-2.0
 *
 * loop - answer the calls of one listener
 *
 * How it works: the thread sleeps in the kernel's "receive" itself, which is
 * one system call less for each answer than poll(2) would be. With the flag
 * SYNC_WAKE_UP the kernel lets it run on the caller's processor at once. That
 * nobody is left behind a listener is noticed by the main thread, which then
 * interrupts this one by a signal (older kernels would let it sleep forever).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/spin.h"
#include "uidmap/agent/agent.h"
#include "uidmap/agent/newfile.h"

/* #syscalls poll ppoll fchdir */

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#error "which numbers do system calls have here?"
#endif

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

static int64_t answer(struct job *j, const struct seccomp_notif *req)
{
	struct agent *a = j->agent;

	j->id = req->id;
	j->tid = (pid_t)req->pid;
	j->nr = req->data.nr;
	j->arg = (const uint64_t *)req->data.args;
	/* the first one may have waited for long */
	j->when = req == &j->listener->first ? 0 : spin_now();
	/* programs of another architecture see what the kernel has: one id. A
	 * process that our /proc does not show cannot be looked at */
	if (req->data.arch != OWN_ARCH || j->nr < 0 || j->nr >= NR_MAX || !a->by_nr[j->nr] ||
	    j->tid == 0)
		return JOB_CONTINUE;
	if (newfile_any(a->newfiles))
		newfile_settle(a, j->tid);
	return a->by_nr[j->nr]->fn(j);
}

static void send_answer(const struct listener *l, struct seccomp_notif_resp *resp, uint64_t id,
			int64_t r)
{
	*resp = (struct seccomp_notif_resp){ .id = id };
	if (r == JOB_CONTINUE)
		resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (r < 0)
		resp->error = (int32_t)r;
	else
		resp->val = r;
	/* -ENOENT: the caller was killed meanwhile */
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, resp) < 0 && errno != ENOENT)
		log_debug("agent: answer: %s", strerrordesc_np(errno));
}

static bool is_hung_up(struct listener *l)
{
	struct pollfd p = { .fd = l->fd };

	if (!atomic_load(&l->hung_up) && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)))
		atomic_store(&l->hung_up, true);
	return atomic_load(&l->hung_up);
}

static void serve(struct listener *l, struct job *j, struct seccomp_notif *req, size_t req_size,
		  struct seccomp_notif_resp *resp)
{
	if (l->first.id)
		send_answer(l, resp, l->first.id, answer(j, &l->first));
	for (;;) {
		memset(req, 0, req_size);
		if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, req) == 0) {
			send_answer(l, resp, req->id, answer(j, req));
			continue;
		}
		/* -ENOENT: the caller was killed before we looked, or the last one left */
		if ((errno != EINTR && errno != ENOENT) || is_hung_up(l))
			return;
	}
}

void *loop_thread(void *arg)
{
	struct listener *l = arg;
	struct seccomp_notif_sizes sizes = { 0 };
	struct job *j = calloc(1, sizeof(*j));
	/* the kernel's structures may be larger than those we know */
	auto_free struct seccomp_notif *req = NULL;
	auto_free struct seccomp_notif_resp *resp = NULL;

	(void)syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	req = calloc(1, sizes.seccomp_notif + sizeof(*req));
	resp = calloc(1, sizes.seccomp_notif_resp + sizeof(*resp));
	(void)ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	if (!j || !req || !resp || unshare(CLONE_FS) < 0 || fchdir(l->agent->procfd) < 0) {
		log_error("agent: cannot serve a listener");
	} else {
		j->agent = l->agent;
		j->listener = l;
		serve(l, j, req, sizes.seccomp_notif, resp);
	}
	free(j);
	atomic_store(&l->done, true);
	return NULL;
}
