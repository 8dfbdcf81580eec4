/* SPDX-License-Identifier: Apache-2.0
 *
 * run - become a command in a user namespace
 *
 * How it works: the process that asks becomes the command itself, so somebody
 * else has to write its maps. A child is forked while it is still in the old
 * namespace. It waits for one byte, which says that the parent has made the
 * new one; writes the maps of its parent; and leaves its struct err in a pipe
 * when that failed. The parent then takes its id inside, and executes.
 */
#include "uidmap/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "uidmap/mapping.h"
#include "uidmap/plan.h"

/* The child's whole life. Nothing in the pipe means that all is well. */
static _Noreturn void map_parent(const struct plan *plan, pid_t parent, int go, int report)
{
	struct err e = { 0 };
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || io_read_all(go, &c, 1) != 1)
		_exit(1);
	if (mapping_apply(plan, parent, &e) < 0)
		(void)io_write_all(report, &e, sizeof(e));
	_exit(0);
}

static int take_ids(const struct plan *plan, struct err *e)
{
	uid_t uid = maps_inside(plan->style, &plan->uid_map, plan->caller.id.uid);
	gid_t gid = maps_inside(plan->style, &plan->gid_map, plan->caller.id.gid);

	if (setresgid(gid, gid, gid) < 0)
		return err_set(e, -errno, "become gid %u inside", gid);
	if (setresuid(uid, uid, uid) < 0)
		return err_set(e, -errno, "become uid %u inside", uid);
	return 0;
}

static int enter(const struct plan *plan, struct err *e)
{
	struct err child_err;
	int go[2], back[2], r;
	pid_t me = getpid(), child;

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int go_in = go[0];
	auto_close int go_out = go[1];
	if (pipe2(back, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int back_in = back[0];
	auto_close int back_out = back[1];

	child = fork();
	if (child < 0)
		return err_set(e, -errno, "fork");
	if (child == 0) {
		(void)close(go_out);
		map_parent(plan, me, go_in, back_out);
	}
	(void)close(take_fd(&go_in));
	(void)close(take_fd(&back_out));
	r = 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		r = err_set(e, -errno, "unshare");
	else if (io_write_all(go_out, "1", 1) < 0)
		r = err_msg(e, -EIO, "the mapping child died");
	(void)close(take_fd(&go_out));
	if (r == 0 && io_read_all(back_in, &child_err, sizeof(child_err)) == sizeof(child_err)) {
		*e = child_err;
		r = child_err.code;
	}
	if (proc_wait(child) != 0 && r == 0)
		r = err_msg(e, -EIO, "the mapping child died");
	return r;
}

int run_command(const struct plan *plan, char *const *argv, int *ret_exec, struct err *e)
{
	int r = enter(plan, e);

	if (r >= 0)
		r = take_ids(plan, e);
	if (r < 0)
		return r;
	(void)execvp(argv[0], argv);
	*ret_exec = 1;
	return err_set(e, -errno, "%s", argv[0]);
}
