/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup_fs - groups made as folders of the cgroup2 file system
 *
 * How it works: root makes the folder the spec names. An ordinary user may do
 * so only below a folder that was delegated to him: the one beside our own
 * group is tried first, because a group with processes in it cannot give
 * controllers to its children; our own comes second. The process is born in
 * the group (CLONE_INTO_CGROUP), so no limit is ever missed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"
#include "runner/oci/plan.h"

/* Switches on what the parent has for its children; what it refuses stays off. */
static void enable_controllers(int dir)
{
	auto_free char *text = NULL;

	if (io_read_file_at(dir, "cgroup.controllers", 4096, &text, NULL) < 0)
		return;
	for (char *w = text; *w;) {
		size_t len = strcspn(w, " \n");
		char word[64];

		if (len && str_format(word, sizeof(word), "+%.*s", (int)len, w) > 0)
			(void)io_write_file_at(dir, "cgroup.subtree_control", word);
		w += len;
		w += strspn(w, " \n");
	}
}

/*
 * Makes the folders of path below the mount, giving each its parent's
 * controllers. *made tells whether the last one is new.
 */
static int make_folders(const char *mount, const char *path, bool *made, int *ret_fd)
{
	char part[OCI_CGROUP_PATH_MAX];
	auto_close int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	*made = false;
	for (const char *p = path + strspn(path, "/"); *p;) {
		size_t len = strcspn(p, "/");

		if (str_format(part, sizeof(part), "%.*s", (int)len, p) < 0)
			return -ENAMETOOLONG;
		if (strcmp(part, "..") == 0)
			return -EINVAL;
		enable_controllers(dir);
		if (mkdirat(dir, part, 0755) == 0)
			*made = true;
		else if (errno == EEXIST)
			*made = false;
		else
			return -errno;
		int next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0)
			return -errno;
		(void)close(dir);
		dir = next;
		p += len;
		p += strspn(p, "/");
	}
	*ret_fd = take_fd(&dir);
	return 0;
}

/* The last part of the spec's path, or the name: unique where the path is. */
static const char *leaf(const struct plan *p)
{
	const char *path = p->s->cgroups_path;
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *colon = path ? strrchr(path, ':') : NULL;

	if (colon && colon[1])
		return colon + 1; /* slice:prefix:name, meant for systemd */
	if (slash && slash[1])
		return slash + 1;
	return path && *path && !slash ? path : p->o->id;
}

/*
 * A group whose name is the container's and that holds nobody is what a killed
 * maker of the same name left: ours again.
 */
static bool is_leftover(int dir)
{
	auto_free char *text = NULL;

	return io_read_file_at(dir, "cgroup.events", 4096, &text, NULL) == 0 &&
	       strstr(text, "populated 0");
}

/* Where a delegated group would be: @beside our own group, or below it. */
static int delegated_path(const char *mount, bool beside, const char *name, char *path, struct err *e)
{
	char own[OCI_CGROUP_PATH_MAX];

	int r = cgroup_own(getpid(), own, sizeof(own), e);
	if (r < 0)
		return r;
	if (beside && strcmp(own, mount) != 0)
		*strrchr(own, '/') = '\0';
	/* the whole of cgroups is never a delegated part of it */
	if (strcmp(own, mount) == 0 || faccessat(AT_FDCWD, own, W_OK, AT_EACCESS) < 0)
		return err_msg(e, -EOPNOTSUPP, "no cgroup is delegated to us");
	r = str_format(path, OCI_CGROUP_PATH_MAX, "%s/%s", own, name);
	return r < 0 ? err_set(e, r, "%s", own) : 0;
}

static int root_path(const char *name, char *path)
{
	return str_format(path, OCI_CGROUP_PATH_MAX, "/runner-oci-%s", name);
}

int oci_cgroup_reap(const char *id, struct err *e)
{
	const char *mount = cgroup2_mount();
	char path[OCI_CGROUP_PATH_MAX], below[OCI_CGROUP_PATH_MAX];

	if (!mount)
		return 0;
	if (geteuid() == 0 && root_path(id, below) > 0 &&
	    str_format(path, sizeof(path), "%s%s", mount, below) > 0) {
		int r = oci_cgroup_remove(path, "", e);
		if (r < 0)
			return r;
	}
	for (int beside = 1; beside >= 0; beside--) {
		if (delegated_path(mount, beside, id, path, NULL) < 0)
			continue;
		int r = oci_cgroup_remove(path, "", e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Below the parent of our own group, or below our own. */
static int make_delegated(struct plan *p, const char *mount, bool *made, int *ret_fd, struct err *e)
{
	char path[OCI_CGROUP_PATH_MAX];

	for (int beside = 1; beside >= 0; beside--) {
		int r = delegated_path(mount, beside, leaf(p), path, e);

		if (r == 0)
			r = make_folders(mount, path + strlen(mount), made, ret_fd);
		if (r < 0)
			continue;
		*made = *made || is_leftover(*ret_fd);
		(void)str_format(p->c->cgroup, sizeof(p->c->cgroup), "%s", path);
		return 0;
	}
	return err_msg(e, -EOPNOTSUPP, "no cgroup is delegated to us");
}

static int make_group(struct plan *p, const char *mount, bool *made, int *ret_fd, struct err *e)
{
	const char *path = p->s->cgroups_path;
	int r = -EACCES;

	if (path && path[0] == '/') {
		r = make_folders(mount, path, made, ret_fd);
		if (r == 0 && str_format(p->c->cgroup, sizeof(p->c->cgroup), "%s%s", mount, path) < 0)
			return err_set(e, -ENAMETOOLONG, "linux.cgroupsPath: %s", path);
	} else if (geteuid() == 0) {
		char below[OCI_CGROUP_PATH_MAX];

		r = root_path(leaf(p), below);
		if (r > 0)
			r = make_folders(mount, below, made, ret_fd);
		if (r == 0) {
			*made = *made || is_leftover(*ret_fd);
			(void)str_format(p->c->cgroup, sizeof(p->c->cgroup), "%s%s", mount, below);
		}
	}
	if (r == -EACCES || r == -EPERM || r == -EROFS)
		return make_delegated(p, mount, made, ret_fd, e);
	return r < 0 ? err_set(e, r, "linux.cgroupsPath: %s", path ? path : p->o->id) : 0;
}

/* Could a process be born there? Also asks what a later move would. */
static bool can_enter(int dir)
{
	return faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

static int fs_prepare(struct plan *p, struct err *e)
{
	const char *mount = cgroup2_mount();
	auto_close int dir = -1;
	bool made;

	if (!mount)
		return err_msg(e, -EOPNOTSUPP, "cgroup2 is not mounted below /sys/fs/cgroup");
	int r = make_group(p, mount, &made, &dir, e);
	if (r < 0) {
		p->c->cgroup[0] = '\0';
		return r;
	}
	p->c->has_cgroup = true;
	p->c->cgroup_ours = made;
	if (!can_enter(dir))
		return err_msg(e, -EOPNOTSUPP, "%s: not ours to enter", p->c->cgroup);

	r = cgroup_limit(p, dir, e);
	if (r < 0)
		return r;
	p->cgroup_fd = take_fd(&dir);
	return 0;
}

static int fs_attach(struct plan *p, pid_t pid, struct err *e)
{
	(void)p;
	(void)pid;
	(void)e;
	return 0; /* born there */
}

const struct cgroup_ops cgroup_fs = { "cgroup2", fs_prepare, fs_attach };

/* What is left where nothing is delegated: the user's systemd, if it runs. */
static const char *other_rung(const char *mount)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	return strcmp(mount, "/sys/fs/cgroup") == 0 && access("/run/systemd/system", F_OK) == 0 &&
			       (run || getenv("DBUS_SESSION_BUS_ADDRESS")) ?
		       "systemd" :
		       "none";
}

const char *oci_cgroup_rung(void)
{
	const char *mount = cgroup2_mount();
	char own[OCI_CGROUP_PATH_MAX];

	if (!mount)
		return "none";
	if (faccessat(AT_FDCWD, mount, W_OK, AT_EACCESS) == 0)
		return "cgroup2";
	if (cgroup_own(getpid(), own, sizeof(own), NULL) < 0 || strcmp(own, mount) == 0)
		return other_rung(mount);
	if (faccessat(AT_FDCWD, own, W_OK, AT_EACCESS) == 0)
		return "cgroup2";
	*strrchr(own, '/') = '\0';
	if (strcmp(own, mount) != 0 && faccessat(AT_FDCWD, own, W_OK, AT_EACCESS) == 0)
		return "cgroup2";
	return other_rung(mount);
}
