/* SPDX-License-Identifier: Apache-2.0
 *
 * mapping - put both maps of a plan on a process that waits for them
 */
#include "uidmap/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "uidmap/idmap.h"
#include "uidmap/kind.h"
#include "uidmap/mapper.h"
#include "uidmap/mapwrite.h"
#include "uidmap/plan.h"
#include "uidmap/target.h"

/* A helper explains itself in one line; more is cut off. */
#define HELPER_LINE_MAX 900

static int add_map(struct strv *argv, const struct idmap *map)
{
	int r = 0;

	for (size_t i = 0; i < map->n && r == 0; i++) {
		const struct idrange *l = &map->r[i];

		r = strv_addf(argv, "%" PRIu32, l->inside);
		if (r == 0)
			r = strv_addf(argv, "%" PRIu32, l->outside);
		if (r == 0)
			r = strv_addf(argv, "%" PRIu32, l->count);
	}
	return r;
}

static int helper_argv(struct strv *argv, const char *path, pid_t pid, const struct idmap *map,
		       const struct idmap *gids)
{
	int r = strv_add(argv, path);

	if (r == 0)
		r = strv_addf(argv, "%d", pid);
	if (r == 0)
		r = add_map(argv, map);
	if (r == 0 && gids)
		r = strv_add(argv, MAPPER_GIDS);
	return r == 0 && gids ? add_map(argv, gids) : r;
}

/* With @gids the helper writes that map, too. */
static int run_helper(const char *path, pid_t pid, const struct idmap *map,
		      const struct idmap *gids, struct err *e)
{
	struct strv AUTO(strv_clear) argv = { 0 };
	struct proc_spawn how = { .stdio = { -1, -1, -1 } };
	char line[HELPER_LINE_MAX + 1];
	int fds[2], status;
	pid_t child;
	ssize_t n;

	if (helper_argv(&argv, path, pid, map, gids) < 0)
		return err_set(e, -ENOMEM, "%s", path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int in = fds[0];
	auto_close int out = fds[1];

	how.argv = argv.v;
	how.stdio[2] = out;
	child = proc_spawn(&how);
	if (child < 0)
		return err_set(e, child, "run %s", path);
	(void)close(take_fd(&out));
	n = io_read_all(in, line, sizeof(line) - 1);
	(void)close(take_fd(&in)); /* a helper with more to say must not block */
	status = proc_wait(child);
	if (status == 0)
		return 0;
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!line[0])
		return err_msg(e, -EPERM, "%s: failed with status %d", path, status);
	return err_msg(e, -EPERM, "%s", line);
}

/* One id, or root's own map: no helper has more to give than the kernel. */
static int write_here(const struct idkind *kind, pid_t pid, const struct idmap *map, bool deny,
		      struct err *e)
{
	struct target AUTO(target_close) t = { .fd = -1 };
	struct policy_target facts;
	char name[16];
	int r;

	(void)str_format(name, sizeof(name), "%d", pid);
	if ((r = target_open(&t, name, e)) < 0 || (r = target_look(&t, &facts, e)) < 0)
		return r;
	return mapwrite(&t, &facts, kind, map, deny, e);
}

int mapping_apply(const struct plan *plan, pid_t pid, struct err *e)
{
	int r;

	if (plan->mode == PLAN_RANGE && plan->helper.together)
		return run_helper(plan->helper.uid, pid, &plan->uid_map, &plan->gid_map, e);
	if (plan->mode == PLAN_RANGE) {
		r = run_helper(plan->helper.uid, pid, &plan->uid_map, /* gids */ NULL, e);
		return r < 0 ? r :
			       run_helper(plan->helper.gid, pid, &plan->gid_map, /* gids */ NULL, e);
	}
	r = write_here(&kind_uid, pid, &plan->uid_map, /* deny */ false, e);
	if (r < 0)
		return r;
	return write_here(&kind_gid, pid, &plan->gid_map, plan->mode == PLAN_SINGLE, e);
}

/* The child of mapping_try(): says how unshare went, then lives while asked. */
static _Noreturn void be_mapped(int report, int hold)
{
	int failure = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
	char c;

	(void)io_write_all(report, &failure, sizeof(failure));
	(void)io_read_all(hold, &c, 1);
	_exit(0);
}

int mapping_try(const struct plan *plan, int *ret_unshare, struct err *e)
{
	int up[2], down[2], failure = 0, r;
	pid_t child;

	if (pipe2(up, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int report_in = up[0];
	auto_close int report_out = up[1];
	if (pipe2(down, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_close int hold_in = down[0];
	auto_close int hold_out = down[1];

	child = fork();
	if (child < 0)
		return err_set(e, -errno, "fork");
	if (child == 0) {
		(void)close(hold_out);
		be_mapped(report_out, hold_in);
	}
	(void)close(take_fd(&report_out));
	if (io_read_all(report_in, &failure, sizeof(failure)) != sizeof(failure))
		failure = EIO;
	*ret_unshare = failure;
	r = failure ? err_msg(e, -ENOTSUP, "unshare: %s", strerrordesc_np(failure)) :
		      mapping_apply(plan, child, e);
	(void)close(take_fd(&hold_out));
	(void)proc_wait(child);
	return r;
}
