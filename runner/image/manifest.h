/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest - OCI and Docker manifests and multi-arch indexes
 */
#ifndef RUNNER_IMAGE_MANIFEST_H
#define RUNNER_IMAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "runner/image/image.h"

#define MEDIA_TYPE_MAX 128
#define INDEX_ENTRIES_MAX 4096

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

/**
 * struct descriptor - what a manifest points to
 * @media:	media type, "" when not given
 * @digest:	valid digest
 * @size:	bytes of the blob
 * @os, @arch, @variant: platform (index entries only), "" when not given
 * @name:	annotation that names the image (index entries only), or NULL
 */
struct descriptor {
	char media[MEDIA_TYPE_MAX];
	char digest[DIGEST_STR_MAX];
	uint64_t size;
	char os[32];
	char arch[32];
	char variant[32];
	char *name;
};

/**
 * struct manifest - an image manifest or an index
 * @is_index:	list holds manifests; else list holds the layers, lowest first
 * @config:	of an image manifest
 */
struct manifest {
	bool is_index;
	char media[MEDIA_TYPE_MAX];
	struct descriptor config;
	struct descriptor *list;
	size_t n;
};

void manifest_clear(struct manifest *m);
DEFINE_AUTO_CLEAR(struct manifest, manifest_clear);

/**
 * manifest_parse() - text to manifest; pure
 * @what:	for the error line: the name or digest
 * @media:	media type that came with it, may be NULL
 * Return: 0, -EINVAL, -EOPNOTSUPP for what is no container image
 */
int manifest_parse(const char *data, size_t len, const char *what, const char *media,
		   struct manifest *ret, struct err *e);

/**
 * struct platform - what an image must be made for
 */
struct platform {
	char os[32];
	char arch[32];
	char variant[32];
};

/**
 * platform_init() - the wanted platform; NULL or "" means this machine's
 */
void platform_init(struct platform *p, const char *os, const char *arch, const char *variant);

/**
 * manifest_pick() - the entry of an index for a platform
 *
 * An exact variant wins; an entry without platform fits when it is the only one.
 * Return: 0, -ENOENT with a line that lists what there is
 */
int manifest_pick(const struct manifest *index, const struct platform *want, const char *what,
		  const struct descriptor **ret, struct err *e);

#endif
