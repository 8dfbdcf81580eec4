/* SPDX-License-Identifier: Apache-2.0
 *
 * pull - an image from its registry into the store
 *
 * How it works: the name is turned into the places that may serve it (short
 * names by alias or search list, mirrors before the registry itself); the first
 * that has the manifest serves the rest. Manifest and config first, then all
 * layers at once (transfer.c). The image's record comes last: until then there
 * is no image, only blobs and layers that the next pull finds.
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "common/err.h"
#include "common/log.h"
#include "runner/image/blob.h"
#include "runner/image/http.h"
#include "runner/image/manifest.h"
#include "runner/image/progress.h"
#include "runner/image/regconf.h"
#include "runner/image/registry.h"
#include "runner/image/store_int.h"
#include "runner/image/transfer.h"

#define PLACES_MAX 64

/**
 * struct place - one registry that may serve the image
 * @name:	what the image will be called
 */
struct place {
	struct ref name;
	struct ref at;
	bool insecure;
};

/**
 * struct pull - one image_pull()
 * @manifest:	the platform's manifest as bytes and parsed
 * @top_digest:	of what the name stands for (the index, if there is one)
 */
struct pull {
	struct store *st;
	const struct image_pull_opts *opts;
	struct place places[PLACES_MAX];
	size_t n_places;
	const struct place *from;
	struct registry *registry;
	struct http *http;
	struct platform want;
	char *text;
	size_t len;
	struct manifest manifest;
	char digest[DIGEST_STR_MAX];
	char top_digest[DIGEST_STR_MAX];
};

static void pull_clear(struct pull *p)
{
	manifest_clear(&p->manifest);
	http_free(p->http);
	registry_free(p->registry);
	free(p->text);
}
DEFINE_AUTO_CLEAR(struct pull, pull_clear);

/* --- where it may be ---------------------------------------------------------------- */

static int add_place(struct pull *p, const struct regconf *conf, const struct ref *name,
		     struct err *e)
{
	const struct reg_entry *r = regconf_find(conf, name);
	char text[REF_STR_MAX];
	int rc = 0;

	if (!r) {
		if (p->n_places < PLACES_MAX)
			p->places[p->n_places++] = (struct place){ .name = *name, .at = *name };
		return 0;
	}
	(void)ref_canonical(name, text);
	if (r->blocked)
		return err_msg(e, -EACCES, "image '%s': registries.conf blocks '%s'", text,
			       r->prefix);
	for (size_t i = 0; !rc && i <= r->n_mirrors && p->n_places < PLACES_MAX; i++) {
		const struct reg_place *at = i < r->n_mirrors ? &r->mirrors[i] : &r->self;
		struct place *place = &p->places[p->n_places];

		*place = (struct place){ .name = *name, .insecure = at->insecure };
		rc = regconf_place(name, r->prefix, at, &place->at, e);
		if (!rc)
			p->n_places++;
	}
	return rc;
}

static const char *find_alias(const struct regconf *conf, const char *name)
{
	for (size_t i = 0; i < conf->aliases.n; i++) {
		const char *rest = str_after(conf->aliases.v[i], name);

		if (rest && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

static int alias_places(struct pull *p, const struct regconf *conf, const struct ref *ref,
			const char *alias, struct err *e)
{
	struct ref to;
	int rc = ref_parse(alias, &to, e);

	if (rc)
		return err_wrap(e, "registries.conf: alias");
	memcpy(to.tag, ref->tag, sizeof(to.tag));
	memcpy(to.digest, ref->digest, sizeof(to.digest));
	return add_place(p, conf, &to, e);
}

static int find_places(struct pull *p, const char *name, struct err *e)
{
	AUTO(regconf_clear) struct regconf conf = { 0 };
	struct ref ref;
	char familiar[REF_STR_MAX];
	int rc = ref_parse(name, &ref, e);

	if (!rc)
		rc = regconf_load(&conf, e);
	if (rc)
		return rc;
	if (str_eq(ref.domain, "localhost"))
		return err_msg(e, -ENOENT, "image '%s': is not here, and localhost is no registry",
			       name);
	(void)ref_familiar(&ref, familiar);
	const char *alias = ref.is_short ? find_alias(&conf, familiar) : NULL;
	if (alias)
		return alias_places(p, &conf, &ref, alias, e);
	if (!ref.is_short || !conf.search.n)
		return add_place(p, &conf, &ref, e);
	for (size_t i = 0; !rc && i < conf.search.n; i++) {
		struct ref there = ref;

		rc = ref_set_domain(&there, conf.search.v[i]);
		rc = rc ? err_set(e, rc, "image '%s'", name) : add_place(p, &conf, &there, e);
	}
	return rc;
}

/* --- manifest ------------------------------------------------------------------------- */

static int get_manifest(struct pull *p, const char *which, char digest[DIGEST_STR_MAX],
			struct err *e)
{
	char media[MEDIA_TYPE_MAX];
	char name[REF_STR_MAX];

	free(p->text);
	p->text = NULL;
	manifest_clear(&p->manifest);
	int rc = registry_manifest(p->registry, p->http, which, &p->text, &p->len, media, digest, e);
	if (rc)
		return rc;
	(void)ref_canonical(&p->from->name, name);
	return manifest_parse(p->text, p->len, name, media, &p->manifest, e);
}

static int open_place(struct pull *p, const struct place *from, struct err *e)
{
	char name[REF_STR_MAX];

	registry_free(p->registry);
	p->registry = NULL;
	p->from = from;
	int rc = registry_new(&from->at, from->insecure, p->opts, &p->registry, e);
	if (rc)
		return rc;
	const struct ref *ref = &from->at;
	rc = get_manifest(p, ref->digest[0] ? ref->digest : ref->tag, p->top_digest, e);
	memcpy(p->digest, p->top_digest, sizeof(p->digest));
	if (rc || !p->manifest.is_index)
		return rc;

	const struct descriptor *pick;
	char which[DIGEST_STR_MAX];
	(void)ref_canonical(&from->name, name);
	rc = manifest_pick(&p->manifest, &p->want, name, &pick, e);
	if (rc)
		return rc;
	memcpy(which, pick->digest, sizeof(which));
	rc = get_manifest(p, which, p->digest, e);
	if (!rc && p->manifest.is_index)
		rc = err_msg(e, -EINVAL, "%s: is an index inside an index", name);
	return rc;
}

/* The first place that has it; what the last one said is the error. */
static int open_any(struct pull *p, struct err *e)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < p->n_places; i++) {
		rc = open_place(p, &p->places[i], e);
		if (!rc)
			return 0;
		if (i + 1 < p->n_places)
			log_debug("%s: trying the next place", e ? e->msg : "");
	}
	return rc;
}

/* --- blobs ------------------------------------------------------------------------------ */

static int conn_open(void *ctx, void **ret, struct err *e)
{
	struct http *h = NULL;
	int rc = http_new(&h, e);

	(void)ctx;
	if (!rc)
		*ret = h;
	return rc;
}

static int conn_get(void *ctx, void *conn, const struct fetch *f, struct err *e)
{
	return registry_blob(ctx, conn, f, e);
}

static void conn_close(void *ctx, void *conn)
{
	(void)ctx;
	http_free(conn);
}

static int get_config(struct pull *p, char **ret, size_t *ret_len, struct err *e)
{
	const struct descriptor *d = &p->manifest.config;
	struct fetch f = { .st = p->st, .digest = d->digest, .size = d->size };

	if (d->size > IMAGE_CONFIG_MAX)
		return err_msg(e, -EFBIG, "config %s: is larger than %u bytes", d->digest,
			       IMAGE_CONFIG_MAX);
	int rc = blob_have(p->st, d->digest, d->size) ? 0
						      : registry_blob(p->registry, p->http, &f, e);
	return rc ? rc : blob_read(p->st, d->digest, IMAGE_CONFIG_MAX, ret, ret_len, e);
}

static int get_layers(struct pull *p, struct record *rec, struct err *e)
{
	const struct fetcher fetcher = {
		.ctx = p->registry, .open = conn_open, .get = conn_get, .close = conn_close,
	};
	AUTO(progress_free) struct progress *progress =
		progress_new(&p->opts->progress, rec->layers.n);
	auto_free uint64_t *sizes = xcalloc(rec->layers.n + 1, sizeof(*sizes));
	char name[REF_STR_MAX];

	(void)ref_canonical(&p->from->name, name);
	progress_text(progress, "pulling %s", name);
	for (size_t i = 0; i < p->manifest.n; i++)
		sizes[i] = p->manifest.list[i].size;
	return transfer_layers(p->st, rec, sizes, p->opts->mode, &fetcher, progress, &rec->size, e);
}

static int pull_image(struct pull *p, struct image **ret, struct err *e)
{
	AUTO(record_clear) struct record rec = { 0 };
	struct name_record n = { 0 };
	auto_free char *config = NULL;
	size_t config_len;
	char name[REF_STR_MAX];

	(void)ref_canonical(&p->from->name, name);
	int rc = get_config(p, &config, &config_len, e);
	if (!rc)
		rc = blob_write(p->st, p->digest, p->text, p->len, e);
	if (!rc)
		rc = record_of(name, config, config_len, p->text, p->len, &rec, e);
	if (!rc)
		rc = get_layers(p, &rec, e);
	if (rc)
		return rc;
	(void)str_format(n.name, sizeof(n.name), "%s", name);
	memcpy(n.id, rec.id, sizeof(n.id));
	memcpy(n.digest, p->top_digest, sizeof(n.digest));
	rc = record_image(p->st, &rec, &n, e);
	return rc ? rc : image_open(p->st, &rec, ret, e);
}

/* Another try would end the same way: nothing of it is worth keeping. */
static bool is_final(int code)
{
	return code == -EBADMSG || code == -EINVAL || code == -ENOSPC || code == -EDQUOT ||
	       code == -EOVERFLOW || code == -EFBIG || code == -E2BIG || code == -EOPNOTSUPP ||
	       code == -ENAMETOOLONG || code == -ENOENT;
}

int image_pull(struct store *st, const char *name, const struct image_pull_opts *opts,
	       struct image **ret, struct err *e)
{
	auto_free struct pull *p = xcalloc(1, sizeof(*p));
	struct lock lock = LOCK_NONE;
	struct image *img = NULL;

	p->st = st;
	p->opts = opts;
	platform_init(&p->want, opts->os, opts->arch, opts->variant);
	int rc = find_places(p, name, e);
	if (rc)
		return rc;
	rc = http_new(&p->http, e);
	if (!rc) {
		rc = lock_users(st, LOCK_SH, &lock);
		if (rc)
			(void)err_set(e, rc, "store '%s': lock", st->root);
	}
	if (!rc)
		rc = open_any(p, e);
	if (!rc)
		rc = pull_image(p, &img, e);
	if (rc && is_final(rc)) {
		for (size_t i = 0; i < p->manifest.n; i++)
			blob_part_drop(st, p->manifest.list[i].digest);
	}
	lock_clear(&lock);
	pull_clear(p);
	if (rc && is_final(rc))
		(void)store_collect(st, NULL, NULL);
	if (rc)
		return err_wrap(e, "image '%s'", name);
	*ret = img;
	return 0;
}
