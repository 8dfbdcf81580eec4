/* SPDX-License-Identifier: Apache-2.0
 *
 * engine - find the folders of one user on any host
 *
 * How it works: every folder has a ladder of places. A place that somebody
 * named (an option, or an environment variable that points at something
 * usable) is taken or refused; a default that is missing leads to the next
 * rung. A folder below a shared one such as /tmp is taken only if it is ours
 * and closed to others, or anybody could plant it before us.
 */
#include "runner/engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/rootless.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

#define UID_MAP_MAX 4096

/* The whole 32-bit range mapped onto itself is what the first user namespace
 * shows, and no other can. */
static bool in_initial_userns(void)
{
	auto_free char *map = NULL;
	unsigned long in, out, count;

	if (io_read_file_at(AT_FDCWD, "/proc/self/uid_map", UID_MAP_MAX, &map, /* ret_len */ NULL) < 0)
		return true;
	if (sscanf(map, "%lu %lu %lu", &in, &out, &count) != 3)
		return false;
	return in == 0 && out == 0 && count == 4294967295UL;
}

static bool has_sys_admin(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &hdr, data) < 0)
		return false;
	return data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

static enum engine_mode find_mode(uid_t uid)
{
	if (uid != 0 || !has_sys_admin())
		return ENGINE_USERNS;
	return in_initial_userns() ? ENGINE_ROOT : ENGINE_INSIDE;
}

static int absolute(const char *what, const char *path, char **ret, struct err *e)
{
	auto_free char *cwd = NULL;

	if (!*path)
		return err_msg(e, -EINVAL, "%s: '' is not a folder", what);
	if (*path == '/') {
		*ret = xstrdup(path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_set(e, -errno, "%s: %s is relative and the current folder cannot be named",
			       what, path);
	*ret = xasprintf("%s/%s", cwd, path);
	return 0;
}

static int find_root(struct engine *eng, const char *given, struct err *e)
{
	const char *env = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (given)
		return absolute("--root", given, &eng->root, e);
	if (eng->mode == ENGINE_ROOT) {
		eng->root = xstrdup("/var/lib/runner");
		return 0;
	}
	if (env && *env == '/') {
		eng->root = xasprintf("%s/runner", env);
		return 0;
	}
	if (!home || *home != '/') {
		const struct passwd *pw = getpwuid(eng->uid);

		home = pw && pw->pw_dir && *pw->pw_dir == '/' ? pw->pw_dir : NULL;
	}
	if (!home)
		return err_msg(e, -ENOENT,
			       "store: HOME is not set and uid %u has no home folder: give --root DIR "
			       "or set XDG_DATA_HOME",
			       (unsigned int)eng->uid);
	eng->root = xasprintf("%s/.local/share/runner", home);
	return 0;
}

static bool own_folder(const char *path, uid_t uid)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid &&
	       access(path, W_OK | X_OK) == 0;
}

static int find_runroot(struct engine *eng, const char *given, struct err *e)
{
	const char *env = getenv("XDG_RUNTIME_DIR");
	auto_free char *run_user = NULL;

	if (given)
		return absolute("--runroot", given, &eng->runroot, e);
	if (eng->mode == ENGINE_ROOT) {
		eng->runroot = xstrdup("/run/runner");
		return 0;
	}
	/* After su(1) the variable often still names the previous user's. */
	if (env && *env == '/' && own_folder(env, eng->uid)) {
		eng->runroot = xasprintf("%s/runner", env);
		return 0;
	}
	run_user = xasprintf("/run/user/%u", (unsigned int)eng->uid);
	if (own_folder(run_user, eng->uid)) {
		eng->runroot = xasprintf("%s/runner", run_user);
		return 0;
	}
	eng->runroot = xasprintf("/tmp/runner-%u", (unsigned int)eng->uid);
	return 0;
}

static int storage_opt(struct engine *eng, const char *opt, struct err *e)
{
	const char *v;

	v = str_after(opt, "mount_program=");
	if (!v)
		v = str_after(opt, "overlay.mount_program=");
	if (v && *v == '/') {
		free(eng->mount_program);
		eng->mount_program = xstrdup(v);
		return 0;
	}
	if (v)
		return err_msg(e, -EINVAL, "--storage-opt %s: '%s' is not an absolute path", opt, v);
	v = str_after(opt, "rootfs=");
	if (v && (str_eq(v, "overlay") || str_eq(v, "fuse-overlay") || str_eq(v, "copy"))) {
		free(eng->rootfs_rung);
		eng->rootfs_rung = xstrdup(v);
		return 0;
	}
	return err_msg(e, -EINVAL,
		       "--storage-opt %s: only mount_program=PATH and rootfs=overlay|fuse-overlay|copy "
		       "are known",
		       opt);
}

int engine_init(struct engine *eng, const struct engine_opts *opts, struct err *e)
{
	int r;

	*eng = (struct engine){ .root_fd = -1, .runroot_fd = -1 };
	eng->uid = geteuid();
	eng->gid = getegid();
	eng->mode = find_mode(eng->uid);
	eng->ids = ENGINE_IDS_HOST;
	for (char *const *s = opts->storage; s && *s; s++) {
		r = storage_opt(eng, *s, e);
		if (r < 0)
			return r;
	}
	r = find_root(eng, opts->root, e);
	if (r < 0)
		return r;
	return find_runroot(eng, opts->runroot, e);
}

static int open_folder(const char *what, const char *path, uid_t uid, bool private, int *ret_fd,
		       struct err *e)
{
	auto_close int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | (private ? O_NOFOLLOW : 0));
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT) {
		r = io_mkdir_p_at(AT_FDCWD, path, 0700);
		if (r < 0)
			return r;
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | (private ? O_NOFOLLOW : 0));
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (private && st.st_uid != uid)
		return err_msg(e, -EPERM, "%s: %s belongs to uid %u, not to us", what, path,
			       (unsigned int)st.st_uid);
	if (private && (st.st_mode & 022))
		return err_msg(e, -EPERM, "%s: %s can be written by others (mode %04o)", what, path,
			       (unsigned int)(st.st_mode & 07777));
	*ret_fd = take_fd(&fd);
	return 0;
}

int engine_open(struct engine *eng, struct err *e)
{
	struct err why = { 0 };
	int r;

	if (eng->root_fd < 0) {
		r = open_folder("store", eng->root, eng->uid, /* private */ false, &eng->root_fd, &why);
		if (r == 0 && faccessat(eng->root_fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
			r = -errno;
			close(take_fd(&eng->root_fd));
		}
		if (r < 0)
			return err_set(e, r, "store: %s (give --root DIR or set XDG_DATA_HOME)",
				       eng->root);
	}
	if (eng->runroot_fd < 0) {
		r = open_folder("runtime folder", eng->runroot, eng->uid, /* private */ true,
				&eng->runroot_fd, &why);
		if (r < 0 && why.code < 0)
			return err_msg(e, r, "%s: give --runroot DIR or set XDG_RUNTIME_DIR", why.msg);
		if (r < 0)
			return err_set(e, r,
				       "runtime folder: %s (give --runroot DIR or set XDG_RUNTIME_DIR)",
				       eng->runroot);
	}
	return 0;
}

void engine_clear(struct engine *eng)
{
	rootless_abandon(eng);
	if (eng->root_fd >= 0)
		close(eng->root_fd);
	if (eng->runroot_fd >= 0)
		close(eng->runroot_fd);
	free(eng->root);
	free(eng->runroot);
	free(eng->mount_program);
	free(eng->rootfs_rung);
	*eng = (struct engine){ .root_fd = -1, .runroot_fd = -1 };
}

/* ../share/runner/images beside the running program, else where it was
 * installed to. Every folder in there is an OCI layout. */
static void find_seeds(struct strv *ret)
{
	char dir[PATH_MAX], path[PATH_MAX];
	auto_dir DIR *d = NULL;
	const struct dirent *de;

	if (proc_self_dir(dir, sizeof(dir)) == 0 &&
	    str_format(path, sizeof(path), "%s/../share/runner/images", dir) >= 0)
		d = opendir(path);
	if (!d && str_format(path, sizeof(path), "%s/images", DATADIR) >= 0)
		d = opendir(path);
	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			(void)strv_addf(ret, "%s/%s", path, de->d_name);
}

int engine_store(const struct engine *eng, struct store **ret, struct err *e)
{
	AUTO(strv_clear) struct strv seeds = { 0 };
	auto_free char *locks = xasprintf("%s/locks", eng->runroot);
	struct store_opts opts = { .lock_dir = locks };

	find_seeds(&seeds);
	opts.seeds = (const char *const *)seeds.v;
	return store_open(eng->root, &opts, ret, e);
}

void engine_layer_mode(const struct engine *eng, struct layer_mode *ret)
{
	*ret = (struct layer_mode){ .single_id = eng->ids == ENGINE_IDS_ONE,
				    .root = eng->mode == ENGINE_ROOT };
	if (eng->mode == ENGINE_ROOT)
		(void)str_format(ret->key, sizeof(ret->key), "root");
	else if (eng->ids == ENGINE_IDS_ONE)
		(void)str_format(ret->key, sizeof(ret->key), "single");
	else
		(void)str_format(ret->key, sizeof(ret->key), "%s", eng->range_key);
}

void engine_ping_range(const struct engine *eng, char *buf, size_t size)
{
	if (eng->ids == ENGINE_IDS_ONE)
		(void)str_format(buf, size, "0 0");
	else if (eng->ids == ENGINE_IDS_RANGE)
		(void)str_format(buf, size, "0 %u", eng->last_gid < INT32_MAX ? eng->last_gid : INT32_MAX);
	else
		(void)str_format(buf, size, "0 2147483647");
}

const char *engine_ids_name(const struct engine *eng)
{
	static const char *const names[ENGINE_IDS_MAX_] = {
		[ENGINE_IDS_HOST] = "host",
		[ENGINE_IDS_RANGE] = "range",
		[ENGINE_IDS_ONE] = "one",
	};

	return names[eng->ids];
}
