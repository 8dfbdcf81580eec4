/* SPDX-License-Identifier: Apache-2.0
 *
 * layer - unpacked layers of the store
 */
#include "runner/image/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/digest.h"
#include "runner/image/json.h"
#include "runner/image/unpack.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define SHORT_LEN 26
#define FLAT_DEPTH 200u
#define FLAT_TRIES 100000u

static void layer_path(const char *key, const char *diff_id, const char *rest, char *buf,
		       size_t size)
{
	(void)str_format(buf, size, "layers/%s/%s%s", key, digest_hex(diff_id), rest);
}

bool layer_have(const struct store *st, const char *key, const char *diff_id,
		struct layer_info *ret)
{
	char path[STORE_PATH_MAX];

	layer_path(key, diff_id, "/layer.json", path, sizeof(path));
	if (!ret)
		return !faccessat(st->fd, path, F_OK, AT_SYMLINK_NOFOLLOW);

	auto_free char *text = NULL;
	size_t len;
	AUTO(json_drop) json_t *j = NULL;
	if (io_read_file_at(st->fd, path, RECORD_MAX, &text, &len) ||
	    json_object_load(text, len, path, &j, NULL))
		return false;
	ret->size = (uint64_t)json_integer_value(json_object_get(j, "size"));
	ret->wh_files = json_is_true(json_object_get(j, "wh_files"));
	return true;
}

/* --- the temporary folder ------------------------------------------------------------ */

/**
 * struct work - a layer being made
 * @tmp:	its folder, below the store
 * @fd:		the same, open
 */
struct work {
	const struct store *st;
	char tmp[STORE_PATH_MAX];
	int fd;
	struct lock lock;
};

static void work_clear(struct work *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	lock_clear(&w->lock);
}
DEFINE_AUTO_CLEAR(struct work, work_clear);

/* Return: 1 when the layer is there by now, 0 with the lock, -errno */
static int work_begin(struct work *w, const char *key, const char *diff_id)
{
	(void)str_format(w->tmp, sizeof(w->tmp), "tmp/layer-%s-%s", key, digest_hex(diff_id));
	for (;;) {
		struct stat open_st;
		struct stat path_st;

		if (mkdirat(w->st->fd, w->tmp, 0700) < 0 && errno != EEXIST)
			return -errno;
		w->fd = openat(w->st->fd, w->tmp, DIR_FLAGS);
		if (w->fd < 0 && errno == ENOENT)
			continue;
		if (w->fd < 0)
			return -errno;
		int r = lock_object(w->st, w->fd, w->tmp, LOCK_EX, &w->lock);
		if (r || fstat(w->fd, &open_st) < 0)
			return r ? r : -errno;
		bool same = !fstatat(w->st->fd, w->tmp, &path_st, AT_SYMLINK_NOFOLLOW) &&
			    path_st.st_ino == open_st.st_ino;
		if (layer_have(w->st, key, diff_id, NULL)) {
			if (same)
				(void)tree_remove(w->st->fd, w->tmp);
			return 1;
		}
		if (same)
			return 0;
		work_clear(w);
	}
}

static int work_diff(struct work *w)
{
	/* what a killed unpack left */
	int r = tree_remove(w->fd, "diff");

	if (!r)
		r = tree_remove(w->fd, "owners");
	if (r)
		return r;
	if (mkdirat(w->fd, "diff", 0755) < 0)
		return -errno;
	int fd = openat(w->fd, "diff", DIR_FLAGS);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0755) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

/* --- the stream --------------------------------------------------------------------------- */

/**
 * struct plain - inflated bytes on their way to tar, hashed for the diff id
 */
struct plain {
	struct inflate *z;
	struct digest hash;
};

static ssize_t plain_read(void *ctx, void *buf, size_t len)
{
	struct plain *p = ctx;
	ssize_t n = inflate_read(p->z, buf, len);

	if (n > 0) {
		int r = digest_update(&p->hash, buf, (size_t)n);
		if (r)
			return r;
	}
	return n;
}

/* Padding behind the archive's end belongs to the diff id, too. */
static int plain_drain(struct plain *p)
{
	auto_free char *buf = xcalloc(1, 65536);
	ssize_t n;

	do {
		n = plain_read(p, buf, 65536);
	} while (n > 0);
	return (int)n;
}

static int explain(struct err *e, int r, const char *diff_id)
{
	if (r == -EOVERFLOW && e)
		(void)err_msg(e, r, "unpacks to more than %u times its size", INFLATE_RATIO_MAX);
	return err_wrap(e, "layer %.12s", digest_hex(diff_id));
}

static int fill(struct work *w, const struct layer_mode *mode, const char *diff_id,
		const struct source *src, struct unpack_stats *stats, struct err *e)
{
	AUTO(inflate_free) struct inflate *z = NULL;
	AUTO(digest_clear) struct digest hash = { 0 };
	char found[DIGEST_STR_MAX];
	auto_close int diff = work_diff(w);

	if (diff < 0)
		return err_set(e, diff, "make folder '%s'", w->tmp);
	int r = inflate_new(src, &z);
	if (r)
		return err_set(e, r, "read");
	struct plain plain = { .z = z, .hash = hash };
	r = digest_init(&plain.hash);
	hash = plain.hash;
	if (r)
		return err_set(e, r, "load libcrypto");

	struct source tar = { .read = plain_read, .ctx = &plain };
	r = unpack_tar(&tar, diff, w->fd, mode, stats, e);
	if (r)
		return r;
	r = plain_drain(&plain);
	if (r)
		return err_set(e, r, "read");
	r = digest_final(&plain.hash, found);
	if (r)
		return err_set(e, r, "hash");
	if (!str_eq(found, diff_id))
		return err_msg(e, -EBADMSG, "digest mismatch: it unpacks to %s, not %s", found,
			       diff_id);
	return 0;
}

static int write_info(struct work *w, const char *diff_id, const struct unpack_stats *s)
{
	char text[512];
	int n = str_format(text, sizeof(text),
			   "{\"diff_id\":\"%s\",\"size\":%llu,\"entries\":%llu,\"wh_files\":%s}\n",
			   diff_id, (unsigned long long)s->bytes, (unsigned long long)s->entries,
			   s->wh_files ? "true" : "false");

	return n < 0 ? n : io_replace_file_at(w->fd, "layer.json", text, (size_t)n, 0600);
}

/* layers/KEY/l/SHORT: a mount option of 4096 bytes has room for 128 of them */
static void link_short(const struct store *st, const char *key, const char *diff_id)
{
	char path[STORE_PATH_MAX];
	char to[STORE_PATH_MAX];

	(void)str_format(path, sizeof(path), "layers/%s/l", key);
	(void)mkdirat(st->fd, path, 0700);
	(void)str_format(path, sizeof(path), "layers/%s/l/%.*s", key, SHORT_LEN,
			 digest_hex(diff_id));
	(void)str_format(to, sizeof(to), "../%s/diff", digest_hex(diff_id));
	if (symlinkat(to, st->fd, path) < 0 && errno != EEXIST)
		log_debug("layer %.12s: no short name: %s", digest_hex(diff_id), strerror(errno));
}

static int publish(struct work *w, const char *key, const char *diff_id)
{
	char path[STORE_PATH_MAX];
	char dead[STORE_PATH_MAX];

	(void)str_format(path, sizeof(path), "layers/%s", key);
	if (mkdirat(w->st->fd, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	layer_path(key, diff_id, "", path, sizeof(path));
	if (renameat(w->st->fd, w->tmp, w->st->fd, path) < 0) {
		/* garbage of a removal that was cut short */
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		int r = layer_kill(w->st, key, digest_hex(diff_id), dead);
		if (r || (*dead && (r = tree_remove(w->st->fd, dead))))
			return r;
		if (renameat(w->st->fd, w->tmp, w->st->fd, path) < 0)
			return -errno;
	}
	link_short(w->st, key, diff_id);
	return 0;
}

static void warn(const char *diff_id, const struct layer_mode *mode, const struct unpack_stats *s)
{
	const char *hex = digest_hex(diff_id);

	if (s->unmapped)
		log_warn("layer %.12s: %llu files have owners outside the id mapping (first: "
			 "%u:%u of '%s'); they are root's here, the true owners are recorded",
			 hex, (unsigned long long)s->unmapped, s->unmapped_uid, s->unmapped_gid,
			 s->unmapped_path);
	if (s->devices && !mode->single_id)
		log_debug("layer %.12s: %llu device nodes became empty files", hex,
			  (unsigned long long)s->devices);
	if (s->xattrs_lost)
		log_debug("layer %.12s: %llu extended attributes were not kept", hex,
			  (unsigned long long)s->xattrs_lost);
}

int layer_make(const struct store *st, const struct layer_mode *mode, const char *diff_id,
	       const struct source *src, struct layer_info *ret, struct err *e)
{
	AUTO(work_clear) struct work w = { .st = st, .fd = -1, .lock = LOCK_NONE };
	struct unpack_stats stats;
	int r = work_begin(&w, mode->key, diff_id);

	if (r == 1)
		return layer_have(st, mode->key, diff_id, ret) ? 1 : -EIO;
	if (r)
		return err_set(e, r, "make folder '%s'", w.tmp);
	r = fill(&w, mode, diff_id, src, &stats, e);
	if (r) {
		(void)tree_remove(st->fd, w.tmp);
		return explain(e, r, diff_id);
	}
	r = write_info(&w, diff_id, &stats);
	if (!r)
		r = publish(&w, mode->key, diff_id);
	if (r) {
		(void)tree_remove(st->fd, w.tmp);
		return err_set(e, r, "layer %.12s: write", digest_hex(diff_id));
	}
	warn(diff_id, mode, &stats);
	*ret = (struct layer_info){ .size = stats.bytes, .wh_files = stats.wh_files };
	return 0;
}

int layer_make_from_blob(const struct store *st, const struct layer_mode *mode,
			 const char *diff_id, const char *blob, struct layer_info *ret,
			 struct err *e)
{
	if (layer_have(st, mode->key, diff_id, ret))
		return 0;
	if (mode->have_only)
		return err_msg(e, -EAGAIN, "layer %.12s: not unpacked", digest_hex(diff_id));
	auto_close int fd = blob_open(st, blob);
	if (fd < 0)
		return err_set(e, fd, "layer %.12s: read blob %s", digest_hex(diff_id), blob);
	struct source src = { .read = source_read_fd, .ctx = &fd };
	int r = layer_make(st, mode, diff_id, &src, ret, e);
	return r < 0 ? r : 0;
}

int layer_dir(const struct store *st, const char *key, const char *diff_id, char **ret)
{
	*ret = xasprintf("%s/layers/%s/%s/diff", st->root, key, digest_hex(diff_id));
	return 0;
}

int layer_kill(const struct store *st, const char *key, const char *hex, char *ret_dead)
{
	static unsigned int count;
	char path[STORE_PATH_MAX];

	(void)str_format(path, sizeof(path), "layers/%s/l/%.*s", key, SHORT_LEN, hex);
	(void)unlinkat(st->fd, path, 0);
	(void)str_format(path, sizeof(path), "layers/%s/%s/layer.json", key, hex);
	if (unlinkat(st->fd, path, 0) < 0 && errno != ENOENT)
		return -errno;
	(void)str_format(path, sizeof(path), "layers/%s/%s", key, hex);
	(void)str_format(ret_dead, STORE_PATH_MAX, "tmp/dead-%d-%u-%.16s", getpid(),
			 __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED), hex);
	if (renameat(st->fd, path, st->fd, ret_dead) == 0)
		return 0;
	/* a full disk may have no room for a name: then it dies where it is */
	if (errno == ENOENT)
		ret_dead[0] = '\0';
	else
		(void)str_format(ret_dead, STORE_PATH_MAX, "%s", path);
	return 0;
}

/* Moves the folder FLAT_DEPTH levels down the first chain of folders up to top. */
static int lift_deep(int top, unsigned int n)
{
	auto_close int fd = fd_dup(top);

	for (unsigned int depth = 0; fd >= 0; depth++) {
		DIR *d = fdopendir(fd_dup(fd));
		struct dirent *ent;
		char name[NAME_MAX + 1] = "";

		if (!d)
			return -errno;
		while (!*name && (ent = readdir(d))) {
			if (ent->d_type == DT_DIR && !str_eq(ent->d_name, ".") &&
			    !str_eq(ent->d_name, ".."))
				(void)str_format(name, sizeof(name), "%s", ent->d_name);
		}
		(void)closedir(d);
		if (!*name)
			return -ENOENT;
		if (depth == FLAT_DEPTH) {
			char up[64];

			(void)str_format(up, sizeof(up), "lifted-%u", n);
			return renameat(fd, name, top, up) < 0 ? -errno : 0;
		}
		int next = openat(fd, name, DIR_FLAGS);
		if (next < 0)
			return -errno;
		(void)close(fd);
		fd = next;
	}
	return fd;
}

/* A tree may be deeper than we may have descriptors: then it is made flatter.
 * What a pass could not delete is only the way down to what is too deep. */
int tree_remove(int dirfd, const char *path)
{
	int r = io_remove_tree_at(dirfd, path);

	for (unsigned int n = 0; (r == -EMFILE || r == -ELOOP) && n < FLAT_TRIES; n++) {
		auto_close int top = openat(dirfd, path, DIR_FLAGS);

		if (top < 0 || lift_deep(top, n))
			return r;
		r = io_remove_tree_at(dirfd, path);
	}
	return r;
}
