/* SPDX-License-Identifier: Apache-2.0
 *
 * layer - the folders that make up the mount
 */
#include "fuse-overlay/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/log.h"
#include "common/str.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/passthrough.h"
#include "fuse-overlay/scan.h"
#include "fuse-overlay/sidecar.h"
#include "fuse-overlay/whiteout.h"

#define WORK_FOLDER "work"
#define FDS_RESERVED 128U	/* for open files, at the least */

void ovl_tmp_name(struct ovl *o, char buf[OVL_TMP_MAX])
{
	(void)snprintf(buf, OVL_TMP_MAX, "#%x", o->serial++);
}

static int sidecar_error(int r, const char *path, struct err *e)
{
	if (r == -ESTALE)
		return err_msg(e, r, "%s/" SIDECAR_NAME ": records of another folder: is this a copy?",
			       path);
	if (r == -EOPNOTSUPP)
		return err_msg(e, r, "%s/" SIDECAR_NAME ": owners by inode number: this FUSE file "
			       "system may change the numbers", path);
	return err_set(e, r, "%s/" SIDECAR_NAME, path);
}

/* Of FUSE file systems, these show the numbers of what is below them. */
static const char *const lasting_fuse[] = { "virtiofs", "fuse.fuse-overlay" };

bool layer_fuse_lasts(const char *line, unsigned int major, unsigned int minor)
{
	const char *type = strstr(line, " - ");
	unsigned int ma, mi;

	if (!type || sscanf(line, "%*u %*u %u:%u", &ma, &mi) != 2 || ma != major || mi != minor)
		return false;
	for (size_t i = 0; i < sizeof(lasting_fuse) / sizeof(lasting_fuse[0]); i++) {
		const char *rest = str_after(type + 3, lasting_fuse[i]);

		if (rest && *rest == ' ')
			return true;
	}
	return false;
}

static enum numbers numbers_of(int fd, const struct statx *stx)
{
	enum numbers n = NUMBERS_CHANGE;
	auto_free char *line = NULL;
	size_t size = 0;
	struct statfs fs;

	if (fstatfs(fd, &fs) || fs.f_type != FUSE_SUPER_MAGIC)
		return NUMBERS_LAST;
	auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && n == NUMBERS_CHANGE && getline(&line, &size, f) > 0)
		if (layer_fuse_lasts(line, stx->stx_dev_major, stx->stx_dev_minor))
			n = NUMBERS_LAST_FUSE;
	return n;
}

static int open_sidecar(struct layer *l, bool writable, bool create)
{
	if (l->numbers == NUMBERS_CHANGE &&
	    (create || !faccessat(l->fd, SIDECAR_NAME, F_OK, AT_SYMLINK_NOFOLLOW)))
		return -EOPNOTSUPP;
	return sidecar_open(l->fd, writable, create, &l->owners);
}

static int open_layer(struct ovl *o, const char *what, const char *path, struct err *e)
{
	struct layer *l = &o->layers[o->n_layers];
	struct statx stx;

	l->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0)
		return err_set(e, -errno, "%s: %s", what, path);
	o->n_layers++;
	int r = at_stat((struct loc){ l->fd, "" }, &stx);
	if (r >= 0)
		r = node_dev(o, &stx);
	if (r < 0)
		return err_set(e, r, "%s: %s", what, path);
	if (o->conf->raw_owners)
		return 0;
	l->numbers = numbers_of(l->fd, &stx);
	l->override = owner_probe(l->fd);
	if (l->override == OVERRIDE_PRIVILEGED)
		return 0;
	r = open_sidecar(l, o->conf->upper && o->n_layers == 1, false);
	if ((r == -ESTALE || r == -EOPNOTSUPP) && l->override != OVERRIDE_NONE) {
		/* all but links came along: no reason to refuse the layer */
		log_warn("%s/" SIDECAR_NAME ": records %s: not read, links lose their owners", path,
			 r == -ESTALE ? "of another folder" : "by numbers that may have changed");
		return 0;
	}
	if (r < 0 && r != -ENODATA)
		return sidecar_error(r, path, e);
	if (!r && l->override == OVERRIDE_NONE)
		l->override = OVERRIDE_SIDECAR;
	return 0;
}

/* Start recording owners: the root folder says so for everybody who reads. */
static int start_override(struct ovl *o, struct err *e)
{
	struct layer *up = &o->layers[0];
	struct owner ow;
	struct statx stx;
	char text[OVERRIDE_TEXT_MAX];

	if (!o->conf->xattr_permissions)
		return 0;
	enum owner_mode want = o->conf->xattr_permissions == 1 ? OVERRIDE_PRIVILEGED :
								 OVERRIDE_CONTAINERS;
	if (up->override == want || up->override == OVERRIDE_SIDECAR)
		return 0;
	int r = at_stat((struct loc){ up->fd, "" }, &stx);
	if (r < 0)
		return err_set(e, r, "upperdir: %s", o->conf->upper);
	ow = (struct owner){ .uid = stx.stx_uid, .gid = stx.stx_gid, .mode = stx.stx_mode };
	int len = owner_format(text, &ow);
	r = len < 0 ? len : at_setxattr((struct loc){ up->fd, "" }, owner_xattr(want), text,
					(size_t)len, 0);
	if (r == -ENOTSUP && want == OVERRIDE_CONTAINERS) {
		r = open_sidecar(up, true, true);
		if (r >= 0)
			r = sidecar_put(up->owners, stx.stx_ino, &ow);
		if (r < 0)
			return sidecar_error(r, o->conf->upper, e);
		want = OVERRIDE_SIDECAR;
	}
	if (r < 0)
		return err_set(e, r, "xattr_permissions: %s: %s", o->conf->upper, owner_xattr(want));
	up->override = want;
	return 0;
}

static int remove_litter(void *arg, const struct rawent *e)
{
	/* ours start so; what else is there belongs to native overlay */
	if (e->name[0] == '#')
		(void)io_remove_tree_at(*(int *)arg, e->name);
	return 0;
}

static int open_work(struct ovl *o, struct err *e)
{
	const char *path = o->conf->work;
	struct stat up, work;
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, -errno, "workdir: %s", path);
	if (fstat(o->layers[0].fd, &up) || fstat(fd, &work))
		return err_set(e, -errno, "workdir: %s", path);
	if (up.st_dev != work.st_dev)
		return err_msg(e, -EXDEV, "workdir: %s: not on the file system of upperdir", path);
	if (up.st_ino == work.st_ino)
		return err_msg(e, -EINVAL, "workdir: %s: is upperdir itself", path);
	if (mkdirat(fd, WORK_FOLDER, 0700) && errno != EEXIST)
		return err_set(e, -errno, "workdir: %s/" WORK_FOLDER, path);
	o->workfd = at_open_dir(fd, WORK_FOLDER);
	if (o->workfd < 0)
		return err_set(e, o->workfd, "workdir: %s/" WORK_FOLDER, path);
	(void)scan_folder(o->workfd, remove_litter, &o->workfd);
	whiteout_probe(o);
	int r = link_open_index(o, fd);
	return r < 0 ? err_set(e, r, "workdir: %s: index", path) : 0;
}

static int stop_at_any(void *arg, const struct rawent *e)
{
	(void)arg;
	(void)e;
	return 1;
}

static int make_root(struct ovl *o, struct err *e)
{
	auto_free struct dsrc *src = calloc(o->n_layers, sizeof(*src));
	struct statx stx;
	int r = at_stat((struct loc){ o->layers[0].fd, "" }, &stx);
	int dev = r < 0 ? r : node_dev(o, &stx);

	if (dev < 0)
		return err_set(e, dev, "root folder");
	if (src) {
		struct node_key key = { .ino = stx.stx_ino, .layer = 0, .dev = (uint16_t)dev };

		o->root = node_new(o, NULL, "", key, S_IFDIR);
	}
	if (!o->root)
		return err_set(e, -ENOMEM, "root folder");
	o->root->flags |= NODE_ROOT;
	o->root->nlookup = 1;
	for (unsigned int i = 0; i < o->n_layers; i++)
		src[i] = (struct dsrc){ .fd = o->layers[i].fd, .layer = (uint16_t)i,
					.xwh = i >= o->writable && i + 1 < o->n_layers &&
					       whiteout_opacity(o->layers[i].fd) == OPACITY_XWH };
	r = dir_new_root(o, o->root, src, o->n_layers);
	return r < 0 ? err_set(e, r, "root folder") : 0;
}

/* Directories in use get most of what the hard limit allows. */
static void raise_limits(struct ovl *o)
{
	struct rlimit l;

	o->max_fds = 1024 - FDS_RESERVED;
	o->max_kept = FDS_RESERVED / 2;
	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l))
		(void)getrlimit(RLIMIT_NOFILE, &l);
	o->max_fds = l.rlim_cur > 4 * FDS_RESERVED ? (size_t)l.rlim_cur / 4 * 3 : l.rlim_cur / 2;
	size_t left = l.rlim_cur - o->max_fds;
	o->max_kept = left > 2 * OVL_KEPT_MAX ? OVL_KEPT_MAX : (unsigned int)left / 2;
}

int layer_open_all(struct ovl *o, struct err *e)
{
	const struct conf *c = o->conf;
	int r;

	o->workfd = o->indexfd = -1;
	o->umask_now = 0777;
	(void)pthread_mutex_init(&o->lock, NULL);
	raise_limits(o);
	o->layers = calloc(c->lowers.n + 1, sizeof(*o->layers));
	if (!o->layers || node_table_init(o) < 0)
		return err_set(e, -ENOMEM, "layers");
	if (c->upper && (r = open_layer(o, "upperdir", c->upper, e)) < 0)
		return r;
	o->writable = c->upper;
	for (size_t i = 0; i < c->lowers.n; i++)
		if ((r = open_layer(o, "lowerdir", c->lowers.v[i], e)) < 0)
			return r;
	if (o->writable) {
		o->upper_clean = !scan_folder(o->layers[0].fd, stop_at_any, NULL);
		if ((r = open_work(o, e)) < 0 || (r = start_override(o, e)) < 0)
			return r;
	}
	return make_root(o, e);
}

void ovl_clear(struct ovl *o)
{
	passthrough_clear(o);
	(void)file_drop_kept(o, NULL);
	node_table_clear(o);
	for (unsigned int i = 0; i < o->n_layers; i++) {
		(void)close(o->layers[i].fd);
		sidecar_free(o->layers[i].owners);
	}
	free(o->layers);
	if (o->workfd >= 0)
		(void)close(o->workfd);
	if (o->indexfd >= 0)
		(void)close(o->indexfd);
	(void)pthread_mutex_destroy(&o->lock);
}
