/* SPDX-License-Identifier: Apache-2.0
 *
 * device - nodes and links below the container's /dev
 *
 * How it works: the first user namespace may make nodes; everybody else binds
 * the host's, or nodes that the host's root made ahead for a container with a
 * user namespace (a node on a file system of the first namespace works there).
 * What is bound was opened, and checked to be a device, before the root
 * changes, so that nothing in the image can stand in for it.
 */
#include "runner/oci/device.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/str.h"
#include "runner/oci/init.h"
#include "runner/oci/mount.h"
#include "runner/oci/ns.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"

static const struct {
	const char *path;
	unsigned int major, minor;
} defaults[] = {
	{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};
_Static_assert(sizeof(defaults) / sizeof(defaults[0]) == PLAN_DEVICES, "room in the plan");

static const struct {
	const char *target, *path;
} links[] = {
	{ "/proc/self/fd", "/dev/fd" },	      { "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
	{ "/proc/kcore", "/dev/core" },	      { "pts/ptmx", "/dev/ptmx" },
};

void device_add_defaults(struct plan *p)
{
	for (size_t i = 0; i < PLAN_DEVICES; i++) {
		bool listed = false;

		for (size_t k = 0; k < p->n_devices; k++)
			listed |= strcmp(p->devices[k].dev.path, defaults[i].path) == 0;
		if (listed)
			continue;
		p->devices[p->n_devices++] = (struct plan_device){
			.dev = { .path = defaults[i].path, .type = 'c', .has_mode = true,
				 .major = defaults[i].major, .minor = defaults[i].minor,
				 .mode = 0666 },
			.host = defaults[i].path,
			.fd = -1,
		};
	}
}

int device_check(const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n_devices; i++) {
		const struct spec_device *d = &p->devices[i].dev;

		if (!d->path || d->path[0] != '/')
			return err_msg(e, -EINVAL, "linux.devices: '%s' is not an absolute path",
				       d->path ? d->path : "");
		if (!strchr("cbup", d->type))
			return err_msg(e, -EINVAL, "linux.devices: %s: unknown type '%c'", d->path,
				       d->type);
	}
	return 0;
}

/* The host's number of an id of the container. */
static int host_id(const struct spec_idmaps *maps, uint32_t id, uint32_t *ret)
{
	for (size_t i = 0; i < maps->n; i++)
		if (id >= maps->v[i].container && id - maps->v[i].container < maps->v[i].size) {
			*ret = maps->v[i].host + (id - maps->v[i].container);
			return 0;
		}
	return -EINVAL;
}

static mode_t type_bits(char type)
{
	switch (type) {
	case 'b':
		return S_IFBLK;
	case 'p':
		return S_IFIFO;
	default:
		return S_IFCHR;
	}
}

static int make_ahead(const struct plan *p, const struct plan_device *d, int dir, const char *name,
		      struct err *e)
{
	dev_t dev = makedev((unsigned int)d->dev.major, (unsigned int)d->dev.minor);
	mode_t mode = d->dev.has_mode ? d->dev.mode & 07777 : 0666;
	uint32_t uid, gid;

	if (host_id(&p->uidmap, d->dev.uid, &uid) < 0 || host_id(&p->gidmap, d->dev.gid, &gid) < 0)
		return err_msg(e, -EINVAL, "linux.devices: %s: owner %u:%u is not mapped", d->dev.path,
			       d->dev.uid, d->dev.gid);
	if (mknodat(dir, name, type_bits(d->dev.type) | mode, dev) < 0 ||
	    fchmodat(dir, name, mode, 0) < 0 || fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, -errno, "linux.devices: %s", d->dev.path);
	return 0;
}

enum { NODE_NAME = 24, CLONER_STACK = 65536 };

static int clone_nodes(struct plan *p, int dir, struct err *e)
{
	for (size_t k = 0; k < p->n_devices; k++) {
		char name[NODE_NAME];

		(void)snprintf(name, sizeof(name), "%zu", k);
		p->devices[k].fd = open_tree(dir, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (p->devices[k].fd < 0)
			return err_set(e, -errno, "linux.devices: %s", p->devices[k].dev.path);
	}
	return 0;
}

/* What the cloner shares with us: memory, because we sleep, and descriptors. */
struct cloner {
	struct plan *p;
	int dir, ret;
	struct err *e;
};

static int clone_attached(void *arg)
{
	struct cloner *c = arg;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    move_mount(c->dir, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		c->ret = err_set(c->e, -errno, "attach a tmpfs for devices");
	else
		c->ret = clone_nodes(c->p, c->dir, c->e);
	return 0;
}

/*
 * Before Linux 6.15 nothing detached can be cloned: it is attached, in a mount
 * namespace that is gone afterwards.
 */
static int clone_in_namespace(struct plan *p, int dir, struct err *e)
{
	struct cloner c = { p, dir, -EIO, e };
	char *stack = xcalloc(1, CLONER_STACK);

	pid_t pid = clone(clone_attached, stack + CLONER_STACK,
			  CLONE_NEWNS | CLONE_FILES | CLONE_VM | CLONE_VFORK | SIGCHLD, &c);
	int code = errno;
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	free(stack);
	return pid < 0 ? err_set(e, -code, "a mount namespace for devices") : c.ret;
}

int device_make_ahead(struct plan *p, struct err *e)
{
	auto_close int fs = -1;
	auto_close int dir = -1;

	if (!p->new_user || p->s->n_devices == 0 || geteuid() != 0 || !ns_user_is_initial())
		return 0;
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, -errno, "tmpfs for devices");
	dir = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (dir < 0)
		return err_set(e, -errno, "tmpfs for devices");
	for (size_t k = 0; k < p->n_devices; k++) {
		char name[NODE_NAME];

		(void)snprintf(name, sizeof(name), "%zu", k);
		int r = make_ahead(p, &p->devices[k], dir, name, e);
		if (r < 0)
			return r;
	}
	int r = clone_nodes(p, dir, e);
	return r == -EINVAL ? clone_in_namespace(p, dir, e) : r;
}

int device_open_sources(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	if (!p->bind_devices)
		return 0;
	for (size_t k = 0; k < p->n_devices; k++) {
		struct plan_device *d = &p->devices[k];
		struct stat st;

		if (d->dev.type == 'p' || d->fd >= 0)
			continue;
		d->fd = open_tree(AT_FDCWD, d->host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (d->fd < 0)
			return err_set(e, -errno, "%s", d->host);
		if (fstat(d->fd, &st) < 0)
			return err_set(e, -errno, "%s", d->host);
		if ((st.st_mode & S_IFMT) != type_bits(d->dev.type) ||
		    major(st.st_rdev) != (unsigned int)d->dev.major ||
		    minor(st.st_rdev) != (unsigned int)d->dev.minor)
			return err_msg(e, -ENODEV, "%s: the host's is not %c %lld:%lld", d->host,
				       d->dev.type, (long long)d->dev.major,
				       (long long)d->dev.minor);
	}
	return 0;
}

/* Splits "/dev/net/tun" and makes the folder; *name points into path. */
static int open_parent(const struct init *i, const char *path, const char **name, struct err *e)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	*name = slash + 1;
	int r = str_format(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (r < 0)
		return err_set(e, r, "%s", path);
	int fd = fd_mkdir_p_in_root(i->root, dir, 0755);
	return fd < 0 ? err_set(e, fd, "%s", dir) : fd;
}

static int make_node(const struct init *i, const struct plan_device *d, struct err *e)
{
	const char *name;
	auto_close int dir = open_parent(i, d->dev.path, &name, e);

	if (dir < 0)
		return dir;

	mode_t mode = d->dev.has_mode ? d->dev.mode & 07777 : 0666;
	dev_t dev = makedev((unsigned int)d->dev.major, (unsigned int)d->dev.minor);
	if (mknodat(dir, name, type_bits(d->dev.type) | mode, dev) < 0) {
		if (errno == EEXIST)
			return 0; /* a mount of the spec put it there */
		return err_set(e, -errno, "mknod %s", d->dev.path);
	}
	if (fchmodat(dir, name, mode, 0) < 0 ||
	    fchownat(dir, name, d->dev.uid, d->dev.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, -errno, "%s", d->dev.path);
	return 0;
}

static int bind_node(const struct init *i, const struct plan_device *d, struct err *e)
{
	auto_close int target = mount_target(i, d->dev.path, /*is_dir*/ false, /*real*/ false, e);

	if (target < 0)
		return target;
	if (move_mount(d->fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, -errno, "bind %s", d->dev.path);
	return 0;
}

static int make_links(const struct init *i, struct err *e)
{
	for (size_t k = 0; k < sizeof(links) / sizeof(links[0]); k++) {
		const char *name;
		auto_close int dir = open_parent(i, links[k].path, &name, e);

		if (dir < 0)
			return dir;
		if (symlinkat(links[k].target, dir, name) < 0 && errno != EEXIST)
			return err_set(e, -errno, "link %s", links[k].path);
	}
	return 0;
}

int device_make_all(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	for (size_t k = 0; k < p->n_devices; k++) {
		struct plan_device *d = &p->devices[k];
		int r = d->fd >= 0 ? bind_node(i, d, e) : make_node(i, d, e);

		if (r < 0)
			return r;
		if (d->fd >= 0)
			(void)close(take_fd(&d->fd));
	}
	return p->dev_mounted ? make_links(i, e) : 0;
}
