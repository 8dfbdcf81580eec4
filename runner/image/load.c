/* SPDX-License-Identifier: Apache-2.0
 *
 * load - images from folders and archives
 *
 * How it works: every member of an archive becomes a blob (members.c);
 * afterwards index.json (OCI) or manifest.json (docker save) says which of
 * them are an image. What no image turns out to need is collected. A folder is
 * read by its index, and only what the index names is copied.
 */
#include "runner/image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/digest.h"
#include "runner/image/json.h"
#include "runner/image/layer.h"
#include "runner/image/members.h"
#include "runner/image/progress.h"
#include "runner/image/transfer.h"

#define COPY_SIZE (256u << 10)
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

/**
 * struct load - one image_load()
 * @dirfd:	OCI layout folder, -1 for an archive
 * @in:		members of the archive
 * @records:	images found
 */
struct load {
	struct store *st;
	const struct image_load_opts *opts;
	const char *what;
	struct platform want;
	int dirfd;
	struct members in;
	struct image **images;
	int n_images;
};

static void load_clear(struct load *l)
{
	members_clear(&l->in);
	image_list_free(l->images);
}
DEFINE_AUTO_CLEAR(struct load, load_clear);

/* --- blobs of a folder --------------------------------------------------------------- */

static int copy_bytes(int fd, const char *what, const char *path, uint64_t size,
		      struct blob_part *part, struct err *e)
{
	auto_free char *buf = xcalloc(1, COPY_SIZE);

	for (;;) {
		ssize_t n = io_read_all(fd, buf, COPY_SIZE);

		if (n < 0)
			return err_set(e, (int)n, "%s: read '%s'", what, path);
		if (n == 0)
			return blob_part_finish(part, e) ? err_wrap(e, "%s", what) : 0;
		if (part->have + (size_t)n > size)
			return err_msg(e, -EBADMSG, "%s: '%s' is larger than its manifest says",
				       what, path);
		int r = blob_part_write(part, buf, (size_t)n);
		if (r)
			return err_set(e, r, "write blob %s", part->digest);
	}
}

static int copy_blob(struct store *st, int dirfd, const char *what, const char *digest,
		     uint64_t size, struct err *e)
{
	AUTO(blob_part_clear) struct blob_part part = BLOB_PART_NONE;
	char path[STORE_PATH_MAX];

	if (blob_have(st, digest, size))
		return 0;
	(void)str_format(path, sizeof(path), "blobs/sha256/%s", digest_hex(digest));
	auto_close int fd = fd_open_beneath(dirfd, path, O_RDONLY, 0);
	if (fd < 0)
		return err_set(e, fd, "%s: open '%s'", what, path);
	int r = blob_part_begin(st, digest, size, &part, e);
	if (r)
		return r < 0 ? r : 0;
	r = blob_part_restart(&part);
	if (!r)
		r = copy_bytes(fd, what, path, size, &part, e);
	if (r)
		(void)unlinkat(st->fd, part.tmp, 0);
	return r;
}

int load_index(int dirfd, const char *what, struct manifest *ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	auto_close int fd = fd_open_beneath(dirfd, "index.json", O_RDONLY, 0);
	int r = fd < 0 ? fd : io_read_fd(fd, IMAGE_MANIFEST_MAX, &text, &len);

	if (r)
		return err_set(e, r, "%s: read 'index.json'", what);
	r = manifest_parse(text, len, what, MEDIA_OCI_INDEX, ret, e);
	if (!r && !ret->is_index)
		return err_msg(e, -EINVAL, "%s: index.json is no index", what);
	return r;
}

/* --- one image whose blobs are in reach ------------------------------------------------ */

static int have_blob(struct store *st, int dirfd, const char *what, const struct descriptor *d,
		     struct err *e)
{
	if (dirfd >= 0)
		return copy_blob(st, dirfd, what, d->digest, d->size, e);
	if (blob_have(st, d->digest, UINT64_MAX))
		return 0;
	return err_msg(e, -ENOENT, "%s: blob %s is missing", what, d->digest);
}

static int read_blob(struct store *st, int dirfd, const char *what, const struct descriptor *d,
		     size_t max, char **ret, size_t *ret_len, struct err *e)
{
	int r = have_blob(st, dirfd, what, d, e);

	return r ? r : blob_read(st, d->digest, max, ret, ret_len, e);
}

int load_from_layout(struct store *st, int dirfd, const char *what, const struct descriptor *d,
		     const struct platform *want, struct record *ret, struct err *e)
{
	AUTO(manifest_clear) struct manifest m = { 0 };
	AUTO(manifest_clear) struct manifest inner = { 0 };
	auto_free char *text = NULL;
	auto_free char *config = NULL;
	size_t len;
	size_t config_len;
	int r = read_blob(st, dirfd, what, d, IMAGE_MANIFEST_MAX, &text, &len, e);
	if (!r)
		r = manifest_parse(text, len, what, d->media, &m, e);
	if (!r && m.is_index) {
		const struct descriptor *pick;

		r = manifest_pick(&m, want, what, &pick, e);
		free(text);
		text = NULL;
		if (!r)
			r = read_blob(st, dirfd, what, pick, IMAGE_MANIFEST_MAX, &text, &len, e);
		if (!r)
			r = manifest_parse(text, len, what, pick->media, &inner, e);
	}
	if (r)
		return r;

	const struct manifest *image = m.is_index ? &inner : &m;
	r = read_blob(st, dirfd, what, &image->config, IMAGE_CONFIG_MAX, &config, &config_len, e);
	for (size_t i = 0; !r && i < image->n; i++)
		r = have_blob(st, dirfd, what, &image->list[i], e);
	return r ? r : record_of(what, config, config_len, text, len, ret, e);
}

/* --- collecting what was loaded ---------------------------------------------------------- */

/* Unpacked first, recorded then: a layer that lies leaves no image behind.
 * names: what this load calls it, which is also what the caller is told. */
static int add_image(struct load *l, struct record *rec, const char *digest, struct strv *names,
		     struct err *e)
{
	struct image *img = NULL;
	int r = 0;

	if (l->opts->mode)
		r = transfer_unpack(l->st, rec, l->opts->mode, &l->opts->progress, &rec->size, e);
	if (!r)
		r = record_image(l->st, rec, NULL, e);
	for (size_t i = 0; !r && i < names->n; i++) {
		struct name_record n = { 0 };

		(void)str_format(n.name, sizeof(n.name), "%s", names->v[i]);
		memcpy(n.id, rec->id, sizeof(n.id));
		memcpy(n.digest, digest, sizeof(n.digest));
		r = record_image(l->st, rec, &n, e);
	}
	if (!r)
		r = image_open(l->st, rec, &img, e);
	if (r)
		return r;
	strv_clear(&img->names);
	img->names = *names;
	*names = (struct strv){ 0 };
	l->images = xrealloc(l->images, (size_t)l->n_images + 2, sizeof(struct image *));
	l->images[l->n_images++] = img;
	l->images[l->n_images] = NULL;
	return 0;
}

/* A name in an index may be a whole name or a bare tag, which names nothing. */
static bool canonical_of(const char *name, char buf[REF_STR_MAX])
{
	struct ref ref;

	if (!name || ref_parse(name, &ref, NULL) || ref.digest[0])
		return false;
	if (ref.no_tag && ref.is_short && !strchr(name, '/') && strspn(name, "v0123456789.") ==
								strlen(name))
		return false;
	if (str_eq(name, "latest"))
		return false;
	(void)ref_canonical(&ref, buf);
	return true;
}

static int load_index_images(struct load *l, const struct manifest *index, struct err *e)
{
	for (size_t i = 0; i < index->n; i++) {
		AUTO(record_clear) struct record rec = { 0 };
		AUTO(strv_clear) struct strv names = { 0 };
		const struct descriptor *d = &index->list[i];
		char name[REF_STR_MAX];
		bool named = canonical_of(d->name, name);

		/* an index of platforms: only ours is an image for us */
		if (d->arch[0] && index->n > 1 && !named) {
			const struct descriptor *pick;
			int r = manifest_pick(index, &l->want, l->what, &pick, e);

			if (r)
				return r;
			if (pick != d)
				continue;
		}
		int r = load_from_layout(l->st, l->dirfd, l->what, d, &l->want, &rec, e);
		if (!r && named)
			r = strv_add(&names, name);
		if (!r)
			r = add_image(l, &rec, d->digest, &names, e);
		if (r)
			return r;
	}
	return index->n ? 0 : err_msg(e, -ENOENT, "%s: holds no image", l->what);
}

/* --- docker save --------------------------------------------------------------------------- */

static json_t *descriptor_of(const char *media, const struct member_file *f)
{
	return json_pack("{s:s,s:I,s:s}", "mediaType", media, "size", (json_int_t)f->size,
			 "digest", f->digest);
}

/* docker save has no manifest that could be pushed: make the one it would have. */
static int docker_manifest(const struct load *l, const json_t *item, char **ret, struct err *e)
{
	const char *config_path = json_str(item, "Config");
	const struct member_file *config = config_path ? members_find(&l->in, config_path) : NULL;
	const json_t *layers = json_object_get(item, "Layers");
	AUTO(json_drop) json_t *list = json_array();
	size_t i;
	json_t *v;

	if (!config)
		return err_msg(e, -EINVAL, "%s: config '%s' is missing", l->what,
			       config_path ? config_path : "");
	json_array_foreach(layers, i, v) {
		const char *path = json_string_value(v);
		const struct member_file *f = path ? members_find(&l->in, path) : NULL;

		if (!f)
			return err_msg(e, -EINVAL, "%s: layer '%s' is missing", l->what,
				       path ? path : "");
		(void)json_array_append_new(list, descriptor_of(MEDIA_DOCKER_LAYER, f));
	}
	AUTO(json_drop) json_t *m = json_pack("{s:i,s:s,s:o,s:O}", "schemaVersion", 2, "mediaType",
					      MEDIA_DOCKER_MANIFEST, "config",
					      descriptor_of(MEDIA_DOCKER_CONFIG, config),
					      "layers", list);
	*ret = m ? json_dumps(m, JSON_COMPACT) : NULL;
	return *ret ? 0 : err_set(e, -ENOMEM, "%s", l->what);
}

static int load_docker_image(struct load *l, const json_t *item, struct err *e)
{
	AUTO(record_clear) struct record rec = { 0 };
	AUTO(strv_clear) struct strv tags = { 0 };
	AUTO(strv_clear) struct strv names = { 0 };
	auto_free char *text = NULL;
	struct descriptor d = { 0 };
	int r = docker_manifest(l, item, &text, e);

	if (!r)
		r = digest_of(text, strlen(text), d.digest);
	if (!r)
		r = blob_write(l->st, d.digest, text, strlen(text), e);
	if (r)
		return r;
	d.size = strlen(text);
	r = load_from_layout(l->st, -1, l->what, &d, &l->want, &rec, e);
	json_strv(item, "RepoTags", &tags);
	for (size_t i = 0; !r && i < tags.n; i++) {
		char name[REF_STR_MAX];

		if (!canonical_of(tags.v[i], name))
			return err_msg(e, -EINVAL, "%s: '%s' is no image name", l->what, tags.v[i]);
		r = strv_add(&names, name);
	}
	return r ? r : add_image(l, &rec, rec.manifest, &names, e);
}

static int load_docker(struct load *l, struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	auto_free char *text = NULL;
	json_error_t why;
	size_t len;
	size_t i;
	json_t *item;
	int r = members_text(&l->in, "manifest.json", &text, &len, e);

	if (r)
		return r;
	j = json_loadb(text, len, 0, &why);
	if (!json_is_array(j) || !json_array_size(j))
		return err_msg(e, -EINVAL, "%s: manifest.json: lists no image", l->what);
	json_array_foreach(j, i, item) {
		r = load_docker_image(l, item, e);
		if (r)
			return r;
	}
	return 0;
}

static int load_archive(struct load *l, int fd, struct err *e)
{
	AUTO(manifest_clear) struct manifest index = { 0 };
	auto_free char *text = NULL;
	size_t len;
	int r = members_read(&l->in, fd, e);

	if (r)
		return r;
	if (!members_find(&l->in, "oci-layout") && members_find(&l->in, "manifest.json"))
		return load_docker(l, e);
	if (!members_find(&l->in, "index.json"))
		return err_msg(e, -EINVAL, "%s: is no image archive: it has neither index.json nor "
			       "manifest.json", l->what);
	r = members_text(&l->in, "index.json", &text, &len, e);
	if (!r)
		r = manifest_parse(text, len, l->what, MEDIA_OCI_INDEX, &index, e);
	if (!r && !index.is_index)
		r = err_msg(e, -EINVAL, "%s: index.json is no index", l->what);
	return r ? r : load_index_images(l, &index, e);
}

static int load_any(struct load *l, int fd, struct err *e)
{
	struct stat s;

	if (fstat(fd, &s) < 0)
		return err_set(e, -errno, "open '%s'", l->what);
	if (!S_ISDIR(s.st_mode))
		return load_archive(l, fd, e);

	AUTO(manifest_clear) struct manifest index = { 0 };
	l->dirfd = fd;
	int r = load_index(fd, l->what, &index, e);
	return r ? r : load_index_images(l, &index, e);
}

int image_load(struct store *st, const char *path, int fd, const struct image_load_opts *opts,
	       struct image ***ret, struct err *e)
{
	AUTO(load_clear) struct load l = {
		.st = st, .opts = opts, .dirfd = -1, .what = path ? path : "standard input",
	};
	struct lock lock = LOCK_NONE;
	auto_close int own = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (path && own < 0)
		return err_set(e, -errno, "open '%s'", path);
	l.in = (struct members){ .st = st, .what = l.what };
	platform_init(&l.want, opts->os, opts->arch, opts->variant);
	if (lock_users(st, LOCK_SH, &lock))
		log_debug("store: no lock, going on");
	int r = load_any(&l, path ? own : fd, e);
	lock_clear(&lock);
	/* what no image needed: index.json itself, or all of it after a failure */
	if (r || l.in.n)
		(void)store_collect(st, NULL, NULL);
	if (r)
		return r;
	*ret = take_ptr(l.images);
	return l.n_images;
}
