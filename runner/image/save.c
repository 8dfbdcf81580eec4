/* SPDX-License-Identifier: Apache-2.0
 *
 * save - images of the store as one archive
 *
 * How it works: the archive is an OCI layout with a manifest.json in front of
 * the same blobs, which is what docker save writes since version 25: OCI tools
 * read the one, docker load and podman load the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/io.h"
#include "runner/image/blob.h"
#include "runner/image/json.h"
#include "runner/image/manifest.h"
#include "runner/image/store_int.h"

#define TAR_BLOCK 512u
#define COPY_SIZE (256u << 10)

/**
 * struct save - one archive being written
 * @done:	digests that are in it
 * @index:	of index.json
 * @docker:	of manifest.json
 */
struct save {
	struct store *st;
	int fd;
	struct strv done;
	json_t *index;
	json_t *docker;
};

static void save_clear(struct save *s)
{
	strv_clear(&s->done);
	json_decref(s->index);
	json_decref(s->docker);
}
DEFINE_AUTO_CLEAR(struct save, save_clear);

/* --- tar ---------------------------------------------------------------------------- */

/* Sizes of 8 GiB and more do not fit eleven octal digits: GNU's base 256. */
static void put_size(char *field, uint64_t size)
{
	if (size < 1ull << 33) {
		(void)str_format(field, 12, "%011llo", (unsigned long long)size);
		return;
	}
	for (int i = 11; i > 0; i--, size >>= 8)
		field[i] = (char)(size & 0xff);
	field[0] = (char)0x80;
}

static int put_header(struct save *s, const char *name, uint64_t size, struct err *e)
{
	char h[TAR_BLOCK] = { 0 };
	unsigned int sum = 0;

	(void)str_format(h, 100, "%s", name);
	(void)str_format(h + 100, 8, "%07o", name[strlen(name) - 1] == '/' ? 0755u : 0644u);
	(void)str_format(h + 108, 8, "%07o", 0u);
	(void)str_format(h + 116, 8, "%07o", 0u);
	put_size(h + 124, size);
	(void)str_format(h + 136, 12, "%011o", 0u);
	memset(h + 148, ' ', 8);
	h[156] = name[strlen(name) - 1] == '/' ? '5' : '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	(void)str_format(h + 148, 7, "%06o", sum);
	int r = io_write_all(s->fd, h, sizeof(h));
	return r ? err_set(e, r, "write the archive") : 0;
}

static int put_padding(struct save *s, uint64_t size, struct err *e)
{
	static const char zeros[TAR_BLOCK * 2];
	size_t rest = (size_t)(size % TAR_BLOCK);
	int r = rest ? io_write_all(s->fd, zeros, TAR_BLOCK - rest) : 0;

	return r ? err_set(e, r, "write the archive") : 0;
}

static int put_text(struct save *s, const char *name, const char *text, struct err *e)
{
	size_t len = strlen(text);
	int r = put_header(s, name, len, e);

	if (!r && (r = io_write_all(s->fd, text, len)))
		r = err_set(e, r, "write the archive");
	return r ? r : put_padding(s, len, e);
}

static int put_json(struct save *s, const char *name, const json_t *j, struct err *e)
{
	auto_free char *text = json_dumps(j, JSON_COMPACT);

	return text ? put_text(s, name, text, e) : err_set(e, -ENOMEM, "write the archive");
}

static int put_blob(struct save *s, const char *digest, struct err *e)
{
	auto_free char *buf = xcalloc(1, COPY_SIZE);
	char name[DIGEST_STR_MAX + 16];
	struct stat st;

	if (strv_has(&s->done, digest))
		return 0;
	auto_close int fd = blob_open(s->st, digest);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? fd : -errno, "read blob %s", digest);
	(void)str_format(name, sizeof(name), "blobs/sha256/%s", digest_hex(digest));
	int r = put_header(s, name, (uint64_t)st.st_size, e);
	for (off_t left = st.st_size; !r && left > 0;) {
		ssize_t n = io_read_all(fd, buf, left < (off_t)COPY_SIZE ? (size_t)left : COPY_SIZE);

		if (n <= 0)
			return err_set(e, n < 0 ? (int)n : -EIO, "read blob %s", digest);
		left -= n;
		r = io_write_all(s->fd, buf, (size_t)n);
		if (r)
			return err_set(e, r, "write the archive");
	}
	if (!r)
		r = put_padding(s, (uint64_t)st.st_size, e);
	return r ? r : strv_add(&s->done, digest);
}

/* --- images --------------------------------------------------------------------------- */

static json_t *blob_name(const char *digest)
{
	return json_sprintf("blobs/sha256/%s", digest_hex(digest));
}

/* Tags as docker load wants them: the name as it was typed, completed. */
static int add_index(struct save *s, const struct image *img, const struct manifest *m,
		     const char *typed)
{
	json_t *tags = json_array();
	json_t *layers = json_array();
	struct ref ref;
	char name[REF_STR_MAX];
	char repo[REF_STR_MAX];
	bool named = !ref_parse(typed, &ref, NULL) && !ref.digest[0];

	(void)ref_canonical(&ref, name);
	json_t *entry = json_pack("{s:s,s:s,s:I}", "mediaType", m->media, "digest", img->digest,
				  "size", (json_int_t)strlen(img->manifest_json));
	if (named && !strv_has(&img->names, name)) {
		/* an id, or a name on localhost */
		named = !ref_set_domain(&ref, "localhost");
		(void)ref_canonical(&ref, name);
		named = named && strv_has(&img->names, name);
	}
	if (named) {
		(void)ref_familiar(&ref, repo);
		(void)json_object_set_new(entry, "annotations",
					  json_pack("{s:s,s:s}", "io.containerd.image.name", name,
						    "org.opencontainers.image.ref.name", ref.tag));
		(void)json_array_append_new(tags, json_sprintf("%s:%s", repo, ref.tag));
	}
	for (size_t i = 0; i < m->n; i++)
		(void)json_array_append_new(layers, blob_name(m->list[i].digest));
	(void)json_array_append_new(s->docker, json_pack("{s:o,s:o,s:o}", "Config",
							  blob_name(img->id), "RepoTags", tags,
							  "Layers", layers));
	return json_array_append_new(s->index, entry) ? -ENOMEM : 0;
}

static int put_image(struct save *s, const char *typed, struct err *e)
{
	AUTO(image_free) struct image *img = NULL;
	AUTO(manifest_clear) struct manifest m = { 0 };
	int r = image_get(s->st, typed, &img, e);

	if (!r)
		r = manifest_parse(img->manifest_json, strlen(img->manifest_json), typed, NULL, &m,
				   e);
	if (!r)
		r = put_blob(s, img->digest, e);
	if (!r)
		r = put_blob(s, img->id, e);
	for (size_t i = 0; !r && i < m.n; i++)
		r = put_blob(s, m.list[i].digest, e);
	return r ? r : add_index(s, img, &m, typed);
}

int image_save(struct store *st, char *const *names, size_t n, int fd, struct err *e)
{
	static const char zeros[TAR_BLOCK * 2];
	AUTO(save_clear) struct save s = {
		.st = st, .fd = fd, .index = json_array(), .docker = json_array(),
	};
	AUTO(lock_clear) struct lock lock = LOCK_NONE;
	int r = 0;

	/* what is being written must not be collected; a store that cannot be
	 * locked can be read */
	(void)lock_users(st, LOCK_SH, &lock);
	for (size_t i = 0; !r && i < n; i++)
		r = put_image(&s, names[i], e);
	if (r)
		return r;
	AUTO(json_drop) json_t *index = json_pack("{s:i,s:s,s:O}", "schemaVersion", 2, "mediaType",
						  MEDIA_OCI_INDEX, "manifests", s.index);
	r = put_json(&s, "index.json", index, e);
	if (!r)
		r = put_json(&s, "manifest.json", s.docker, e);
	if (!r)
		r = put_text(&s, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", e);
	if (!r && (r = io_write_all(fd, zeros, sizeof(zeros))))
		r = err_set(e, r, "write the archive");
	return r;
}
