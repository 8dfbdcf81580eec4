/* SPDX-License-Identifier: Apache-2.0
 *
 * ctroot - a container's root file system as seen from outside
 *
 * How it works: the monitor's user namespace is entered, because files of
 * other ids and FUSE mounts are closed to everybody outside; the kernel lets the
 * owner of a namespace in. Our mount namespace stays the caller's, so that the
 * paths of the host are what was typed.
 */
#include "runner/engine/ctroot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/rootless.h"

static int enter_ids(const struct engine *eng, const struct container *c, struct err *e)
{
	auto_close int monitor = -1;

	if (eng->mode != ENGINE_USERNS)
		return 0;
	monitor = proc_pidfd_open(c->state.monitor_pid, (uint64_t)c->state.monitor_start);
	if (monitor < 0)
		return err_set(e, monitor, "container %.12s", c->id);
	if (setns(monitor, CLONE_NEWUSER) < 0)
		return err_set(e, -errno, "user namespace of container %.12s", c->id);
	return 0;
}

static int open_running(const struct engine *eng, const struct container *c, struct ctroot *ret,
			struct err *e)
{
	auto_free char *path = xasprintf("/proc/%d/root", c->state.pid);
	auto_close int init = -1;
	int r = enter_ids(eng, c, e);

	if (r < 0)
		return r;
	ret->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return err_set(e, -errno, "root of container %.12s", c->id);
	/* still the same process, so that was its root */
	init = proc_pidfd_open(c->state.pid, (uint64_t)c->state.pid_start);
	return init < 0 ? err_set(e, init, "container %.12s", c->id) : 0;
}

static int open_stopped(struct engine *eng, struct container *c, struct ctroot *ret, struct err *e)
{
	int r = rootless_enter(eng, e);

	if (r == 0)
		r = container_reopen(c, e);
	if (r == 0)
		r = container_lock(c, /* wait */ true, e);
	if (r < 0)
		return r;
	ret->c = c;
	r = container_reload(c, e);
	if (r == 0 && c->state.status == CONTAINER_RUNNING)
		r = err_msg(e, -EBUSY, "container %.12s was started meanwhile", c->id);
	if (r == 0)
		r = rootfs_mount(c, &ret->mounted, e);
	if (r < 0)
		return r;
	ret->fd = fd_dup(ret->mounted.fd);
	return ret->fd < 0 ? err_set(e, ret->fd, "root of container %.12s", c->id) : 0;
}

int ctroot_open(struct engine *eng, struct container *c, struct ctroot *ret, struct err *e)
{
	*ret = (struct ctroot){ .fd = -1 };
	rootfs_init(&ret->mounted);
	if (c->state.status == CONTAINER_RUNNING)
		return open_running(eng, c, ret, e);
	return open_stopped(eng, c, ret, e);
}

void ctroot_close(struct ctroot *r)
{
	if (r->fd >= 0)
		close(take_fd(&r->fd));
	rootfs_release(&r->mounted);
	if (r->c)
		container_unlock(r->c);
	r->c = NULL;
}
