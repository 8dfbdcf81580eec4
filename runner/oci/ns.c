/* SPDX-License-Identifier: Apache-2.0
 *
 * ns - namespaces: which, opened, joined, mapped
 */
#include "runner/oci/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/oci/raw.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

enum { MAP_TEXT_MAX = 16 * 1024 };

static const struct ns_kind kinds[] = {
	[SPEC_NS_USER] = { "user", "user", CLONE_NEWUSER },
	[SPEC_NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[SPEC_NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
	[SPEC_NS_NETWORK] = { "network", "net", CLONE_NEWNET },
	[SPEC_NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[SPEC_NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[SPEC_NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[SPEC_NS_TIME] = { "time", "time", CLONE_NEWTIME },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == SPEC_NS_MAX_, "a row for every namespace");

const struct ns_kind *ns_kind(enum spec_ns_type t)
{
	return &kinds[t];
}

int ns_open_path(enum spec_ns_type t, const char *path, int *ret_fd, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(e, -errno, "linux.namespaces: %s: %s", kinds[t].name, path);

	int type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0 || (uint64_t)(unsigned int)type != kinds[t].flag)
		return err_msg(e, -EINVAL, "linux.namespaces: %s: %s is no such namespace",
			       kinds[t].name, path);
	*ret_fd = take_fd(&fd);
	return 0;
}

bool ns_is_current(enum spec_ns_type t, int fd)
{
	char path[64];
	struct stat a, b;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[t].proc);
	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int ns_ids(pid_t pid, struct oci_ns_id ret[SPEC_NS_MAX_], struct err *e)
{
	char path[64];
	struct stat st;

	for (size_t t = 0; t < SPEC_NS_MAX_; t++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kinds[t].proc);
		if (stat(path, &st) < 0) {
			if (t == SPEC_NS_USER || t == SPEC_NS_MOUNT)
				return err_set(e, -errno, "%s", path);
			ret[t] = (struct oci_ns_id){ 0, 0 };
			continue;
		}
		ret[t] = (struct oci_ns_id){ st.st_dev, st.st_ino };
	}
	return 0;
}

/* Reads "inside outside count" lines; calls are rare, the file is one page. */
static bool map_has(const char *file, uint32_t id)
{
	auto_fclose FILE *f = fopen(file, "re");
	unsigned int inside, outside, count;

	if (!f)
		return false;
	while (fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		if (id >= inside && id - inside < count)
			return true;
	return false;
}

bool ns_gid_is_mapped(uint32_t gid)
{
	return map_has("/proc/self/gid_map", gid);
}

bool ns_user_is_initial(void)
{
	/* only the first namespace maps the id that means "unmapped" */
	return map_has("/proc/self/uid_map", UINT32_MAX - 1);
}

bool ns_may_setgroups(void)
{
	char buf[8] = "";
	auto_close int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);

	return fd < 0 || io_read_all(fd, buf, sizeof(buf) - 1) < 0 || buf[0] != 'd';
}

static int map_text(const struct spec_idmaps *maps, char *buf, size_t size, struct err *e)
{
	size_t used = 0;

	for (size_t i = 0; i < maps->n; i++) {
		const struct spec_idmap *m = &maps->v[i];
		int n = snprintf(buf + used, size - used, "%u %u %u\n", m->container, m->host, m->size);

		if (n < 0 || (size_t)n >= size - used)
			return err_msg(e, -E2BIG, "too many id mappings");
		used += (size_t)n;
	}
	return 0;
}

/* Runs newuidmap or newgidmap with the map as words. */
static int run_helper(const char *name, pid_t pid, const struct spec_idmaps *maps, struct err *e)
{
	AUTO(strv_clear) struct strv argv = { 0 };
	char path[4096];

	if (proc_find_program(name, path, sizeof(path)) < 0)
		return err_msg(e, -ENOENT, "%s: no such program beside us or in PATH", name);
	if (strv_add(&argv, path) < 0 || strv_addf(&argv, "%d", pid) < 0)
		return err_set(e, -ENOMEM, "%s", name);
	for (size_t i = 0; i < maps->n; i++)
		if (strv_addf(&argv, "%u", maps->v[i].container) < 0 ||
		    strv_addf(&argv, "%u", maps->v[i].host) < 0 ||
		    strv_addf(&argv, "%u", maps->v[i].size) < 0)
			return err_set(e, -ENOMEM, "%s", name);

	struct proc_spawn how = { .argv = argv.v, .stdio = { -1, -1, 2 } };
	pid_t helper = proc_spawn(&how);
	if (helper < 0)
		return err_set(e, helper, "%s", path);
	int code = proc_wait(helper);
	return code == 0 ? 0 : err_msg(e, -EPERM, "%s: exit code %d", path, code);
}

static int write_map(pid_t pid, const char *file, const char *helper,
		     const struct spec_idmaps *maps, struct err *e)
{
	char path[64];
	auto_free char *text = xcalloc(1, MAP_TEXT_MAX);

	int r = map_text(maps, text, MAP_TEXT_MAX, e);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	r = io_write_file_at(AT_FDCWD, path, text);
	if (r == -EPERM)
		return run_helper(helper, pid, maps, e);
	if (r < 0)
		return err_set(e, r, "%s", path);
	return 0;
}

int ns_write_maps(pid_t pid, const struct spec_idmaps *uids, const struct spec_idmaps *gids,
		  struct err *e)
{
	char path[64];

	/* one gid by an ordinary user is only permitted without setgroups */
	if (geteuid() != 0 && gids->n == 1 && gids->v[0].size == 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
		(void)io_write_file_at(AT_FDCWD, path, "deny");
	}
	int r = write_map(pid, "gid_map", "newgidmap", gids, e);
	if (r < 0)
		return r;
	return write_map(pid, "uid_map", "newuidmap", uids, e);
}

int ns_idmap_open(const struct spec_idmaps *uids, const struct spec_idmaps *gids, int *ret_fd,
		  struct err *e)
{
	if (!uids->n || !gids->n)
		return err_msg(e, -EINVAL, "idmap needs uidMappings and gidMappings");

	struct clone_args a = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = raw_clone3(&a, sizeof(a));
	if (pid == 0)
		for (;;)
			(void)pause();
	if (pid < 0)
		return err_set(e, -errno, "clone a user namespace");

	int r = ns_write_maps((pid_t)pid, uids, gids, e);
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/user", pid);
	if (r == 0) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			r = err_set(e, -errno, "%s", path);
		else
			*ret_fd = fd;
	}
	(void)kill((pid_t)pid, SIGKILL);
	(void)waitpid((pid_t)pid, NULL, 0);
	return r;
}
