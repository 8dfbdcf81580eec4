/* SPDX-License-Identifier: Apache-2.0
 *
 * helper - the pair of programs that can write a large map for us
 */
#include "uidmap/helper.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/err.h"
#include "common/proc.h"
#include "common/str.h"
#include "uidmap/kind.h"

/* Is entry number n of a ':' list there? */
static bool list_entry(const char *list, unsigned int n, char *buf, size_t size)
{
	for (;; list = strchr(list, ':') + 1) {
		size_t len = strcspn(list, ":");

		if (n-- == 0)
			return len && str_format(buf, size, "%.*s", (int)len, list) > 0;
		if (!list[len])
			return false;
	}
}

static bool has_entry(const char *list, unsigned int n)
{
	for (; n; n--) {
		list = strchr(list, ':');
		if (!list)
			return false;
		list++;
	}
	return true;
}

static bool pair_in(const char *dir, struct helper *ret)
{
	struct helper h;

	if (str_format(h.uid, sizeof(h.uid), "%s/newuidmap", dir) < 0 ||
	    str_format(h.gid, sizeof(h.gid), "%s/newgidmap", dir) < 0 || access(h.uid, X_OK) < 0 ||
	    access(h.gid, X_OK) < 0)
		return false;
	*ret = h;
	return true;
}

bool helper_candidate(unsigned int *at, struct helper *ret)
{
	const char *path = getenv("PATH");
	char dir[PATH_MAX];

	for (;;) {
		unsigned int n = (*at)++;

		if (n == 0) {
			if (proc_self_dir(dir, sizeof(dir)) == 0 && pair_in(dir, ret))
				return true;
		} else if (n == 1) {
			if (pair_in(LIBEXECDIR, ret))
				return true;
		} else if (!path || !has_entry(path, n - 2)) {
			return false;
		} else if (list_entry(path, n - 2, dir, sizeof(dir)) && pair_in(dir, ret)) {
			return true;
		}
	}
}

static bool has_file_cap(const char *path, int cap)
{
	struct vfs_ns_cap_data d = { 0 };
	ssize_t n = getxattr(path, "security.capability", &d, sizeof(d));

	if (n < (ssize_t)XATTR_CAPS_SZ_2)
		return false;
	return (le32toh(d.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) &&
	       (le32toh(d.data[0].permitted) >> cap & 1);
}

int helper_check(const char *path, const struct idkind *kind, struct err *e)
{
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statvfs(path, &fs) < 0)
		return err_set(e, -errno, "%s", path);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return err_msg(e, -EPERM, "%s: this process runs with no_new_privs", path);
	if (prctl(PR_CAPBSET_READ, kind->cap, 0, 0, 0) != 1)
		return err_msg(e, -EPERM, "%s: %s is not in this process's bounding set", path,
			       kind->cap_name);
	if (fs.f_flag & ST_NOSUID)
		return err_msg(e, -EPERM, "%s: its file system is mounted nosuid", path);
	if (!has_file_cap(path, kind->cap) && !(st.st_uid == 0 && (st.st_mode & S_ISUID)))
		return err_msg(e, -EACCES, "%s: has no file capability %s", path, kind->cap_name);
	return 0;
}
