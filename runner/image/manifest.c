/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest - OCI and Docker manifests and multi-arch indexes
 */
#include "runner/image/manifest.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/image/digest.h"
#include "runner/image/json.h"

static void copy_text(char *dst, size_t size, const char *s)
{
	if (!s || str_format(dst, size, "%s", s) < 0)
		dst[0] = '\0';
}

static int parse_descriptor(const json_t *j, const char *what, struct descriptor *d,
			    struct err *e)
{
	const char *digest = json_str(j, "digest");
	const json_t *size = json_object_get(j, "size");
	const char *media = json_str(j, "mediaType");

	if (!digest || !digest_is_valid(digest))
		return err_msg(e, -EINVAL, "%s: '%.100s' is not a sha256 digest", what,
			       digest ? digest : "");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_msg(e, -EINVAL, "%s: blob %s has no size", what, digest);
	copy_text(d->digest, sizeof(d->digest), digest);
	d->size = (uint64_t)json_integer_value(size);
	copy_text(d->media, sizeof(d->media), media);

	const json_t *platform = json_object_get(j, "platform");
	copy_text(d->os, sizeof(d->os), json_str(platform, "os"));
	copy_text(d->arch, sizeof(d->arch), json_str(platform, "architecture"));
	copy_text(d->variant, sizeof(d->variant), json_str(platform, "variant"));

	const json_t *notes = json_object_get(j, "annotations");
	const char *name = json_str(notes, "io.containerd.image.name");
	if (!name)
		name = json_str(notes, "org.opencontainers.image.ref.name");
	d->name = name ? xstrdup(name) : NULL;
	return 0;
}

void manifest_clear(struct manifest *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].name);
	free(m->list);
	free(m->config.name);
	*m = (struct manifest){ 0 };
}

static int parse_list(const json_t *arr, size_t max, const char *what, struct manifest *m,
		      struct err *e)
{
	size_t n = json_array_size(arr);

	if (n > max)
		return err_msg(e, -EINVAL, "%s: has %zu entries, more than %zu", what, n, max);
	m->list = xcalloc(n ? n : 1, sizeof(*m->list));
	for (size_t i = 0; i < n; i++) {
		int r = parse_descriptor(json_array_get(arr, i), what, &m->list[i], e);
		if (r)
			return r;
		m->n++;
	}
	return 0;
}

/* A registry holds other things than images: signatures, charts, bundles. */
static int check_image(const struct manifest *m, const char *what, struct err *e)
{
	const char *c = m->config.media;

	if (*c && !str_eq(c, MEDIA_OCI_CONFIG) && !str_eq(c, MEDIA_DOCKER_CONFIG) &&
	    !str_eq(c, "application/octet-stream"))
		return err_msg(e, -EOPNOTSUPP, "%s: is no container image: its config is %s", what,
			       c);
	for (size_t i = 0; i < m->n; i++) {
		const char *l = m->list[i].media;

		if (strstr(l, "foreign") || strstr(l, "encrypted"))
			return err_msg(e, -EOPNOTSUPP, "%s: layer %s: cannot read %s", what,
				       m->list[i].digest, l);
	}
	return 0;
}

static int parse_image(const json_t *j, const char *what, struct manifest *m, struct err *e)
{
	const json_t *config = json_object_get(j, "config");

	if (!json_is_object(config)) {
		if (json_object_get(j, "fsLayers"))
			return err_msg(e, -EOPNOTSUPP,
				       "%s: is in Docker's schema 1, which is too old to verify",
				       what);
		return err_msg(e, -EINVAL, "%s: is no image manifest", what);
	}
	int r = parse_descriptor(config, what, &m->config, e);
	if (!r)
		r = parse_list(json_object_get(j, "layers"), IMAGE_LAYERS_MAX, what, m, e);
	return r ? r : check_image(m, what, e);
}

int manifest_parse(const char *data, size_t len, const char *what, const char *media,
		   struct manifest *ret, struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	AUTO(manifest_clear) struct manifest m = { 0 };
	int r = json_object_load(data, len, what, &j, e);

	if (r)
		return r;

	const char *own = json_str(j, "mediaType");
	copy_text(m.media, sizeof(m.media), own ? own : media);
	const json_t *manifests = json_object_get(j, "manifests");
	/* one text must not be an index to one reader and an image to another */
	if (manifests && json_object_get(j, "layers"))
		return err_msg(e, -EINVAL, "%s: is both an index and an image manifest", what);
	m.is_index = json_is_array(manifests);
	if (m.is_index)
		r = parse_list(manifests, INDEX_ENTRIES_MAX, what, &m, e);
	else
		r = parse_image(j, what, &m, e);
	if (r)
		return r;
	if (!m.media[0])
		copy_text(m.media, sizeof(m.media),
			  m.is_index ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST);
	*ret = m;
	m = (struct manifest){ 0 };
	return 0;
}

/* The kernel's machine names and Go's. */
static const struct {
	const char *machine, *arch, *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },	{ "aarch64", "arm64", "v8" },
	{ "armv8l", "arm", "v7" },	{ "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },	{ "i686", "386", "" },
	{ "i586", "386", "" },		{ "ppc64le", "ppc64le", "" },
	{ "s390x", "s390x", "" },	{ "riscv64", "riscv64", "" },
	{ "loongarch64", "loong64", "" }, { "mips64", "mips64le", "" },
};

void platform_init(struct platform *p, const char *os, const char *arch, const char *variant)
{
	struct utsname u;

	copy_text(p->os, sizeof(p->os), os && *os ? os : "linux");
	copy_text(p->arch, sizeof(p->arch), arch);
	copy_text(p->variant, sizeof(p->variant), variant);
	if (p->arch[0] || uname(&u) < 0)
		return;
	copy_text(p->arch, sizeof(p->arch), u.machine);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (!str_eq(u.machine, machines[i].machine))
			continue;
		copy_text(p->arch, sizeof(p->arch), machines[i].arch);
		copy_text(p->variant, sizeof(p->variant), machines[i].variant);
	}
}

/* 0 does not fit, more is better */
static int fitness(const struct descriptor *d, const struct platform *want)
{
	if (!str_eq(d->os, want->os) || !str_eq(d->arch, want->arch))
		return 0;
	if (str_eq(d->variant, want->variant))
		return 3;
	if (!d->variant[0] || !want->variant[0])
		return 2;
	/* an older variant of the same family runs, a newer one may not */
	return strcmp(d->variant, want->variant) < 0 ? 1 : 0;
}

int manifest_pick(const struct manifest *index, const struct platform *want, const char *what,
		  const struct descriptor **ret, struct err *e)
{
	const struct descriptor *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < index->n; i++) {
		int fit = fitness(&index->list[i], want);

		if (fit > best_fit) {
			best = &index->list[i];
			best_fit = fit;
		}
	}
	if (!best && index->n == 1 && !index->list[0].arch[0])
		best = &index->list[0];
	if (best) {
		*ret = best;
		return 0;
	}

	AUTO(strbuf_clear) struct strbuf have = { 0 };
	for (size_t i = 0; i < index->n && have.len < 300; i++) {
		const struct descriptor *d = &index->list[i];

		(void)strbuf_addf(&have, "%s%s/%s%s%s", i ? ", " : "", d->os, d->arch,
				  d->variant[0] ? "/" : "", d->variant);
	}
	return err_msg(e, -ENOENT, "%s: has no image for %s/%s%s%s, only for: %s", what, want->os,
		       want->arch, want->variant[0] ? "/" : "", want->variant,
		       have.len ? have.s : "nothing");
}
