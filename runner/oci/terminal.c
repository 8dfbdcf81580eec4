/* SPDX-License-Identifier: Apache-2.0
 *
 * terminal - a pty of the container's own devpts
 *
 * How it works: the other end comes from the open multiplexer itself
 * (TIOCGPTPEER), never from a path that somebody could have replaced
 * (CVE-2025-52565).
 */
#include "runner/oci/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "runner/oci/init.h"
#include "runner/oci/mount.h"
#include "runner/oci/raw.h"
#include "runner/oci/spec.h"

int terminal_open(int root, const struct spec_process *p, int *ret_master, int *ret_slave,
		  struct err *e)
{
	static const char ptmx[] = "/dev/pts/ptmx";
	auto_close int path = fd_open_in_root(root, ptmx, O_PATH | O_NOFOLLOW, 0);
	struct statfs fs;
	struct stat st;

	if (path < 0)
		return err_set(e, path, "%s", ptmx);
	/* looked at before it is opened: opening some devices has effects */
	if (fstatfs(path, &fs) < 0 || fstat(path, &st) < 0)
		return err_set(e, -errno, "%s", ptmx);
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_msg(e, -ENODEV, "%s: not of a devpts", ptmx);

	auto_close int master = fd_open_in_root(root, ptmx, O_RDWR | O_NOCTTY | O_NOFOLLOW, 0);
	if (master < 0)
		return err_set(e, master, "%s", ptmx);
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_msg(e, -ENODEV, "%s: changed under our hands", ptmx);

	int unlock = 0;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, -errno, "unlock the pty");
	auto_close int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, -errno, "open the pty's other end");
	if (p->rows || p->cols) {
		struct winsize ws = { .ws_row = p->rows, .ws_col = p->cols };

		if (ioctl(slave, TIOCSWINSZ, &ws) < 0)
			return err_set(e, -errno, "process.consoleSize");
	}
	/* not permitted where the user is all we have; then it is ours already */
	if (fchown(slave, p->user.uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
		return err_set(e, -errno, "give the pty to the user");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}

int terminal_take(int slave, struct err *e)
{
	auto_close int fd = slave;

	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		return err_set(e, -errno, "make the pty the controlling terminal");
	for (int i = 0; i < 3; i++)
		if (dup2(fd, i) < 0)
			return err_set(e, -errno, "put the pty at descriptor %d", i);
	if (fd < 3)
		(void)take_fd(&fd);
	return 0;
}

int terminal_console(const struct init *i, int slave, struct err *e)
{
	auto_close int target = mount_target(i, "/dev/console", /*is_dir*/ false, /*real*/ false, e);
	if (target < 0)
		return target;

	auto_close int tree = open_tree(slave, "",
					OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return err_set(e, -errno, "bind the pty");
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, -errno, "bind the pty to /dev/console");
	return 0;
}
