/* SPDX-License-Identifier: Apache-2.0
 *
 * record - the store's JSON records of images, holds and names
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/digest.h"
#include "runner/image/imgconfig.h"
#include "runner/image/json.h"
#include "runner/image/manifest.h"
#include "runner/image/store_int.h"

/* readable names up to this length, a hash behind it */
#define NAME_FILE_KEEP 160
#define NAME_FILE_MAX 220

int folder_list(const struct store *st, const char *folder, struct strv *ret)
{
	int fd = openat(st->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	auto_dir DIR *d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return -ENOMEM;
	}
	for (struct dirent *ent; (ent = readdir(d));) {
		if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, ".."))
			continue;
		int r = strv_add(ret, ent->d_name);
		if (r)
			return r;
	}
	return 0;
}

static bool copy_digest(char out[DIGEST_STR_MAX], const char *s)
{
	return s && digest_is_valid(s) && str_format(out, DIGEST_STR_MAX, "%s", s) > 0;
}

static int read_json(const struct store *st, const char *path, json_t **ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = io_read_file_at(st->fd, path, RECORD_MAX, &text, &len);

	if (r)
		return err_set(e, r, "store: read '%s'", path);
	return json_object_load(text, len, path, ret, e);
}

static int write_json(const struct store *st, const char *path, const json_t *j, struct err *e)
{
	auto_free char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		return err_set(e, -ENOMEM, "store: write '%s'", path);
	int r = io_replace_file_at(st->fd, path, text, strlen(text), 0600);
	return r ? err_set(e, r, "store: write '%s'", path) : 0;
}

/* --- images and holds ------------------------------------------------------------- */

void record_clear(struct record *r)
{
	strv_clear(&r->blobs);
	strv_clear(&r->layers);
	*r = (struct record){ 0 };
}

static bool all_digests(const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!digest_is_valid(l->v[i]))
			return false;
	}
	return true;
}

int record_load(const struct store *st, const char *folder, const char *file, struct record *ret,
		struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	AUTO(record_clear) struct record rec = { 0 };
	char path[STORE_PATH_MAX];
	int r = str_format(path, sizeof(path), "%s/%s", folder, file);

	if (r > 0)
		r = read_json(st, path, &j, e);
	if (r < 0)
		return r;
	json_strv(j, "blobs", &rec.blobs);
	json_strv(j, "layers", &rec.layers);
	rec.size = (uint64_t)json_integer_value(json_object_get(j, "size"));
	rec.blob_size = (uint64_t)json_integer_value(json_object_get(j, "blob_size"));
	if (!copy_digest(rec.id, json_str(j, "id")) ||
	    !copy_digest(rec.manifest, json_str(j, "manifest")) || !all_digests(&rec.blobs) ||
	    !all_digests(&rec.layers) || rec.blobs.n != rec.layers.n)
		return err_msg(e, -EINVAL, "store: '%s': is damaged", path);
	*ret = rec;
	rec = (struct record){ 0 };
	return 0;
}

static json_t *json_list(const struct strv *l)
{
	json_t *arr = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(arr, json_string(l->v[i]));
	return arr;
}

int record_save(const struct store *st, const char *folder, const char *file,
		const struct record *r, struct err *e)
{
	char path[STORE_PATH_MAX];
	AUTO(json_drop) json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:I,s:I}", "id", r->id, "manifest",
					      r->manifest, "blobs", json_list(&r->blobs),
					      "layers", json_list(&r->layers), "size",
					      (json_int_t)r->size, "blob_size",
					      (json_int_t)r->blob_size);

	if (!j || str_format(path, sizeof(path), "%s/%s", folder, file) < 0)
		return err_set(e, -ENOMEM, "store: write a record");
	return write_json(st, path, j, e);
}

int record_of(const char *what, const char *config, size_t config_len, const char *manifest,
	      size_t manifest_len, struct record *ret, struct err *e)
{
	AUTO(image_config_clear) struct image_config c = { 0 };
	AUTO(manifest_clear) struct manifest m = { 0 };
	AUTO(record_clear) struct record rec = { 0 };
	int r = manifest_parse(manifest, manifest_len, what, NULL, &m, e);

	if (!r && m.is_index)
		r = err_msg(e, -EINVAL, "%s: is an index inside an index", what);
	if (!r)
		r = image_config_parse(config, config_len, what, &c, e);
	if (r)
		return r;
	if (m.n != c.diff_ids.n)
		return err_msg(e, -EINVAL, "%s: its manifest has %zu layers, its config %zu", what,
			       m.n, c.diff_ids.n);
	for (size_t i = 0; i < m.n; i++) {
		if (strv_add(&rec.blobs, m.list[i].digest))
			return -ENOMEM;
		rec.blob_size += m.list[i].size;
	}
	(void)str_format(rec.id, sizeof(rec.id), "%s", m.config.digest);
	rec.layers = c.diff_ids;
	c.diff_ids = (struct strv){ 0 };
	r = digest_of(manifest, manifest_len, rec.manifest);
	if (r)
		return err_set(e, r, "%s: hash", what);
	*ret = rec;
	rec = (struct record){ 0 };
	return 0;
}

int record_image(struct store *st, const struct record *r, const struct name_record *name,
		 struct err *e)
{
	char file[DIGEST_STR_MAX + 8];

	(void)str_format(file, sizeof(file), "%s.json", digest_hex(r->id));
	int rc = record_save(st, "images", file, r, e);
	if (!rc && name)
		rc = name_save(st, name, e);
	if (!rc)
		index_write(st);
	return rc;
}

/* --- names --------------------------------------------------------------------------- */

static uint64_t fnv(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	return h;
}

/* "/" is "+" in a file name; "+" is in no image name. */
static void name_path(const char *name, char *buf, size_t size)
{
	if (strlen(name) <= NAME_FILE_MAX)
		(void)str_format(buf, size, "names/%s.json", name);
	else
		(void)str_format(buf, size, "names/%.*s~%016llx.json", NAME_FILE_KEEP, name,
				 (unsigned long long)fnv(name));
	for (char *p = buf + strlen("names/"); *p; p++) {
		if (*p == '/')
			*p = '+';
	}
}

static int name_read(const struct store *st, const char *path, struct name_record *ret,
		     struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	struct name_record n = { 0 };
	int r = read_json(st, path, &j, e);

	if (r)
		return r;
	const char *name = json_str(j, "name");
	if (!name || str_format(n.name, sizeof(n.name), "%s", name) < 0 ||
	    !copy_digest(n.id, json_str(j, "id")) ||
	    !copy_digest(n.digest, json_str(j, "digest")))
		return err_msg(e, -EINVAL, "store: '%s': is damaged", path);
	*ret = n;
	return 0;
}

int name_load(const struct store *st, const char *name, struct name_record *ret, struct err *e)
{
	char path[STORE_PATH_MAX];
	struct name_record n;

	name_path(name, path, sizeof(path));
	int r = name_read(st, path, &n, e);
	if (r)
		return r;
	if (!str_eq(n.name, name))
		return err_msg(e, -ENOENT, "image '%s': is not here", name);
	*ret = n;
	return 0;
}

int name_save(const struct store *st, const struct name_record *n, struct err *e)
{
	char path[STORE_PATH_MAX];
	AUTO(json_drop) json_t *j = json_pack("{s:s,s:s,s:s}", "name", n->name, "id", n->id,
					      "digest", n->digest);

	if (!j)
		return err_set(e, -ENOMEM, "store: name '%s'", n->name);
	name_path(n->name, path, sizeof(path));
	return write_json(st, path, j, e);
}

int name_remove(const struct store *st, const char *name, struct err *e)
{
	char path[STORE_PATH_MAX];

	name_path(name, path, sizeof(path));
	if (unlinkat(st->fd, path, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "store: remove name '%s'", name);
	return 0;
}

int name_each(const struct store *st, int (*fn)(const struct name_record *n, void *arg), void *arg)
{
	AUTO(strv_clear) struct strv files = { 0 };
	char path[STORE_PATH_MAX];
	int r = folder_list(st, "names", &files);

	for (size_t i = 0; !r && i < files.n; i++) {
		struct name_record n;

		if (!str_ends(files.v[i], ".json") ||
		    str_format(path, sizeof(path), "names/%s", files.v[i]) < 0)
			continue;
		int bad = name_read(st, path, &n, NULL);
		if (bad)
			log_debug("store: '%s': cannot be read, ignoring it", path);
		else
			r = fn(&n, arg);
	}
	return r;
}

/* --- index.json ------------------------------------------------------------------------ */

struct index_arg {
	const struct store *st;
	json_t *list;
};

static int index_add(const struct name_record *n, void *arg)
{
	struct index_arg *a = arg;
	AUTO(record_clear) struct record rec = { 0 };
	AUTO(manifest_clear) struct manifest m = { 0 };
	auto_free char *text = NULL;
	char file[DIGEST_STR_MAX + 8];
	size_t len;

	(void)str_format(file, sizeof(file), "%s.json", digest_hex(n->id));
	if (record_load(a->st, "images", file, &rec, NULL) ||
	    blob_read(a->st, rec.manifest, IMAGE_MANIFEST_MAX, &text, &len, NULL) ||
	    manifest_parse(text, len, n->name, NULL, &m, NULL))
		return 0;
	(void)json_array_append_new(a->list,
				    json_pack("{s:s,s:s,s:I,s:{s:s}}", "mediaType", m.media,
					      "digest", rec.manifest, "size", (json_int_t)len,
					      "annotations", "org.opencontainers.image.ref.name",
					      n->name));
	return 0;
}

void index_write(struct store *st)
{
	struct index_arg a = { .st = st, .list = json_array() };
	AUTO(json_drop) json_t *j = json_pack("{s:i,s:s,s:o}", "schemaVersion", 2, "mediaType",
					      MEDIA_OCI_INDEX, "manifests", a.list);

	/* derived: who reads it is another tool, and the next change mends it */
	if (!j || name_each(st, index_add, &a) || write_json(st, "index.json", j, NULL))
		log_debug("store: index.json is not up to date, ignoring");
}
