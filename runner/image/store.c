/* SPDX-License-Identifier: Apache-2.0
 *
 * store - the folder that holds images: opening it, holds, and collecting
 *
 * How it works: see store.h for the folder and its rules. Collecting takes the
 * users lock exclusively, without waiting, and only for as long as it takes to
 * read the records and to unlink blobs and layer records; the trees of dead
 * layers are deleted after the lock is gone.
 */
#include "runner/image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/layer.h"
#include "runner/image/store_int.h"

#define HOLDER_MAX 128
/* a partial blob that nobody came back for */
#define PART_MAX_AGE (24 * 3600)
/* without locks, only what nobody can be working on any more */
#define WEAK_MIN_AGE 3600

static const char *const folders[] = {
	"blobs", "blobs/sha256", "images", "names", "layers", "holds", "tmp",
};

static int make_folders(struct store *st, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

	if (!faccessat(st->fd, "oci-layout", F_OK, 0))
		return 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (mkdirat(st->fd, folders[i], 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "store '%s': make folder %s", st->root,
				       folders[i]);
	}
	/* last: its presence says that the rest is there */
	int r = io_replace_file_at(st->fd, "oci-layout", layout, sizeof(layout) - 1, 0600);
	return r ? err_set(e, r, "store '%s': write", st->root) : 0;
}

int store_open(const char *root, const struct store_opts *opts, struct store **ret,
	       struct err *e)
{
	AUTO(store_close) struct store *st = xcalloc(1, sizeof(*st));

	st->fd = -1;
	st->root = xstrdup(root);
	int r = io_mkdir_p_at(AT_FDCWD, root, 0700);
	if (r)
		return err_set(e, r, "store '%s': make folder", root);
	st->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->fd < 0)
		return err_set(e, -errno, "store '%s': open", root);
	if (opts && opts->lock_dir)
		st->lock_dir = xstrdup(opts->lock_dir);
	for (size_t i = 0; opts && opts->seeds && opts->seeds[i]; i++) {
		r = strv_add(&st->seeds, opts->seeds[i]);
		if (r)
			return err_set(e, r, "store '%s'", root);
	}
	r = make_folders(st, e);
	if (r)
		return r;
	*ret = take_ptr(st);
	return 0;
}

void store_close(struct store *st)
{
	if (!st)
		return;
	if (st->fd >= 0)
		(void)close(st->fd);
	strv_clear(&st->seeds);
	free(st->lock_dir);
	free(st->root);
	free(st);
}

const char *store_root(const struct store *st)
{
	return st->root;
}

/* --- holds ------------------------------------------------------------------------ */

static int holder_file(const char *holder, char *buf, size_t size, struct err *e)
{
	size_t len = strspn(holder, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	if (!len || holder[len] || len > HOLDER_MAX || holder[0] == '.')
		return err_msg(e, -EINVAL, "'%s': is no container id", holder);
	return str_format(buf, size, "%s.json", holder);
}

/* Records are replaced, never written to: one more name is as good as a copy,
 * and takes no block of the disk. */
static bool link_record(const struct store *st, const char *image, const char *file)
{
	char from[STORE_PATH_MAX], to[STORE_PATH_MAX];

	return str_format(from, sizeof(from), "images/%s", image) > 0 &&
	       str_format(to, sizeof(to), "holds/%s", file) > 0 &&
	       linkat(st->fd, from, st->fd, to, 0) == 0;
}

int store_hold(struct store *st, const char *holder, const struct image *img, struct err *e)
{
	char file[HOLDER_MAX + 8];
	char image[DIGEST_STR_MAX + 8];
	AUTO(record_clear) struct record rec = { 0 };
	AUTO(lock_clear) struct lock lock = LOCK_NONE;
	int r = holder_file(holder, file, sizeof(file), e);

	if (r < 0)
		return r;
	r = lock_users(st, LOCK_SH, &lock);
	if (r)
		return err_set(e, r, "store '%s': lock", st->root);
	(void)str_format(image, sizeof(image), "%s.json", digest_hex(img->id));
	if (link_record(st, image, file))
		return 0;
	r = record_load(st, "images", image, &rec, e);
	return r ? r : record_save(st, "holds", file, &rec, e);
}

int store_release(struct store *st, const char *holder, struct err *e)
{
	char file[HOLDER_MAX + 8];
	char path[STORE_PATH_MAX];
	AUTO(record_clear) struct record rec = { 0 };
	int r = holder_file(holder, file, sizeof(file), e);

	if (r < 0)
		return r;
	if (record_load(st, "holds", file, &rec, NULL))
		rec.id[0] = '\0';
	(void)str_format(path, sizeof(path), "holds/%s", file);
	if (unlinkat(st->fd, path, 0) < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "store: release '%s'", holder);
	if (!rec.id[0])
		return 0;
	/* the usual case: the image is still there, so nothing became garbage */
	(void)str_format(path, sizeof(path), "images/%s.json", digest_hex(rec.id));
	if (!faccessat(st->fd, path, F_OK, 0))
		return 0;
	return store_collect(st, NULL, e);
}

int store_hold_list(struct store *st, struct strv *ret, struct err *e)
{
	AUTO(strv_clear) struct strv files = { 0 };
	int r = folder_list(st, "holds", &files);

	if (r)
		return err_set(e, r, "store '%s': read holds", st->root);
	for (size_t i = 0; i < files.n; i++) {
		if (!str_ends(files.v[i], ".json"))
			continue;
		r = strv_addf(ret, "%.*s", (int)(strlen(files.v[i]) - 5), files.v[i]);
		if (r)
			return r;
	}
	return (int)ret->n;
}

/* --- collecting ---------------------------------------------------------------------- */

/**
 * struct live - what records still need, as sorted lists of hex digits
 */
struct live {
	struct strv blobs;
	struct strv layers;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_live(const struct strv *sorted, const char *hex)
{
	return sorted->n && bsearch(&hex, sorted->v, sorted->n, sizeof(*sorted->v), by_text);
}

static void add_hex(struct strv *list, const char *digest)
{
	if (digest_is_valid(digest) && strv_add(list, digest_hex(digest)))
		(void)xcalloc(SIZE_MAX, 1);
}

static int mark_folder(struct store *st, const char *folder, struct live *live)
{
	AUTO(strv_clear) struct strv files = { 0 };
	int r = folder_list(st, folder, &files);

	for (size_t i = 0; !r && i < files.n; i++) {
		AUTO(record_clear) struct record rec = { 0 };

		if (!str_ends(files.v[i], ".json"))
			continue;
		r = record_load(st, folder, files.v[i], &rec, NULL);
		/* half a record cannot be: it is damage, and holds nothing */
		if (r == -EINVAL || r == -ENOENT) {
			r = 0;
			continue;
		}
		add_hex(&live->blobs, rec.id);
		add_hex(&live->blobs, rec.manifest);
		for (size_t k = 0; k < rec.blobs.n; k++)
			add_hex(&live->blobs, rec.blobs.v[k]);
		for (size_t k = 0; k < rec.layers.n; k++)
			add_hex(&live->layers, rec.layers.v[k]);
	}
	return r;
}

static int mark(struct store *st, struct live *live)
{
	int r = mark_folder(st, "images", live);

	if (!r)
		r = mark_folder(st, "holds", live);
	if (!r && live->blobs.n)
		qsort(live->blobs.v, live->blobs.n, sizeof(char *), by_text);
	if (!r && live->layers.n)
		qsort(live->layers.v, live->layers.n, sizeof(char *), by_text);
	return r;
}

static bool is_older(const struct store *st, const char *path, time_t age)
{
	struct stat s;

	return !fstatat(st->fd, path, &s, AT_SYMLINK_NOFOLLOW) &&
	       s.st_mtime < time(NULL) - age;
}

static int sweep_blobs(struct store *st, const struct live *live, bool weak, uint64_t *bytes)
{
	AUTO(strv_clear) struct strv files = { 0 };
	char path[STORE_PATH_MAX];
	int r = folder_list(st, "blobs/sha256", &files);

	for (size_t i = 0; !r && i < files.n; i++) {
		struct stat s;

		if (is_live(&live->blobs, files.v[i]) ||
		    str_format(path, sizeof(path), "blobs/sha256/%s", files.v[i]) < 0 ||
		    (weak && !is_older(st, path, WEAK_MIN_AGE)))
			continue;
		if (!fstatat(st->fd, path, &s, AT_SYMLINK_NOFOLLOW))
			*bytes += (uint64_t)s.st_blocks * 512;
		if (unlinkat(st->fd, path, 0) < 0 && errno != ENOENT)
			r = -errno;
	}
	return r;
}

static int sweep_key(struct store *st, const char *key, const struct live *live, bool weak,
		     struct strv *dead, uint64_t *bytes)
{
	AUTO(strv_clear) struct strv files = { 0 };
	char path[STORE_PATH_MAX];
	int r = str_format(path, sizeof(path), "layers/%s", key);

	if (r > 0)
		r = folder_list(st, path, &files);
	for (size_t i = 0; r >= 0 && i < files.n; i++) {
		char id[DIGEST_STR_MAX];
		struct layer_info info = { 0 };

		if (!digest_is_hex(files.v[i], 64))
			continue;
		(void)str_format(id, sizeof(id), "sha256:%s", files.v[i]);
		bool whole = layer_have(st, key, id, &info);
		if (whole && is_live(&live->layers, files.v[i]))
			continue;
		(void)str_format(path, sizeof(path), "layers/%s/%s", key, files.v[i]);
		if (weak && !is_older(st, path, WEAK_MIN_AGE))
			continue;
		r = layer_kill(st, key, files.v[i], path);
		if (!r && *path)
			r = strv_add(dead, path);
		*bytes += info.size;
	}
	return r < 0 ? r : 0;
}

static int sweep_layers(struct store *st, const struct live *live, bool weak, struct strv *dead,
			uint64_t *bytes)
{
	AUTO(strv_clear) struct strv keys = { 0 };
	int r = folder_list(st, "layers", &keys);

	for (size_t i = 0; !r && i < keys.n; i++)
		r = sweep_key(st, keys.v[i], live, weak, dead, bytes);
	return r;
}

/* Temporaries whose maker is gone: nobody holds their lock. */
static int sweep_tmp(struct store *st, struct strv *dead)
{
	AUTO(strv_clear) struct strv files = { 0 };
	char path[STORE_PATH_MAX];
	int r = folder_list(st, "tmp", &files);

	for (size_t i = 0; !r && i < files.n; i++) {
		AUTO(lock_clear) struct lock lock = LOCK_NONE;

		if (str_format(path, sizeof(path), "tmp/%s", files.v[i]) < 0)
			continue;
		auto_close int fd = openat(st->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && lock_object(st, fd, path, LOCK_EX | LOCK_NB, &lock))
			continue;
		/* the next pull continues what a killed one left */
		bool young = str_starts(files.v[i], "blob-") || lock.weak;
		if (young && !is_older(st, path, PART_MAX_AGE))
			continue;
		r = strv_add(dead, path);
	}
	return r;
}

struct stale_arg {
	const struct store *st;
	struct strv names;
};

static int find_stale(const struct name_record *n, void *arg)
{
	struct stale_arg *a = arg;
	char path[STORE_PATH_MAX];

	(void)str_format(path, sizeof(path), "images/%s.json", digest_hex(n->id));
	if (faccessat(a->st->fd, path, F_OK, 0) < 0 && errno == ENOENT)
		return strv_add(&a->names, n->name);
	return 0;
}

/* Names of an image whose removal was cut short. */
static void sweep_names(struct store *st)
{
	struct stale_arg a = { .st = st };

	(void)name_each(st, find_stale, &a);
	for (size_t i = 0; i < a.names.n; i++)
		(void)name_remove(st, a.names.v[i], NULL);
	strv_clear(&a.names);
}

int store_collect(struct store *st, uint64_t *ret_bytes, struct err *e)
{
	AUTO(strv_clear) struct strv dead = { 0 };
	struct live live = { 0 };
	uint64_t bytes = 0;
	struct lock lock = LOCK_NONE;
	int r = lock_users(st, LOCK_EX | LOCK_NB, &lock);

	if (r == -EWOULDBLOCK) {
		log_debug("store: in use, collecting later");
		return 0;
	}
	if (!r) {
		sweep_names(st);
		r = mark(st, &live);
	}
	if (!r)
		r = sweep_blobs(st, &live, lock.weak, &bytes);
	if (!r)
		r = sweep_layers(st, &live, lock.weak, &dead, &bytes);
	if (!r)
		r = sweep_tmp(st, &dead);
	lock_clear(&lock);
	strv_clear(&live.blobs);
	strv_clear(&live.layers);

	int worst = r;
	for (size_t i = 0; i < dead.n; i++) {
		r = tree_remove(st->fd, dead.v[i]);
		if (r && !worst)
			worst = r;
	}
	if (worst)
		return err_set(e, worst, "store '%s': clean up", st->root);
	if (ret_bytes)
		*ret_bytes = bytes;
	return 0;
}
