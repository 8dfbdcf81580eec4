/* SPDX-License-Identifier: Apache-2.0
 *
 * seed - images that come with the program
 *
 * How it works: a seed is an OCI layout folder. Its image is called
 * localhost/NAME:latest, so nothing claims to come from a registry. At each use
 * its index is compared with what the store has: a newer program brings a
 * newer image.
 */
#include "runner/image/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "common/err.h"
#include "common/log.h"
#include "runner/image/digest.h"
#include "runner/image/load.h"

static const char *seed_path(const struct store *st, const struct ref *ref)
{
	struct ref local = *ref;

	if (ref->digest[0] || !str_eq(ref->tag, "latest") ||
	    (!ref->is_short && !str_eq(ref->domain, "localhost")) ||
	    ref_set_domain(&local, "localhost"))
		return NULL;
	for (size_t i = 0; i < st->seeds.n; i++) {
		const char *slash = strrchr(st->seeds.v[i], '/');

		if (str_eq(slash ? slash + 1 : st->seeds.v[i], local.path))
			return st->seeds.v[i];
	}
	return NULL;
}

/* The one in the store, when it is the seed's. */
static int use_stored(struct store *st, const char *name, const struct descriptor *d,
		      struct image **ret)
{
	AUTO(record_clear) struct record rec = { 0 };
	struct name_record n;
	char file[DIGEST_STR_MAX + 8];

	if (name_load(st, name, &n, NULL) || !str_eq(n.digest, d->digest))
		return -ENOENT;
	(void)str_format(file, sizeof(file), "%s.json", digest_hex(n.id));
	if (record_load(st, "images", file, &rec, NULL))
		return -ENOENT;
	return image_open(st, &rec, ret, NULL);
}

int seed_load(struct store *st, const struct ref *ref, struct image **ret, struct err *e)
{
	AUTO(manifest_clear) struct manifest index = { 0 };
	AUTO(record_clear) struct record rec = { 0 };
	struct platform want;
	struct ref local = *ref;
	char name[REF_STR_MAX];
	const char *path = seed_path(st, ref);

	if (!path)
		return -ENOENT;
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ENOENT : err_set(e, -errno, "open '%s'", path);
	int r = load_index(dir, path, &index, e);
	if (r)
		return r;
	if (index.n != 1)
		return err_msg(e, -EINVAL, "%s: has %zu images, not one", path, index.n);
	(void)ref_set_domain(&local, "localhost");
	(void)ref_canonical(&local, name);
	if (!use_stored(st, name, &index.list[0], ret))
		return 0;
	platform_init(&want, NULL, NULL, NULL);

	AUTO(lock_clear) struct lock lock = LOCK_NONE;
	struct name_record n = { 0 };
	if (lock_users(st, LOCK_SH, &lock))
		log_debug("store: no lock, going on");
	r = load_from_layout(st, dir, path, &index.list[0], &want, &rec, e);
	if (r)
		return r;
	memcpy(n.name, name, sizeof(n.name));
	memcpy(n.id, rec.id, sizeof(n.id));
	memcpy(n.digest, index.list[0].digest, sizeof(n.digest));
	r = record_image(st, &rec, &n, e);
	return r ? r : image_open(st, &rec, ret, e);
}
