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
 * - A range otherwise: a child that shares our memory and only sleeps (the
 *   holder) is made in a new user namespace, newuidmap is started for it (and
 *   newgidmap beside it, where the one is not ours or may not write both
 *   maps), and while they run the command goes on outside: that is
 *   rootless_begin(). rootless_join() enters the holder's namespace, whether
 *   it has a map yet or not; rootless_wait() waits for the helpers. The holder is
 *   ended when there is time for it. If a helper fails, that is an error with the
 *   helper's own words. The plan is asked for helpers that work.
 *
 * In a namespace without a map we have all capabilities over the namespaces
 * that it owns, and to files we are who we were before: nobody. So what is ours
 * can be made and opened, but no id can be named, stat(2) shows none, no file
 * system of the namespace takes a new file, an overlay is refused (its work
 * folder has mode 0), a program that is executed loses the capabilities, and a
 * network namespace would be owned by nobody for good.
 *
 * A mount namespace comes with it: mounts made by commands and monitors are
 * seen by nobody else and need no clean-up. New mount namespaces of a user
 * namespace receive mounts of the host and send none back.
 */
#include "runner/engine/rootless.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
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
#include "common/userns.h"
#include "runner/engine/engine.h"

#define MAP_TEXT_MAX 65536
#define HELPER_WORDS_MAX 700
#define HOLDER_STACK 16384

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

/* Return: a pidfd of the monitor, -errno */
static int try_monitor(int dir_fd, const char *id, const struct id_plan *plan)
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
	return take_fd(&pidfd);
}

static int find_running(const struct engine *eng, const struct id_plan *plan)
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
	while ((de = readdir(d))) {
		int r = de->d_name[0] == '.' ? -ESRCH : try_monitor(dirfd(d), de->d_name, plan);

		if (r >= 0)
			return r;
	}
	return -ESRCH;
}

static int add_ranges(struct strv *argv, const struct id_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strv_addf(argv, "%u", ranges[i].inside) < 0 ||
		    strv_addf(argv, "%u", ranges[i].outside) < 0 ||
		    strv_addf(argv, "%u", ranges[i].count) < 0)
			return -ENOMEM;
	return 0;
}

/* Start the helper for one map, or for both; its stderr comes back through a pipe. */
static pid_t start_helper(const struct id_plan *p, bool uids, bool gids, pid_t target, int err_fd)
{
	AUTO(strv_clear) struct strv argv = { 0 };
	struct proc_spawn how = { .stdio = { -1, -1, err_fd } };

	if (strv_add(&argv, uids ? p->newuidmap : p->newgidmap) < 0 ||
	    strv_addf(&argv, "%d", target) < 0 ||
	    (uids && add_ranges(&argv, p->uid, p->n_uid) < 0) ||
	    (uids && gids && strv_add(&argv, "--gids") < 0) ||
	    (gids && add_ranges(&argv, p->gid, p->n_gid) < 0))
		return -ENOMEM;
	how.argv = argv.v;
	return proc_spawn(&how);
}

static int unshare_error(int code, struct err *e)
{
	const char *advice = userns_advice(-code);

	if (advice)
		return err_msg(e, code, "user namespace: not permitted on this host: an admin can: %s",
			       advice);
	if (code == -ENOSPC)
		return err_msg(e, code,
			       "user namespace: the limit user.max_user_namespaces is reached: "
			       "an admin can raise it: sysctl user.max_user_namespaces=15000");
	if (code == -EPERM || code == -EACCES)
		return err_msg(e, code,
			       "user namespace: this host does not let ordinary users make one "
			       "(an LSM, or the seccomp filter of an outer container): %s",
			       strerrordesc_np(-code));
	return err_set(e, code, "user namespace");
}

/**
 * struct mapping - a user namespace on its way
 * @plan:	its map
 * @monitor:	pidfd of a monitor in such a namespace, -1 when none was found
 * @holder:	the child in the new namespace, 0 when there is none
 * @holder_fd:	its pidfd, or -1
 * @stack:	its stack
 * @helper:	newuidmap and newgidmap, or -errno; 0 where the first writes both maps
 * @words:	what they complain
 */
struct mapping {
	struct id_plan plan;
	int monitor;
	pid_t holder;
	int holder_fd;
	char *stack;
	pid_t helper[2];
	int words;
};

/* In our memory, at the same time as we: no call that can fail, for errno is
 * ours. Our end may have come before the first call took effect. */
static int hold(void *parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == (pid_t)(intptr_t)parent)
		(void)pause();
	return 0;
}

static void end_holder(struct mapping *m)
{
	if (m->holder > 0) {
		(void)kill(m->holder, SIGKILL);
		(void)proc_wait(m->holder);
		proc_stack_free(m->stack, HOLDER_STACK);
	}
	m->holder = 0;
	if (m->holder_fd >= 0)
		close(take_fd(&m->holder_fd));
}

static int start_mapping(struct mapping *m, struct err *e)
{
	const struct id_plan *p = &m->plan;
	int words[2];

	m->stack = proc_stack_new(HOLDER_STACK);
	if (!m->stack)
		return err_set(e, -errno, "user namespace");
	m->holder = clone(hold, m->stack + HOLDER_STACK,
			  CLONE_NEWUSER | CLONE_VM | CLONE_PIDFD | SIGCHLD,
			  (void *)(intptr_t)getpid(), &m->holder_fd);
	if (m->holder < 0) {
		int code = -errno;

		m->holder_fd = -1;
		proc_stack_free(m->stack, HOLDER_STACK);
		m->holder = 0;
		return unshare_error(code, e);
	}
	if (pipe2(words, O_CLOEXEC) < 0) {
		end_holder(m);
		return err_set(e, -EMFILE, "pipe");
	}
	m->helper[0] = start_helper(p, /* uids */ true, p->together, m->holder, words[1]);
	m->helper[1] = p->together ? 0 : start_helper(p, /* uids */ false, true, m->holder, words[1]);
	m->words = words[0];
	close(words[1]);
	return 0;
}

/* Seen from inside; who is elsewhere sees a map of his own. */
static bool has_ids(const struct id_plan *p)
{
	return map_is("/proc/self/uid_map", p->uid, p->n_uid) &&
	       map_is("/proc/self/gid_map", p->gid, p->n_gid);
}

static void reap_helpers(struct mapping *m, int code[2])
{
	for (int i = 0; i < 2; i++)
		code[i] = m->helper[i] <= 0 ? m->helper[i] : proc_wait(m->helper[i]);
	m->helper[0] = m->helper[1] = 0;
}

/* Wait for the helpers' work; where it is there, for their ends later. */
static int finish_mapping(struct mapping *m, struct err *e)
{
	const char *const names[] = { m->plan.newuidmap, m->plan.newgidmap };
	char text[HELPER_WORDS_MAX];
	ssize_t n = io_read_all(m->words, text, sizeof(text) - 1);
	int code[2];

	close(take_fd(&m->words));
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (has_ids(&m->plan))
		return 0;
	reap_helpers(m, code);
	for (int i = 0; i < 2; i++)
		if (code[i] < 0)
			return err_set(e, code[i], "%s", names[i]);
	for (int i = 0; i < 2; i++)
		if (code[i] > 0 && *text)
			return err_msg(e, -EPERM, "id map: %s failed: %s", names[i], text);
		else if (code[i] > 0)
			return err_msg(e, -EPERM, "id map: %s left with code %d and without a word",
				       names[i], code[i]);
	return 0;
}

static void mapping_free(struct mapping *m)
{
	int code[2];

	if (m->words >= 0)
		close(m->words);
	reap_helpers(m, code);
	end_holder(m);
	if (m->monitor >= 0)
		close(m->monitor);
	id_plan_clear(&m->plan);
	free(m);
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

static int join(int pidfd, struct err *e)
{
	if (setns(pidfd, CLONE_NEWUSER) < 0)
		return err_set(e, -errno, "user namespace");
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, -errno, "mount namespace");
	return 0;
}

static int join_range(struct mapping *m, struct err *e)
{
	int r;

	/* That container may have ended meanwhile. */
	if (m->monitor >= 0 && join(m->monitor, NULL) == 0)
		return 0;
	if (!m->holder) {
		r = start_mapping(m, e);
		if (r < 0)
			return r;
	}
	return join(m->holder_fd, e);
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

static int enter_given(struct engine *eng, struct err *e)
{
	int r = enter_privileged(e);

	if (r == 0 && eng->mode == ENGINE_INSIDE)
		r = take_given_ids(eng, e);
	return r < 0 ? r : settle(eng, e);
}

int rootless_begin(struct engine *eng, struct err *e)
{
	struct id_plan plan = { 0 };
	struct mapping *m;
	int r = 0;

	if (eng->entered || eng->mapping)
		return 0;
	if (eng->mode != ENGINE_USERNS)
		return enter_given(eng, e);
	r = id_plan_get(eng, &plan, e);
	if (r < 0) {
		id_plan_forget(eng);
		return r;
	}
	eng->ids = plan.newuidmap ? ENGINE_IDS_RANGE : ENGINE_IDS_ONE;
	name_map(eng, &plan);
	m = xcalloc(1, sizeof(*m));
	*m = (struct mapping){ .plan = plan, .monitor = -1, .holder_fd = -1, .words = -1 };
	eng->mapping = m;
	if (eng->ids == ENGINE_IDS_RANGE) {
		m->monitor = find_running(eng, &m->plan);
		if (m->monitor < 0)
			r = start_mapping(m, e);
	}
	if (r < 0)
		rootless_abandon(eng);
	return r;
}

void rootless_leave_to_parent(struct engine *eng)
{
	struct mapping *m = eng->mapping;

	if (!m)
		return;
	m->helper[0] = m->helper[1] = 0;
	m->holder = 0;
}

bool rootless_overhear(struct engine *eng)
{
	struct mapping *m = eng->mapping;
	struct pollfd p = { .fd = m ? m->words : -1, .events = POLLIN };
	bool there;

	while (p.fd >= 0 && poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	/* what they say is for our parent, who can add how they ended */
	there = m && !(p.revents & POLLIN) && has_ids(&m->plan);
	rootless_abandon(eng);
	return there;
}

void rootless_abandon(struct engine *eng)
{
	if (eng->mapping)
		mapping_free(eng->mapping);
	eng->mapping = NULL;
}

int rootless_join(struct engine *eng, struct err *e)
{
	int r = rootless_begin(eng, e);

	if (r < 0 || eng->entered)
		return r;
	r = eng->ids == ENGINE_IDS_RANGE ? join_range(eng->mapping, e) : enter_one(eng, e);
	if (r < 0 || !rootless_waits(eng))
		rootless_abandon(eng);
	if (r < 0) {
		id_plan_forget(eng);
		return r;
	}
	log_debug("ids: %s", engine_ids_name(eng));
	return settle(eng, e);
}

int rootless_wait(struct engine *eng, struct err *e)
{
	int r;

	if (!rootless_waits(eng))
		return 0;
	r = finish_mapping(eng->mapping, e);
	if (r < 0)
		id_plan_forget(eng);
	return r;
}

bool rootless_waits(const struct engine *eng)
{
	return eng->mapping && eng->mapping->words >= 0;
}

int rootless_enter(struct engine *eng, struct err *e)
{
	int r = rootless_join(eng, e);

	if (r == 0)
		r = rootless_wait(eng, e);
	rootless_abandon(eng);
	return r;
}
