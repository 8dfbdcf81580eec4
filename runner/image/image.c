/* SPDX-License-Identifier: Apache-2.0
 *
 * image - finding, listing, naming and removing the images of a store
 *
 * How it works: what a person types is, in this order: a name, a name on
 * localhost (a built-in or locally made image), an id or the beginning of one, a
 * built-in image that was not loaded yet.
 */
#include "runner/image/image.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/digest.h"
#include "runner/image/imgconfig.h"
#include "runner/image/layer.h"
#include "runner/image/seed.h"
#include "runner/image/store_int.h"

void image_free(struct image *img)
{
	if (!img)
		return;
	strv_clear(&img->names);
	strv_clear(&img->repo_digests);
	image_config_clear(&img->config);
	free(img->config_json);
	free(img->manifest_json);
	free(img);
}

void image_list_free(struct image **list)
{
	for (size_t i = 0; list && list[i]; i++)
		image_free(list[i]);
	free(list);
}

void image_rm_result_clear(struct image_rm_result *r)
{
	strv_clear(&r->untagged);
	r->deleted[0] = '\0';
}

static void id_file(const char *id, char *buf, size_t size)
{
	(void)str_format(buf, size, "%s.json", digest_hex(id));
}

/* --- from records to struct image -------------------------------------------------- */

struct names_arg {
	struct image *img;
	const char *first;
};

static int collect_name(const struct name_record *n, void *arg)
{
	struct names_arg *a = arg;
	struct ref ref;
	char repo[REF_STR_MAX];

	if (!str_eq(n->id, a->img->id) || ref_parse(n->name, &ref, NULL))
		return 0;
	if (!ref.digest[0] && strv_add(&a->img->names, n->name))
		return -ENOMEM;
	(void)ref_repo(&ref, repo);
	AUTO(strv_clear) struct strv one = { 0 };
	if (strv_addf(&one, "%s@%s", repo, n->digest))
		return -ENOMEM;
	return strv_has(&a->img->repo_digests, one.v[0]) ? 0
							 : strv_add(&a->img->repo_digests, one.v[0]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int fill_names(struct store *st, struct image *img)
{
	struct names_arg a = { .img = img };
	int r = name_each(st, collect_name, &a);

	if (img->names.n)
		qsort(img->names.v, img->names.n, sizeof(char *), by_text);
	return r;
}

int image_open(struct store *st, const struct record *rec, struct image **ret, struct err *e)
{
	AUTO(image_free) struct image *img = xcalloc(1, sizeof(*img));
	size_t len;

	memcpy(img->id, rec->id, sizeof(img->id));
	memcpy(img->digest, rec->manifest, sizeof(img->digest));
	img->size = rec->size;
	img->blob_size = rec->blob_size;
	int r = blob_read(st, rec->manifest, IMAGE_MANIFEST_MAX, &img->manifest_json, &len, e);
	if (!r)
		r = blob_read(st, rec->id, IMAGE_CONFIG_MAX, &img->config_json, &len, e);
	if (!r)
		r = image_config_parse(img->config_json, len, rec->id, &img->config, e);
	if (r)
		return r;
	r = fill_names(st, img);
	if (r)
		return err_set(e, r, "store: read names");
	*ret = take_ptr(img);
	return 0;
}

static int open_by_id(struct store *st, const char *id, struct image **ret, struct err *e)
{
	AUTO(record_clear) struct record rec = { 0 };
	char file[DIGEST_STR_MAX + 8];

	id_file(id, file, sizeof(file));
	int r = record_load(st, "images", file, &rec, e);
	return r ? r : image_open(st, &rec, ret, e);
}

/* --- resolving what was typed --------------------------------------------------------- */

struct digest_arg {
	const struct store *st;
	const struct ref *want;
	char id[DIGEST_STR_MAX];
};

/* name@digest: of the index or of the image's own manifest */
static int match_digest(const struct name_record *n, void *arg)
{
	struct digest_arg *a = arg;
	AUTO(record_clear) struct record rec = { 0 };
	char file[DIGEST_STR_MAX + 8];
	struct ref ref;

	if (ref_parse(n->name, &ref, NULL) || !str_eq(ref.domain, a->want->domain) ||
	    !str_eq(ref.path, a->want->path))
		return 0;
	id_file(n->id, file, sizeof(file));
	if (record_load(a->st, "images", file, &rec, NULL))
		return 0;
	if (!str_eq(n->digest, a->want->digest) && !str_eq(rec.manifest, a->want->digest))
		return 0;
	memcpy(a->id, n->id, sizeof(a->id));
	return 1;
}

/* Return: 1 and the id, 0 when no name fits, -errno */
static int find_ref(const struct store *st, const struct ref *ref, char id[DIGEST_STR_MAX])
{
	char name[REF_STR_MAX];
	struct name_record n;

	if (ref->digest[0]) {
		struct digest_arg a = { .st = st, .want = ref };
		int r = name_each(st, match_digest, &a);

		if (r == 1)
			memcpy(id, a.id, DIGEST_STR_MAX);
		return r;
	}
	(void)ref_canonical(ref, name);
	int r = name_load(st, name, &n, NULL);
	if (r)
		return r == -ENOENT ? 0 : r;
	memcpy(id, n.id, DIGEST_STR_MAX);
	return 1;
}

static int find_name(const struct store *st, const struct ref *ref, char id[DIGEST_STR_MAX])
{
	int r = find_ref(st, ref, id);

	if (r || !ref->is_short)
		return r;
	struct ref local = *ref;
	return ref_set_domain(&local, "localhost") ? 0 : find_ref(st, &local, id);
}

/* Return: 1 and the id, 0 when none begins so, -EEXIST when several do */
static int find_id(const struct store *st, const char *text, char id[DIGEST_STR_MAX])
{
	AUTO(strv_clear) struct strv files = { 0 };
	const char *hex = str_after(text, "sha256:");
	int found = 0;

	if (!hex)
		hex = text;
	size_t len = strlen(hex);
	if (len < 1 || len > 64 || !digest_is_hex(hex, len))
		return 0;
	int r = folder_list(st, "images", &files);
	for (size_t i = 0; !r && i < files.n; i++) {
		if (!str_starts(files.v[i], hex) || !str_ends(files.v[i], ".json"))
			continue;
		if (found++)
			return -EEXIST;
		(void)str_format(id, DIGEST_STR_MAX, "sha256:%.64s", files.v[i]);
	}
	return r ? r : found && digest_is_valid(id);
}

/**
 * struct found - what resolve() found
 * @by_id:	an id was typed
 * @name:	canonical name that was meant, "" by id
 */
struct found {
	char id[DIGEST_STR_MAX];
	char name[REF_STR_MAX];
	bool by_id;
};

static int resolve(struct store *st, const char *text, struct found *ret, struct err *e)
{
	struct ref ref;
	struct err why;
	int bad = ref_parse(text, &ref, &why);
	int r = bad ? 0 : find_name(st, &ref, ret->id);

	ret->by_id = false;
	ret->name[0] = '\0';
	if (r < 0)
		return err_set(e, r, "image '%s'", text);
	if (r == 1) {
		(void)ref_canonical(&ref, ret->name);
		struct name_record n;
		if (!ref.digest[0] && name_load(st, ret->name, &n, NULL) &&
		    !ref_set_domain(&ref, "localhost"))
			(void)ref_canonical(&ref, ret->name);
		return 0;
	}
	r = find_id(st, text, ret->id);
	if (r == -EEXIST)
		return err_msg(e, r, "image '%s': several ids begin so", text);
	if (r < 0)
		return err_set(e, r, "image '%s'", text);
	if (r == 1) {
		ret->by_id = true;
		return 0;
	}
	if (bad) {
		if (e)
			*e = why;
		return bad;
	}
	return err_msg(e, -ENOENT, "image '%s': is not here", text);
}

int image_get(struct store *st, const char *name, struct image **ret, struct err *e)
{
	struct found f;
	struct ref ref;
	int r = resolve(st, name, &f, e);

	/* a built-in image follows the program: a new one replaces the old */
	if ((r == -ENOENT || str_starts(f.name, "localhost/")) && !ref_parse(name, &ref, NULL)) {
		int seeded = seed_load(st, &ref, ret, e);

		if (seeded != -ENOENT)
			return seeded;
	}
	return r ? r : open_by_id(st, f.id, ret, e);
}

int image_list(struct store *st, struct image ***ret, struct err *e)
{
	AUTO(strv_clear) struct strv files = { 0 };
	int r = folder_list(st, "images", &files);
	int n = 0;

	if (r)
		return err_set(e, r, "store '%s': read images", st->root);
	struct image **list = xcalloc(files.n + 1, sizeof(*list));
	for (size_t i = 0; i < files.n; i++) {
		AUTO(record_clear) struct record rec = { 0 };
		struct err why;

		if (!str_ends(files.v[i], ".json"))
			continue;
		r = record_load(st, "images", files.v[i], &rec, &why);
		if (!r)
			r = image_open(st, &rec, &list[n], &why);
		if (r)
			log_debug("%s: ignoring it", why.msg);
		else
			n++;
	}
	*ret = list;
	return n;
}

/* --- naming and removing --------------------------------------------------------------- */

int image_tag(struct store *st, const struct image *img, const char *newname, struct err *e)
{
	struct ref ref;
	struct name_record n = { 0 };
	int r = ref_parse(newname, &ref, e);

	if (r)
		return r;
	if (ref.digest[0])
		return err_msg(e, -EINVAL, "image name '%s': a new name has no digest", newname);
	(void)ref_canonical(&ref, n.name);
	memcpy(n.id, img->id, sizeof(n.id));
	memcpy(n.digest, img->digest, sizeof(n.digest));
	r = name_save(st, &n, e);
	if (!r)
		index_write(st);
	return r;
}

/* The first container that uses the image. */
static bool find_holder(struct store *st, const char *id, char *ret, size_t size)
{
	AUTO(strv_clear) struct strv files = { 0 };

	if (folder_list(st, "holds", &files))
		return false;
	for (size_t i = 0; i < files.n; i++) {
		AUTO(record_clear) struct record rec = { 0 };

		if (record_load(st, "holds", files.v[i], &rec, NULL) || !str_eq(rec.id, id))
			continue;
		(void)str_format(ret, size, "%.*s", (int)(strlen(files.v[i]) - 5), files.v[i]);
		return true;
	}
	return false;
}

static int remove_record(struct store *st, const char *id, struct err *e)
{
	char path[STORE_PATH_MAX];

	(void)str_format(path, sizeof(path), "images/%s.json", digest_hex(id));
	if (unlinkat(st->fd, path, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "store: remove image %s", id);
	return 0;
}

struct all_names_arg {
	const char *id;
	struct strv names;
};

static int collect_all(const struct name_record *n, void *arg)
{
	struct all_names_arg *a = arg;

	return str_eq(n->id, a->id) ? strv_add(&a->names, n->name) : 0;
}

static int check_removable(struct store *st, const char *typed, const struct found *f, bool force,
			   size_t n_names, struct err *e)
{
	char holder[160];

	if (force)
		return 0;
	if (f->by_id && n_names > 1)
		return err_msg(e, -ENOTUNIQ, "image '%s': has %zu names: remove them by name, or use "
			       "--force", typed, n_names);
	if ((f->by_id || n_names <= 1) && find_holder(st, f->id, holder, sizeof(holder)))
		return err_msg(e, -EBUSY, "image '%s': container %.12s uses it", typed, holder);
	return 0;
}

static int remove_names(struct store *st, const struct found *f, const struct strv *names,
			struct image_rm_result *ret, size_t *ret_left, struct err *e)
{
	*ret_left = names->n;
	for (size_t i = 0; i < names->n; i++) {
		if (!f->by_id && !str_eq(names->v[i], f->name))
			continue;
		int r = name_remove(st, names->v[i], e);
		if (r)
			return r;
		(*ret_left)--;
		if (strv_add(&ret->untagged, names->v[i]))
			return -ENOMEM;
	}
	return 0;
}

int image_remove(struct store *st, const char *name, bool force,
		 struct image_rm_result *ret, struct err *e)
{
	AUTO(image_rm_result_clear) struct image_rm_result res = { 0 };
	struct all_names_arg all = { 0 };
	struct found f;
	size_t left;
	int r = resolve(st, name, &f, e);

	if (r)
		return r;
	all.id = f.id;
	r = name_each(st, collect_all, &all);
	AUTO(strv_clear) struct strv names = all.names;
	if (r)
		return err_set(e, r, "store: read names");
	/* name@digest of an image that has tags as well names all of it */
	if (!strv_has(&names, f.name))
		f.by_id = true;
	r = check_removable(st, name, &f, force, names.n, e);
	if (!r)
		r = remove_names(st, &f, &names, &res, &left, e);
	if (!r && !left) {
		r = remove_record(st, f.id, e);
		memcpy(res.deleted, f.id, sizeof(res.deleted));
	}
	if (r)
		return r;
	index_write(st);
	if (!left)
		r = store_collect(st, NULL, e);
	if (r)
		return r;
	*ret = res;
	res = (struct image_rm_result){ 0 };
	return 0;
}

/* --- layers -------------------------------------------------------------------------------- */

int image_layers(struct store *st, const struct image *img, const struct layer_mode *mode,
		 struct strv *ret, bool *ret_native, struct err *e)
{
	AUTO(record_clear) struct record rec = { 0 };
	AUTO(strv_clear) struct strv dirs = { 0 };
	AUTO(lock_clear) struct lock lock = LOCK_NONE;
	char file[DIGEST_STR_MAX + 8];
	bool native = true;
	uint64_t size = 0;

	id_file(img->id, file, sizeof(file));
	int r = record_load(st, "images", file, &rec, e);
	if (!r && lock_users(st, LOCK_SH, &lock))
		log_debug("store: no lock, going on");
	for (size_t i = rec.layers.n; !r && i > 0; i--) {
		struct layer_info info = { 0 };
		auto_free char *dir = NULL;

		r = layer_make_from_blob(st, mode, rec.layers.v[i - 1], rec.blobs.v[i - 1], &info,
					 e);
		if (r)
			return r;
		native &= !info.wh_files;
		size += info.size;
		r = layer_dir(st, mode->key, rec.layers.v[i - 1], &dir);
		if (!r)
			r = strv_add(&dirs, dir);
	}
	if (r)
		return r;
	if (rec.size != size) {
		rec.size = size;
		(void)record_save(st, "images", file, &rec, NULL);
	}
	for (size_t i = 0; i < dirs.n; i++) {
		if (strv_add(ret, dirs.v[i]))
			return -ENOMEM;
	}
	if (ret_native)
		*ret_native = native;
	return 0;
}
