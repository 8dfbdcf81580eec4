/* SPDX-License-Identifier: Apache-2.0
 *
 * volume - ROOT/volumes/NAME/_data
 */
#include "runner/engine/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/copytree.h"
#include "runner/engine/ctfind.h"
#include "runner/engine/engine.h"
#include "runner/engine/mountspec.h"
#include "runner/engine/recorded.h"
#include "runner/engine/user.h"

static int fill(int data_fd, const char *dst, int root_fd, struct err *e)
{
	auto_close int from = fd_open_in_root(root_fd, dst, O_RDONLY | O_DIRECTORY, 0);

	return from < 0 ? 0 : copytree_apply(from, data_fd, e);
}

/* A new volume is filled below a name that nobody uses, then renamed: who sees
 * _data sees all of it. */
static int make_volume(const struct container *c, const struct mountspec *m, int root_fd,
		       struct err *e)
{
	auto_free char *dir = xasprintf("volumes/%s", m->src);
	auto_free char *data = xasprintf("%s/_data", dir);
	auto_free char *part = xasprintf("%s/.new-%.12s", dir, c->id);
	auto_close int fd = -1;
	int r;

	if (faccessat(c->eng->root_fd, data, F_OK, 0) == 0)
		return 0;
	r = io_mkdir_p_at(c->eng->root_fd, part, 0755);
	if (r < 0)
		return err_set(e, r, "store: %s/%s", c->eng->root, part);
	fd = openat(c->eng->root_fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "store: %s/%s", c->eng->root, part);
	r = fill(fd, m->dst, root_fd, e);
	if (r == 0 && renameat(c->eng->root_fd, part, c->eng->root_fd, data) < 0 &&
	    errno != EEXIST && errno != ENOTEMPTY)
		r = err_set(e, -errno, "store: %s/%s", c->eng->root, data);
	(void)io_remove_tree_at(c->eng->root_fd, part);
	return r < 0 ? err_wrap(e, "volume %s", m->src) : 0;
}

static int make_source(const struct mountspec *m, struct err *e)
{
	struct stat st;
	int r;

	if (stat(m->src, &st) == 0)
		return 0;
	if (errno != ENOENT || !m->create)
		return err_set(e, -errno, "bind mount: %s", m->src);
	r = io_mkdir_p_at(AT_FDCWD, m->src, 0755);
	return r < 0 ? err_set(e, r, "bind mount: make %s", m->src) : 0;
}

static int chown_tree(int dirfd, const char *name, uid_t uid, gid_t gid, bool recorded, int depth)
{
	auto_dir DIR *d = NULL;
	const struct dirent *de;
	int fd, r = 0;

	if (recorded)
		r = recorded_give(dirfd, name, uid, gid);
	else if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r < 0)
		return r;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	d = fdopendir(fd);
	if (!d || depth > 1000) {
		if (!d)
			close(fd);
		return -ELOOP;
	}
	while (r == 0 && (de = readdir(d)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			r = chown_tree(fd, de->d_name, uid, gid, recorded, depth + 1);
	return r;
}

static int prepare_one(const struct container *c, const char *text, const struct user *user,
		       int root_fd, struct err *e)
{
	AUTO(mountspec_clear) struct mountspec m = { 0 };
	auto_free char *path = NULL;
	int r = mountspec_parse(text, NULL, &m, e);

	if (r == 0 && m.type == MOUNT_VOLUME)
		r = make_volume(c, &m, root_fd, e);
	else if (r == 0 && m.type == MOUNT_BIND)
		r = make_source(&m, e);
	if (r < 0 || !m.chown)
		return r;
	path = m.type == MOUNT_VOLUME ? xasprintf("%s/volumes/%s/_data", c->eng->root, m.src) :
					xstrdup(m.src);
	/* With one id and no record the container shows ours as that user's. */
	if (c->eng->ids == ENGINE_IDS_ONE && !c->recorded)
		r = chown_tree(AT_FDCWD, path, 0, 0, /* recorded */ false, 0);
	else
		r = chown_tree(AT_FDCWD, path, user->uid, user->gid, c->recorded != 0, 0);
	return r < 0 ? err_set(e, r, "option U: chown %s", path) : 0;
}

int volume_prepare(const struct container *c, const struct user *user, int root_fd, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->config.mounts.n; i++)
		r = prepare_one(c, c->config.mounts.v[i], user, root_fd, e);
	return r;
}

int volume_name_anonymous(struct container *c, struct err *e)
{
	for (size_t i = 0; i < c->config.mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		AUTO(strbuf_clear) struct strbuf b = { 0 };
		int r = mountspec_parse(c->config.mounts.v[i], NULL, &m, e);

		if (r < 0)
			return r;
		if (m.type != MOUNT_VOLUME || *m.src)
			continue;
		free(m.src);
		m.src = xasprintf("%s-%zu", c->id, i);
		r = mountspec_format(&m, &b);
		if (r < 0)
			return err_set(e, r, "volume");
		free(c->config.mounts.v[i]);
		c->config.mounts.v[i] = strbuf_take(&b);
	}
	return 0;
}

void volume_retire_anonymous(const struct container *c)
{
	for (size_t i = 0; i < c->config.mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		auto_free char *dir = NULL;
		auto_free char *to = NULL;

		if (mountspec_parse(c->config.mounts.v[i], NULL, &m, NULL) < 0 ||
		    m.type != MOUNT_VOLUME || !str_starts(m.src, c->id))
			continue;
		dir = xasprintf("volumes/%s", m.src);
		to = xasprintf("containers/%s/volume-%zu", c->id, i);
		/* "volumes" may be another file system. */
		if (renameat(c->eng->root_fd, dir, c->eng->root_fd, to) < 0 && errno != ENOENT)
			(void)io_remove_tree_at(c->eng->root_fd, dir);
	}
}

/* ------------------------------------------------------- named by people -- */

/* A volume on its way out: no name begins so. */
#define GONE ".gone-"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int volume_list(const struct engine *eng, struct strv *ret, struct err *e)
{
	auto_dir DIR *d = ctfind_open(eng->root_fd, "volumes");
	const struct dirent *de;

	if (!d && errno != ENOENT)
		return err_set(e, -errno, "store: %s/volumes", eng->root);
	while (d && (de = readdir(d)))
		if (mountspec_is_volume_name(de->d_name) && strv_add(ret, de->d_name) < 0)
			return err_set(e, -ENOMEM, "volumes");
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

int volume_find(const struct engine *eng, const char *name, struct err *e)
{
	auto_free char *dir = xasprintf("volumes/%s", name);

	if (!mountspec_is_volume_name(name) || faccessat(eng->root_fd, dir, F_OK, 0) < 0)
		return err_msg(e, -ENOENT, "no such volume: %s", name);
	return 0;
}

int volume_create(const struct engine *eng, const char *name, struct err *e)
{
	auto_free char *dir = xasprintf("volumes/%s", name);
	int r;

	if (!mountspec_is_volume_name(name))
		return err_msg(e, -EINVAL, "'%s' is not the name of a volume: a letter or digit, then "
			       "letters, digits, '_', '.' and '-'", name);
	r = io_mkdir_p_at(eng->root_fd, dir, 0755);
	return r < 0 ? err_set(e, r, "store: %s/%s", eng->root, dir) : 0;
}

static bool has_volume(const struct container *c, const char *name)
{
	bool has = false;

	for (size_t i = 0; !has && i < c->config.mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };

		has = mountspec_parse(c->config.mounts.v[i], NULL, &m, NULL) == 0 &&
		      m.type == MOUNT_VOLUME && str_eq(m.src, name);
	}
	return has;
}

static int check_unused(const struct engine *eng, const char *name, struct err *e)
{
	struct container **list;
	int r = 0, n = container_list(eng, &list, e);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (r == 0 && has_volume(list[i], name))
			r = err_msg(e, -EBUSY, "volume %s: container %.12s (%s) has it", name,
				    list[i]->id, list[i]->name ? list[i]->name : "");
		container_free(list[i]);
	}
	free(list);
	return r;
}

/* What a removal that was killed left, and this one. */
static int remove_gone(int volumes_fd)
{
	auto_dir DIR *d = ctfind_open(volumes_fd, ".");
	const struct dirent *de;
	int r = 0, now;

	while (d && (de = readdir(d))) {
		now = str_starts(de->d_name, GONE) ? io_remove_tree_at(volumes_fd, de->d_name) : 0;
		r = r ? r : now;
	}
	return r;
}

int volume_remove(const struct engine *eng, const char *name, struct err *e)
{
	auto_close int volumes = -1;
	auto_free char *gone = xasprintf(GONE "%s", name);
	int r = volume_find(eng, name, e);

	if (r == 0)
		r = check_unused(eng, name, e);
	if (r < 0)
		return r;
	volumes = openat(eng->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (volumes < 0)
		return err_set(e, -errno, "store: %s/volumes", eng->root);
	/* a new volume of that name begins empty, however long this takes */
	r = remove_gone(volumes);
	if (r == 0 && renameat(volumes, name, volumes, gone) < 0)
		r = -errno;
	if (r == 0)
		r = remove_gone(volumes);
	return r < 0 ? err_set(e, r, "volume %s", name) : 0;
}
