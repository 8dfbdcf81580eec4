/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - threads that serve
 *
 * How it works. The thread that mounted is the leader; it always serves. With
 * threaded=1 helpers join it, started when they are first wanted and parked
 * when they no longer are: one while the leader (or whoever serves) waits for
 * a disk, and one for each processor while several clients ask in turn. A
 * single client is served by one thread, as two would only wake each other.
 * A helper that is no longer wanted finishes the request that it has, or the
 * next one, and parks. At the end a signal takes helpers out of their wait for
 * a request; it is blocked everywhere else.
 *
 * Locking: pool.lock is taken last and held for moments.
 */
#include "fuse-overlay/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "common/spin.h"
#include "fuse-overlay/awake.h"
#include "fuse-overlay/conf.h"
#include "fuse-overlay/follow.h"
#include "fuse-overlay/thread.h"
#include "fuse-overlay/wire.h"

#define END_SIGNAL SIGUSR1

/**
 * struct waiting - how a thread waits for the next request
 */
struct waiting {
	struct spin spin;
	struct awake awake;
};

static void *help(void *arg);

/* One thread more is to serve; the lock is held. Without resources for one the
 * others have more to do. */
static void call_one(struct pool *p)
{
	if (p->parked > p->called) {
		p->called++;
		p->active++;
		(void)pthread_cond_signal(&p->wake);
		return;
	}
	if (p->n == p->max)
		return;
	if (!thread_start(&p->helpers[p->n], NULL, help, p)) {
		p->n++;
		p->active++;
	}
}

void pool_wait_begin(struct ovl *o)
{
	struct pool *p = o->pool;

	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->active--;
	if (p->active < p->wanted)
		call_one(p);
	(void)pthread_mutex_unlock(&p->lock);
}

void pool_wait_end(struct ovl *o)
{
	struct pool *p = o->pool;

	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->active++;
	(void)pthread_mutex_unlock(&p->lock);
}

static void want_threads(struct pool *p, bool several)
{
	(void)pthread_mutex_lock(&p->lock);
	p->wanted = several ? p->max + 1 : 1;
	while (p->active < p->wanted && (p->parked > p->called || p->n < p->max)) {
		unsigned int before = p->active;

		call_one(p);
		if (p->active == before)
			break;
	}
	(void)pthread_mutex_unlock(&p->lock);
}

static bool ended(struct pool *p)
{
	return fuse_session_exited(p->o->se);
}

/* Wait until a helper is wanted. */
static void park(struct pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	if (p->active > p->wanted && !ended(p)) {
		p->active--;
		p->parked++;
		while (!p->called && !ended(p))
			(void)pthread_cond_wait(&p->wake, &p->lock);
		p->parked--;
		if (p->called)
			p->called--;
		else
			p->active++;
	}
	(void)pthread_mutex_unlock(&p->lock);
}

/* The next request. The leader polls before it sleeps; a helper that did so
 * as well would only be in the way. */
static int receive(struct fuse_session *se, struct waiting *w, struct fuse_buf *buf)
{
	struct pollfd ready = { .fd = fuse_session_fd(se), .events = POLLIN };
	uint64_t began;
	int r;

	if (!w->spin.max)
		return fuse_session_receive_buf(se, buf);
	began = spin_now();
	spin_check(&w->spin, began, awake_running(&w->awake));
	if (w->spin.limit)
		awake_touch(&w->awake, began);
	while (spin_now() - began < w->spin.limit && !poll(&ready, 1, 0))
		;
	r = fuse_session_receive_buf(se, buf);
	spin_learn(&w->spin, spin_now() - began);
	return r;
}

static void serve_requests(struct pool *p, bool leads)
{
	struct fuse_session *se = p->o->se;
	struct waiting w = { 0 };
	struct fuse_buf buf = { 0 };
	struct follow f;

	spin_init(&w.spin, leads ? (unsigned int)p->o->conf->busy_poll : 0);
	if (w.spin.max)
		awake_init(&w.awake);
	follow_init(&f);
	while (!ended(p)) {
		int r = receive(se, &w, &buf);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			break;
		fuse_session_process_buf(se, &buf);
		int clients = follow_request(&f, wire_request().pid, wire_request().bulk);
		if (clients && w.spin.limit) {
			awake_at(&w.awake, sched_getcpu());
			awake_at(&w.awake, f.client_cpu);
		}
		if (p->ready && leads) {
			p->ready(p->arg);
			p->ready = NULL;
		}
		if (!p->max)
			continue;
		if (clients)
			want_threads(p, clients > 1);
		if (!leads)
			park(p);
	}
	awake_clear(&w.awake);
	spin_clear(&w.spin);
	free(buf.mem);
}

static void *help(void *arg)
{
	struct pool *p = arg;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, END_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	serve_requests(p, false);
	return NULL;
}

static void wake_up(int number)
{
	(void)number;
}

static void end_helpers(struct pool *p)
{
	/* nobody starts another: they see that the session has ended */
	for (;;) {
		(void)pthread_mutex_lock(&p->lock);
		unsigned int n = p->n;
		(void)pthread_cond_broadcast(&p->wake);
		(void)pthread_mutex_unlock(&p->lock);
		if (!n)
			return;
		/* the signal may come just before one waits: say it again */
		while (pthread_tryjoin_np(p->helpers[n - 1], NULL) == EBUSY) {
			(void)pthread_kill(p->helpers[n - 1], END_SIGNAL);
			(void)poll(NULL, 0, 5);
		}
		(void)pthread_mutex_lock(&p->lock);
		p->helpers[n - 1] = p->helpers[p->n - 1];
		p->n--;
		(void)pthread_mutex_unlock(&p->lock);
	}
}

static unsigned int helpers_wanted(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	/* at least one, to wait for a disk */
	return n <= 1 ? 1U : n > POOL_HELPERS_MAX ? POOL_HELPERS_MAX : (unsigned int)n - 1;
}

void pool_serve(struct pool *p, bool threaded)
{
	struct sigaction sa = { .sa_handler = wake_up };

	p->active = p->wanted = 1;
	p->max = threaded ? helpers_wanted() : 0;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->wake, NULL);
	if (p->max) {
		(void)sigaction(END_SIGNAL, &sa, NULL);
		p->o->pool = p;
	}
	serve_requests(p, true);
	fuse_session_exit(p->o->se);
	end_helpers(p);
	p->o->pool = NULL;
	(void)pthread_cond_destroy(&p->wake);
	(void)pthread_mutex_destroy(&p->lock);
}
