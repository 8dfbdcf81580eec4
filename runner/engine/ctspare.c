/* SPDX-License-Identifier: Apache-2.0
 *
 * ctspare - a container's folder that nothing was written to, for the next one
 *
 * How it works: three folders and the record, with their blocks, are made for every
 * container and removed after it, which on some disks is a tenth of a start. Most containers
 * that are removed at their end have written nothing outside of their volumes:
 * then "upper" is what it was when it was mounted, to the time of its last change,
 * and what the kernel made in "work" is known by name. Such a folder is emptied
 * and renamed to ROOT/spare; a start renames it to its own. One is enough: who
 * finds none makes new folders, and a second one is removed.
 *
 * Somebody may hold the old root file system still (a debugger in the container's
 * mount namespace): inotify tells of the end of a file system, and a folder
 * whose mount has not ended is not kept.
 *
 * Both are one rename(2), so a kill leaves a folder of a form that
 * container_repair() knows, or the spare one.
 */
#include "runner/engine/ctspare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/engine/ctrecord.h"
#include "runner/engine/engine.h"

#define SPARE "spare"

int ctspare_take(const struct engine *eng, const char *id)
{
	auto_free char *path = xasprintf("containers/%s", id);

	return renameat(eng->root_fd, SPARE, eng->root_fd, path) < 0 ? -errno : 0;
}

int ctspare_watch(int mount_fd)
{
	auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	if (fd < 0)
		return -errno;
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	/* of the end of its file system every watch is told */
	return inotify_add_watch(fd, path, IN_DELETE_SELF) < 0 ? -errno : take_fd(&fd);
}

bool ctspare_is_gone(int watch_take)
{
	auto_close int fd = watch_take;
	_Alignas(struct inotify_event) char buf[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		struct inotify_event ev;

		memcpy(&ev, buf + at, sizeof(ev));
		if (ev.mask & IN_UNMOUNT)
			return true;
		at += (ssize_t)(sizeof(ev) + ev.len);
	}
	return false;
}

static int open_folder(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && !str_eq(*names, name))
		names++;
	return *names;
}

/* Has the folder nothing but these? NULL ends the list. */
static bool has_only(int dir_fd, const char *const *names)
{
	int fd = open_folder(dir_fd, ".");
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (!d && fd >= 0)
		close(fd);
	while (d && (errno = 0, de = readdir(d)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, "..") &&
		    !is_one_of(de->d_name, names))
			return false;
	return d && !errno;
}

static bool is_empty(int dir_fd)
{
	static const char *const none[] = { NULL };

	return has_only(dir_fd, none);
}

/* Flags such as FS_NODUMP_FL: what is made here has those of its neighbour. */
static bool has_same_flags(int a, int b)
{
	unsigned int x = 0, y = 0;
	int r = ioctl(a, FS_IOC_GETFLAGS, &x), s = ioctl(b, FS_IOC_GETFLAGS, &y);

	return r == s && x == y;
}

/* The kernel gives an upper folder a uuid when it is mounted first. */
static bool has_no_xattrs(int fd)
{
	char names[64];
	ssize_t n = flistxattr(fd, names, sizeof(names) - 1);

	if (n <= 0)
		return n == 0 || errno == ENOTSUP;
	names[n] = '\0';
	return str_ends(names, ".overlay.uuid") && strlen(names) + 1 == (size_t)n;
}

/* The time alone would do where it is finer than the tick of a clock. */
static bool is_as_made(int upper, int work, const struct timespec *since)
{
	struct stat st;

	return fstat(upper, &st) == 0 && st.st_ctim.tv_sec == since->tv_sec &&
	       st.st_ctim.tv_nsec == since->tv_nsec && st.st_uid == geteuid() &&
	       st.st_gid == getegid() && (st.st_mode & 07777) == 0755 &&
	       has_no_xattrs(upper) && has_same_flags(upper, work) && is_empty(upper);
}

static bool make_ready(int dir, const struct timespec *since)
{
	static const char *const own[] = { "upper", "work", "ctr.log", CTRECORD_FILE, NULL };
	auto_close int upper = open_folder(dir, "upper");
	auto_close int work = open_folder(dir, "work");

	if (upper < 0 || work < 0 || !has_only(dir, own) || !is_as_made(upper, work, since))
		return false;
	/* the kernel's, with the mark of a volatile mount */
	if (io_remove_tree_at(work, "work") < 0 || !is_empty(work))
		return false;
	/* who reads a record looks for its folder afterwards: that is gone already */
	return (unlinkat(dir, "ctr.log", 0) == 0 || errno == ENOENT) &&
	       (renameat(dir, CTRECORD_FILE, dir, CTSPARE_RECORD) == 0 || errno == ENOENT);
}

bool ctspare_keep(const struct engine *eng, const char *name, const struct timespec *since)
{
	auto_close int dir = -1;

	/* before anything is removed from it one by one */
	if (faccessat(eng->root_fd, SPARE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	dir = open_folder(eng->root_fd, name);
	/* another one that was quicker is not empty, and stays */
	return dir >= 0 && make_ready(dir, since) &&
	       renameat(eng->root_fd, name, eng->root_fd, SPARE) == 0;
}
