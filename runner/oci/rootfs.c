/* SPDX-License-Identifier: Apache-2.0
 *
 * rootfs - attach the container's root and make it the root
 *
 * A container without a mount namespace of its own gets a tree that is attached
 * nowhere as its root, by chroot: the host's tree shows none of its mounts, and
 * they go with its last process. Linux before 6.15 cannot mount on such a tree.
 */
#include "runner/oci/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/str.h"
#include "runner/oci/init.h"
#include "runner/oci/mount.h"
#include "runner/oci/plan.h"
#include "runner/oci/raw.h"

static const unsigned long propagation[] = {
	[SPEC_PROP_DEFAULT] = MS_PRIVATE,     [SPEC_PROP_SHARED] = MS_SHARED,
	[SPEC_PROP_SLAVE] = MS_SLAVE,	      [SPEC_PROP_PRIVATE] = MS_PRIVATE,
	[SPEC_PROP_UNBINDABLE] = MS_UNBINDABLE,
};

int rootfs_isolate(struct init *i, struct err *e)
{
	if (i->p->host_mounts)
		return 0;
	/* a shared root asks for binds that reach the host; all others only receive */
	if (i->p->s->propagation == SPEC_PROP_SHARED)
		return 0;
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_set(e, -errno, "make / a slave");
	return 0;
}

/*
 * pivot_root wants the mount that carries the new root to be private; so does
 * the host, or it would see the root appear.
 */
static int make_carrier_private(const char *path, struct err *e)
{
	char at[PATH_MAX];
	int r = str_format(at, sizeof(at), "%s", path);

	if (r < 0)
		return err_set(e, r, "%s", path);
	for (;;) {
		if (mount(NULL, at, NULL, MS_PRIVATE, NULL) == 0)
			return 0;
		if (errno != EINVAL)
			return err_set(e, -errno, "make %s private", at);
		char *slash = strrchr(at, '/');
		if (!slash || strcmp(at, "/") == 0)
			return err_msg(e, -EINVAL, "%s is below no mount", path);
		slash[slash == at] = '\0';
	}
}

int rootfs_attach(struct init *i, struct err *e)
{
	struct plan *p = i->p;

	i->root = p->root_fd;
	if (i->root < 0) {
		i->root = open_tree(AT_FDCWD, p->root_path,
				    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (i->root < 0)
			return err_set(e, -errno, "%s", p->root_path);
	}
	if (p->s->propagation == SPEC_PROP_SHARED && !p->host_mounts) {
		int r = make_carrier_private(p->root_attach, e);
		if (r < 0)
			return r;
	}
	int r = mount_setattr_fd(i->root, true, 0, 0, MS_PRIVATE, e);
	if (r < 0 || p->host_mounts)
		return r;
	if (move_mount(i->root, "", AT_FDCWD, p->root_attach,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) == 0)
		return 0;
	/* a path that root of the new user namespace cannot walk: any place will do */
	if (errno != EACCES || move_mount(i->root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, -errno, "attach to %s", p->root_attach);
	return 0;
}

int rootfs_make_cwd(struct init *i, struct err *e)
{
	const char *cwd = i->p->s->process.cwd;
	auto_close int fd = fd_open_in_root(i->root, cwd, O_PATH, 0);

	if (fd == -ENOENT)
		fd = fd_mkdir_p_in_root(i->root, cwd, 0755);
	/* a file, or a place the user may not see: chdir says so later */
	return fd == -EROFS ? err_set(e, fd, "process.cwd: %s", cwd) : 0;
}

/*
 * Mounts that are attached nowhere go down with the old root: each closed by
 * itself, at exec, would wait for an RCU grace period of its own. One that
 * finds no place here only costs that time.
 */
static void park(int mount_fd, int old, const char *place)
{
	if (mount_fd >= 0)
		(void)move_mount(mount_fd, "", old, place, MOVE_MOUNT_F_EMPTY_PATH);
}

static int pivot(struct init *i, struct err *e)
{
	auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return err_set(e, -errno, "open the old root");
	if (fchdir(i->root) < 0)
		return err_set(e, -errno, "fchdir to the new root");
	if (raw_pivot_root(".", ".") < 0)
		return err_set(e, -errno, "pivot_root");
	/* the old root now covers the new one at "/": take it off, without the
	 * host's mounts going too where they are shared */
	if (fchdir(old) < 0)
		return err_set(e, -errno, "fchdir to the old root");
	if (i->p->s->propagation == SPEC_PROP_SHARED &&
	    mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_set(e, -errno, "make the old root a slave");
	park(i->proc, old, "proc");
	park(i->empty, old, "proc");
	park(i->null, old, "dev/null");
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(e, -errno, "detach the old root");
	return 0;
}

static int move_root(struct init *i, struct err *e)
{
	if (fchdir(i->root) < 0)
		return err_set(e, -errno, "fchdir to the new root");
	if (!i->p->host_mounts && strcmp(i->p->root_attach, "/") != 0 && mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return err_set(e, -errno, "move the root");
	if (chroot(".") < 0)
		return err_set(e, -errno, "chroot");
	return 0;
}

int rootfs_switch(struct init *i, struct err *e)
{
	bool move = i->p->o->no_pivot || i->p->host_mounts;
	int r = move ? move_root(i, e) : pivot(i, e);

	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return err_set(e, -errno, "chdir to the new root");
	return 0;
}

int rootfs_finish(struct init *i, struct err *e)
{
	const struct spec *s = i->p->s;
	unsigned long long set = s->root_readonly ? MOUNT_ATTR_RDONLY : 0;
	unsigned long prop = s->propagation == SPEC_PROP_DEFAULT ? 0 : propagation[s->propagation];

	if (!set && !prop)
		return 0;
	int r = mount_setattr_fd(i->root, false, set, 0, prop, e);
	return r < 0 ? err_wrap(e, "root") : 0;
}
