/* SPDX-License-Identifier: Apache-2.0
 *
 * finish - the end of a run, and of a start that failed
 *
 * How it works: at the end of the program who waits comes first: the record
 * says EXITED, or the name is free and the folder out of sight, then every
 * client is told, and only then the way back is taken: mounts, slirp-net, the
 * folder's files, or the folder is kept for the next container (ctspare.c). The lock is held until all of it is done. Published ports
 * are let go before anybody is told: the next container may want them.
 */
#include "runner/engine/finish.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctname.h"
#include "runner/engine/ctspare.h"
#include "runner/engine/ctl.h"
#include "runner/engine/engine.h"
#include "runner/engine/monitor.h"
#include "runner/engine/network.h"
#include "runner/engine/start.h"
#include "runner/engine/volume.h"
#include "runner/image/store.h"
#include "runner/oci/oci.h"

#define EXIT_FLUSH_MS 10000

int finish_retire(struct container *c, struct store *store, struct err *e)
{
	AUTO(store_close) struct store *own = NULL;
	int r;

	volume_retire_anonymous(c);
	r = container_retire(c, e);
	if (r < 0 || !c->config.layers.n)
		return r;
	if (!store) {
		r = engine_store(c->eng, &own, e);
		if (r < 0)
			return r;
		store = own;
	}
	return store_release(store, c->id, e);
}

/* Somebody may have renamed it while it ran. */
static void refresh_name(struct container *c)
{
	AUTO(container_free) struct container *now = NULL;
	char id[CONTAINER_ID_LEN + 1];

	/* what renames it takes the old name away, and holds the lock for it */
	if (ctname_read(c->eng, c->name, id) == 0 && str_eq(id, c->id))
		return;
	if (container_load(c->eng, c->id, &now, NULL) == 0 && !str_eq(now->name, c->name)) {
		free(c->name);
		c->name = take_ptr(now->name);
	}
}

static void record_exited(struct monitor *m)
{
	struct container *c = m->c;
	struct err e = { 0 };

	refresh_name(c);
	if (m->remove) {
		if (finish_retire(c, m->store, &e) < 0)
			log_debug("%s", e.msg);
	} else {
		c->state.status = CONTAINER_EXITED;
		c->state.exit_code = m->exit_code;
		if (m->lost_ids) {
			free(c->state.error);
			c->state.error = xstrdup("the supervisor of recorded ids ended");
		}
		c->state.finished = container_now();
		c->state.pid = 0;
		c->state.monitor_pid = 0;
		strv_clear(&c->state.ports);
		/* Where it cannot be written it stays RUNNING with a dead monitor:
		 * readers take that for EXITED. */
		if (container_save(c, &e) < 0)
			log_debug("%s", e.msg);
		container_clear_run_dir(c);
	}
}

static void release(struct monitor *m)
{
	guard_stop(&m->guard);
	if (m->mounts_fd >= 0)
		close(take_fd(&m->mounts_fd));
	if (m->oci.has_cgroup && m->oci.cgroup_ours)
		(void)oci_cgroup_remove(m->oci.cgroup, m->oci.cgroup_scope, NULL);
	oci_container_close(&m->oci);
	recorded_stop(&m->recorded);
	rootfs_release(&m->root);
	network_release(&m->net);
	log_writer_close(&m->log);
}

/* As if it had not been tried. */
static void record_unstarted(struct monitor *m)
{
	struct container_state *st = &m->c->state;

	st->status = st->finished ? CONTAINER_EXITED : CONTAINER_CREATED;
	st->pid = 0;
	st->monitor_pid = 0;
	strv_clear(&st->ports);
	(void)container_save(m->c, NULL);
}

void finish_unstarted(struct monitor *m, bool fresh, int code, const struct err *e)
{
	struct ctl_error msg = { .exit_code = oci_exit_code(code), .err = *e };

	if (m->oci.pidfd >= 0) {
		(void)proc_pidfd_kill(m->oci.pidfd, SIGKILL);
		(void)proc_wait(m->oci.pid);
	}
	release(m);
	container_clear_run_dir(m->c);
	if (fresh)
		(void)start_destroy(m->c, m->store, NULL);
	else if (m->c->state.status == CONTAINER_RUNNING)
		record_unstarted(m);
	container_unlock(m->c);
	(void)ctl_send(m->clients[0].fd, CTL_ERROR, &msg, sizeof(msg));
}

void finish_ended(struct monitor *m)
{
	struct timespec since = m->root.since;
	int32_t code = m->exit_code;
	struct err e = { 0 };
	int locked, watch;

	/* It has the container's mounts, too. */
	if (m->root.helper > 0 || m->c->config.mounts.n)
		recorded_stop(&m->recorded);
	/* A FUSE mount pins the folder, and what it holds back is not written. */
	if (m->root.helper > 0)
		rootfs_release(&m->root);
	if (m->c->state.ports.n)
		network_release(&m->net);
	locked = container_lock(m->c, /* wait */ true, &e);
	if (locked < 0)
		log_debug("%s", e.msg);
	record_exited(m);
	monitor_close_door(m);
	monitor_tell_all(m, CTL_EXIT, &code, sizeof(code));
	watch = m->remove && locked == 0 && m->root.detached ? ctspare_watch(m->root.fd) : -1;
	release(m);
	/* only here nobody is left who could write to it */
	if (ctspare_is_gone(watch))
		container_keep(m->c, &since);
	if (m->remove && container_purge(m->c, &e) < 0)
		log_debug("%s", e.msg);
	container_unlock(m->c);
	monitor_flush(m, EXIT_FLUSH_MS);
}
