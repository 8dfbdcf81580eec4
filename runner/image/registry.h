/* SPDX-License-Identifier: Apache-2.0
 *
 * registry - the OCI distribution protocol, pulling side
 */
#ifndef RUNNER_IMAGE_REGISTRY_H
#define RUNNER_IMAGE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"
#include "runner/image/image.h"
#include "runner/image/reference.h"
#include "runner/image/transfer.h"

struct credentials;
struct http;
struct registry;

/**
 * registry_new() - a repository at the place that serves it
 * @ref:	where it is (after mirrors and aliases)
 * @insecure:	registries.conf allows plain HTTP and unknown certificates
 * @opts:	borrowed while the registry lives
 */
int registry_new(const struct ref *ref, bool insecure, const struct image_pull_opts *opts,
		 struct registry **ret, struct err *e);
void registry_free(struct registry *r);
DEFINE_AUTO(struct registry, registry_free);

/**
 * registry_manifest() - a manifest or index
 * @which:	tag or digest; a digest is verified
 * @ret_media:	MEDIA_TYPE_MAX bytes
 * @ret_digest:	digest of the bytes
 * Return: 0, -ENOENT when the registry has none, -EACCES, -errno
 */
int registry_manifest(struct registry *r, struct http *h, const char *which, char **ret,
		      size_t *ret_len, char *ret_media, char ret_digest[DIGEST_STR_MAX],
		      struct err *e);

/**
 * registry_blob() - bring a blob into the store, continuing what is there
 * @f:		stream and progress may be NULL
 * Return: 0, -errno
 */
int registry_blob(struct registry *r, struct http *h, const struct fetch *f, struct err *e);

/**
 * registry_login() - are these credentials good for a registry
 * Return: 0, -EACCES, -errno
 */
int registry_login(const char *domain, const struct credentials *c,
		   const struct image_pull_opts *opts, struct err *e);

#endif
