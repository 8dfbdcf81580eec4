/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup_ctl - signal, freeze and remove groups of processes (cgroup2)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/oci.h"

enum { SCOPE_WAIT_MS = 3000, NAP_NS = 1000 * 1000 };
enum { DEPTH_MAX = 32, WAIT_MS = 10000, PROCS_MAX = 4 * 1024 * 1024 };

/* Calls fn for a group and all below it, children first. */
static int walk(int dir, int depth, int (*fn)(int dir, void *ctx), void *ctx)
{
	if (depth > DEPTH_MAX)
		return -ELOOP;

	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return -errno;
	for (struct dirent *ent; (ent = readdir(d));) {
		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		auto_close int sub = openat(dir, ent->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r = sub < 0 ? (errno == ENOENT ? 0 : -errno) : walk(sub, depth + 1, fn, ctx);
		if (r < 0)
			return r;
	}
	return fn(dir, ctx);
}

static int signal_group(int dir, void *ctx)
{
	auto_free char *text = NULL;
	int sig = *(int *)ctx;

	int r = io_read_file_at(dir, "cgroup.procs", PROCS_MAX, &text, NULL);
	if (r < 0)
		return r == -ENODEV || r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
	for (char *p = text, *end; *p; p = end) {
		int pid = 0;

		end = p + strcspn(p, "\n");
		end += *end == '\n';
		if (sscanf(p, "%d", &pid) == 1 && pid > 0 && kill(pid, sig) < 0 && errno != ESRCH)
			return -errno;
	}
	return 0;
}

int oci_kill_all(const char *cgroup, int sig, struct err *e)
{
	auto_close int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, -errno, "%s", cgroup);
	/* the kernel's own way has no race with forks */
	if (sig == SIGKILL && io_write_file_at(dir, "cgroup.kill", "1") == 0)
		return 0;
	int r = walk(dir, 0, signal_group, &sig);
	return r < 0 ? err_set(e, r, "signal the processes of %s", cgroup) : 0;
}

/* Does cgroup.events say "key value"? */
static int event_is(int dir, const char *line, bool *ret)
{
	auto_free char *text = NULL;
	int r = io_read_file_at(dir, "cgroup.events", 4096, &text, NULL);

	if (r < 0)
		return r;
	*ret = strstr(text, line) != NULL;
	return 0;
}

/* Waits until cgroup.events has the line; the kernel tells of changes by POLLPRI. */
static int wait_event(int dir, const char *line, struct err *e)
{
	auto_close int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	bool so = false;

	if (events < 0)
		return err_set(e, -errno, "cgroup.events");
	for (int waited = 0; waited < WAIT_MS; waited += 100) {
		int r = event_is(dir, line, &so);
		if (r < 0)
			return err_set(e, r, "cgroup.events");
		if (so)
			return 0;
		struct pollfd p = { .fd = events, .events = POLLPRI };
		char sink[512];
		if (pread(events, sink, sizeof(sink), 0) < 0)
			return err_set(e, -errno, "cgroup.events");
		(void)poll(&p, 1, 100);
	}
	return err_msg(e, -ETIMEDOUT, "cgroup.events: still no '%s' after %d s", line, WAIT_MS / 1000);
}

int oci_freeze(const char *cgroup, bool freeze, struct err *e)
{
	auto_close int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, -errno, "%s", cgroup);
	int r = io_write_file_at(dir, "cgroup.freeze", freeze ? "1" : "0");
	if (r < 0)
		return err_set(e, r, "%s/cgroup.freeze", cgroup);
	return wait_event(dir, freeze ? "frozen 1" : "frozen 0", e);
}

static int remove_below(int dir, void *ctx)
{
	(void)ctx;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d)
		return -errno;
	for (struct dirent *ent; (ent = readdir(d));)
		if (ent->d_type == DT_DIR && ent->d_name[0] != '.' &&
		    unlinkat(dir, ent->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

/*
 * systemd removes the folder of its scope when it has seen that the last
 * process left. Were the folder gone before it looks, the scope would stay.
 */
static bool removed_by_systemd(const char *cgroup)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (int i = 0; i < SCOPE_WAIT_MS; i++) {
		if (access(cgroup, F_OK) < 0)
			return true;
		(void)nanosleep(&nap, NULL);
	}
	return false;
}

static int remove_group(const char *cgroup, const char *scope, struct err *e)
{
	auto_close int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s", cgroup);
	(void)io_write_file_at(dir, "cgroup.freeze", "0");
	int r = oci_kill_all(cgroup, SIGKILL, e);
	if (r < 0)
		return r;
	r = wait_event(dir, "populated 0", e);
	if (r < 0)
		return err_wrap(e, "%s", cgroup);
	r = walk(dir, 0, remove_below, NULL);
	if (r < 0)
		return err_set(e, r, "remove groups below %s", cgroup);
	if (scope && *scope && removed_by_systemd(cgroup))
		return 0;
	if (rmdir(cgroup) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove %s", cgroup);
	return 0;
}

int oci_cgroup_remove(const char *cgroup, const char *scope, struct err *e)
{
	struct err why = { 0 };
	int r = remove_group(cgroup, scope, &why);

	/* systemd takes a scope away whose last process has left: any step may
	 * find that done */
	if (r < 0 && access(cgroup, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (r < 0 && e)
		*e = why;
	return r;
}
