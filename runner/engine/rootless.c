/* SPDX-License-Identifier: Apache-2.0
 *
 * rootless - enter a user namespace without executing ourselves again
 *
 * How it works, cheapest first:
 * - One id: unshare(2) and write the three files of the map; the kernel
 *   allows everybody to map the own id. Nothing else is executed.
 * - A range, while a container of ours runs: join the user namespace of its
 *   monitor. The kernel gives the owner of a namespace all capabilities in
 *   it. The map is compared with the plan first.
 * - A range otherwise: a child made before unshare(2) stays outside, and when
 *   told that the namespace exists runs newuidmap and newgidmap side by side.
 *   If a helper fails, the map of that namespace cannot be written any more
 *   by us either, so the process ends up without ids: that is an error with
 *   the helper's own words. The plan is asked for helpers that work.
 *
 * A mount namespace comes with it: mounts made by commands and monitors are
 * seen by nobody else and need no clean-up. New mount namespaces of a user
 * namespace receive mounts of the host and send none back.
 */
#include "runner/engine/rootless.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/engine.h"

#define MAP_TEXT_MAX 65536
#define HELPER_WORDS_MAX 700

bool rootless_has_id(const char *map_file, uint32_t id)
{
	auto_free char *map = NULL;
	const char *line;

	if (io_read_file_at(AT_FDCWD, map_file, MAP_TEXT_MAX, &map, /* ret_len */ NULL) < 0)
		return false;
	for (line = map; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		unsigned long in, out, count;

		if (sscanf(line, "%lu %lu %lu", &in, &out, &count) == 3 && id >= in &&
		    id - in < count)
			return true;
	}
	return false;
}

static bool map_is(const char *map_file, const struct id_range *want, size_t n)
{
	auto_free char *map = NULL;
	const char *line;
	size_t i = 0;

	if (io_read_file_at(AT_FDCWD, map_file, MAP_TEXT_MAX, &map, /* ret_len */ NULL) < 0)
		return false;
	for (line = map; *line; i++) {
		unsigned long in, out, count;

		if (i >= n || sscanf(line, "%lu %lu %lu", &in, &out, &count) != 3)
			return false;
		if (in != want[i].inside || out != want[i].outside || count != want[i].count)
			return false;
		line = strchr(line, '\n');
		if (!line)
			return false;
		line++;
	}
	return i == n;
}

static int try_join(int dir_fd, const char *id, const struct id_plan *plan)
{
	auto_free char *path = NULL;
	auto_free char *text = NULL;
	auto_close int pidfd = -1;
	char map[64];
	int pid;
	unsigned long long start;
	int r;

	path = xasprintf("%s/monitor", id);
	r = io_read_file_at(dir_fd, path, 64, &text, /* ret_len */ NULL);
	if (r < 0)
		return r;
	if (sscanf(text, "%d %llu", &pid, &start) != 2)
		return -EINVAL;
	pidfd = proc_pidfd_open(pid, start);
	if (pidfd < 0)
		return pidfd;
	(void)str_format(map, sizeof(map), "/proc/%d/uid_map", pid);
	if (!map_is(map, plan->uid, plan->n_uid))
		return -ESRCH;
	(void)str_format(map, sizeof(map), "/proc/%d/gid_map", pid);
	if (!map_is(map, plan->gid, plan->n_gid))
		return -ESRCH;
	if (setns(pidfd, CLONE_NEWUSER) < 0)
		return -errno;
	return 0;
}

static int join_running(const struct engine *eng, const struct id_plan *plan)
{
	auto_dir DIR *d = NULL;
	auto_close int fd = openat(eng->runroot_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *de;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	fd = -1;
	while ((de = readdir(d)))
		if (de->d_name[0] != '.' && try_join(dirfd(d), de->d_name, plan) == 0)
			return 0;
	return -ESRCH;
}

/* Start one helper; its stderr comes back through a pipe. */
static pid_t start_helper(const char *program, pid_t target, const struct id_range *ranges, size_t n,
			  int err_fd)
{
	AUTO(strv_clear) struct strv argv = { 0 };
	struct proc_spawn how = { .stdio = { -1, -1, err_fd } };

	if (strv_add(&argv, program) < 0 || strv_addf(&argv, "%d", target) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (strv_addf(&argv, "%u", ranges[i].inside) < 0 ||
		    strv_addf(&argv, "%u", ranges[i].outside) < 0 ||
		    strv_addf(&argv, "%u", ranges[i].count) < 0)
			return -ENOMEM;
	how.argv = argv.v;
	return proc_spawn(&how);
}

static int run_helpers(pid_t target, const struct id_plan *plan, struct err *e)
{
	int words[2];
	char text[HELPER_WORDS_MAX];
	ssize_t n;
	pid_t u, g;
	int ru, rg;

	if (pipe2(words, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	u = start_helper(plan->newuidmap, target, plan->uid, plan->n_uid, words[1]);
	g = start_helper(plan->newgidmap, target, plan->gid, plan->n_gid, words[1]);
	close(words[1]);
	n = io_read_all(words[0], text, sizeof(text) - 1);
	close(words[0]);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	ru = u < 0 ? (int)u : proc_wait(u);
	rg = g < 0 ? (int)g : proc_wait(g);
	if (ru < 0)
		return err_set(e, ru, "%s", plan->newuidmap);
	if (rg < 0)
		return err_set(e, rg, "%s", plan->newgidmap);
	if (ru > 0 || rg > 0)
		return err_msg(e, -EPERM, "id map: %s failed: %s",
			       ru > 0 ? plan->newuidmap : plan->newgidmap,
			       *text ? text : "it gave no reason");
	return 0;
}

/**
 * struct mapper - the child that stays outside while we unshare
 * @pid:	the child
 * @go:		closing it (or a byte) tells the child; a byte means "unshared"
 * @answer:	the child's struct err, code 0 on success
 */
struct mapper {
	pid_t pid;
	int go;
	int answer;
};

static int mapper_start(struct mapper *m, const struct id_plan *plan, struct err *e)
{
	int go[2], answer[2];
	pid_t target = getpid();

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	if (pipe2(answer, O_CLOEXEC) < 0) {
		close(go[0]);
		close(go[1]);
		return err_set(e, -EMFILE, "pipe");
	}
	m->pid = fork();
	if (m->pid < 0) {
		close(go[0]);
		close(go[1]);
		close(answer[0]);
		close(answer[1]);
		return err_set(e, -EAGAIN, "fork");
	}
	if (m->pid == 0) {
		struct err why = { 0 };
		char c;

		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(0);
		if (run_helpers(target, plan, &why) < 0 && why.code == 0)
			why.code = -EIO;
		(void)io_write_all(answer[1], &why, sizeof(why));
		_exit(0);
	}
	close(go[0]);
	close(answer[1]);
	m->go = go[1];
	m->answer = answer[0];
	return 0;
}

static int mapper_finish(struct mapper *m, bool unshared, struct err *e)
{
	struct err why = { .code = -EIO };
	ssize_t n = 0;

	if (unshared && write(m->go, "1", 1) != 1)
		why.code = -errno;
	close(m->go);
	if (unshared)
		n = io_read_all(m->answer, &why, sizeof(why));
	close(m->answer);
	(void)proc_wait(m->pid);
	if (!unshared)
		return 0;
	if (n != (ssize_t)sizeof(why))
		return err_set(e, -EIO, "id map: helper process");
	if (why.code < 0)
		return err_msg(e, why.code, "%s", why.msg);
	return 0;
}

static int unshare_error(int code, struct err *e)
{
	if (code == -ENOSPC)
		return err_msg(e, code,
			       "user namespace: the limit user.max_user_namespaces is reached or 0: "
			       "an admin can raise it: sysctl user.max_user_namespaces=15000");
	if (code == -EPERM || code == -EACCES)
		return err_msg(e, code,
			       "user namespace: this host does not let ordinary users make one "
			       "(see kernel.unprivileged_userns_clone, AppArmor, or the seccomp "
			       "filter of an outer container): %s",
			       strerrordesc_np(-code));
	return err_set(e, code, "user namespace");
}

static int write_one(const char *file, uint32_t outside, struct err *e)
{
	char line[32];
	int r;

	(void)str_format(line, sizeof(line), "0 %u 1\n", outside);
	r = io_write_file_at(AT_FDCWD, file, line);
	if (r < 0)
		return err_set(e, r, "%s", file);
	return 0;
}

static int enter_one(const struct engine *eng, struct err *e)
{
	int r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return unshare_error(-errno, e);
	r = io_write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "/proc/self/setgroups");
	r = write_one("/proc/self/uid_map", eng->uid, e);
	if (r < 0)
		return r;
	return write_one("/proc/self/gid_map", eng->gid, e);
}

static int enter_range(const struct engine *eng, const struct id_plan *plan, struct err *e)
{
	struct mapper m;
	int r;

	if (join_running(eng, plan) == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			return err_set(e, -errno, "mount namespace");
		return 0;
	}
	r = mapper_start(&m, plan, e);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		r = -errno;
		(void)mapper_finish(&m, /* unshared */ false, NULL);
		return unshare_error(r, e);
	}
	return mapper_finish(&m, /* unshared */ true, e);
}

/* Equal maps get equal keys: layers on disk have the owners of one map. */
static void name_map(struct engine *eng, const struct id_plan *plan)
{
	uint32_t hash = 2166136261u;

	for (int k = 0; k < 2; k++) {
		const struct id_range *m = k ? plan->gid : plan->uid;
		size_t n = k ? plan->n_gid : plan->n_uid;

		for (size_t i = 0; i < n; i++)
			hash = ((hash ^ m[i].inside) * 16777619u ^ m[i].outside) * 16777619u ^
			       m[i].count;
		if (k && n)
			eng->last_gid = m[n - 1].inside + m[n - 1].count - 1;
	}
	(void)str_format(eng->range_key, sizeof(eng->range_key), "r%u-%08x",
			 plan->n_uid > 1 ? plan->uid[1].outside : plan->uid[0].outside, hash);
}

/* The map of the namespace that we were started in. */
static int read_map(const char *map_file, struct id_range **ret, size_t *ret_n, struct err *e)
{
	auto_free char *map = NULL;
	struct id_range *list = xcalloc(ID_RANGES_MAX, sizeof(*list));
	size_t n = 0;
	int r = io_read_file_at(AT_FDCWD, map_file, MAP_TEXT_MAX, &map, /* ret_len */ NULL);

	for (const char *line = map; r == 0 && *line && n < ID_RANGES_MAX;) {
		struct id_range *m = &list[n++];

		if (sscanf(line, "%u %u %u", &m->inside, &m->outside, &m->count) != 3)
			r = -EBADMSG;
		line += strcspn(line, "\n");
		line += *line ? 1 : 0;
	}
	if (r < 0 || !n) {
		free(list);
		return err_set(e, r < 0 ? r : -EBADMSG, "%s", map_file);
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* What ids there are decides how layers are unpacked, here as in a namespace
 * of our own. */
static int take_given_ids(struct engine *eng, struct err *e)
{
	struct id_plan plan = { 0 };
	int r = read_map("/proc/self/uid_map", &plan.uid, &plan.n_uid, e);

	if (r == 0)
		r = read_map("/proc/self/gid_map", &plan.gid, &plan.n_gid, e);
	if (r == 0) {
		eng->ids = plan.n_uid == 1 && plan.uid[0].count == 1 ? ENGINE_IDS_ONE :
								       ENGINE_IDS_RANGE;
		name_map(eng, &plan);
	}
	id_plan_clear(&plan);
	return r;
}

static int enter_privileged(struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, -errno, "mount namespace");
	/* Of a namespace we did not create the mounts may be shared. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, -errno, "mount namespace: make / a slave");
	return 0;
}

/* Descriptors lead to mounts of the namespace they were opened in, and an
 * overlay of such a folder is refused with EINVAL. */
static int reopen(const char *path, int *fd, struct err *e)
{
	int now;

	if (*fd < 0)
		return 0;
	now = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (now < 0)
		return err_set(e, -errno, "%s", path);
	close(*fd);
	*fd = now;
	return 0;
}

static int settle(struct engine *eng, struct err *e)
{
	int r = reopen(eng->root, &eng->root_fd, e);

	if (r == 0)
		r = reopen(eng->runroot, &eng->runroot_fd, e);
	eng->entered = r == 0;
	return r;
}

int rootless_enter(struct engine *eng, struct err *e)
{
	struct id_plan plan = { 0 };
	int r;

	if (eng->entered)
		return 0;
	if (eng->mode != ENGINE_USERNS) {
		r = enter_privileged(e);
		if (r == 0 && eng->mode == ENGINE_INSIDE)
			r = take_given_ids(eng, e);
		return r < 0 ? r : settle(eng, e);
	}
	r = id_plan_get(eng, &plan, e);
	if (r == 0 && plan.newuidmap) {
		eng->ids = ENGINE_IDS_RANGE;
		r = enter_range(eng, &plan, e);
	} else if (r == 0) {
		eng->ids = ENGINE_IDS_ONE;
		r = enter_one(eng, e);
	}
	if (r == 0)
		name_map(eng, &plan);
	id_plan_clear(&plan);
	if (r < 0) {
		id_plan_forget(eng);
		return r;
	}
	log_debug("ids: %s", engine_ids_name(eng));
	return settle(eng, e);
}
