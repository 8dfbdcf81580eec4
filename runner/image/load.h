/* SPDX-License-Identifier: Apache-2.0
 *
 * load - what image_load() and the seeds share
 */
#ifndef RUNNER_IMAGE_LOAD_H
#define RUNNER_IMAGE_LOAD_H

#include "runner/image/manifest.h"
#include "runner/image/store_int.h"

/**
 * load_index() - parse DIR/index.json
 */
int load_index(int dirfd, const char *what, struct manifest *ret, struct err *e);

/**
 * load_from_layout() - bring the blobs of one image into the store
 * @dirfd:	OCI layout folder; -1: the blobs are in the store already
 * @d:		entry of its index: a manifest, or an index of platforms
 * @ret:	what the image's record will say; the caller saves it
 *
 * The caller holds lock_users(): nothing else keeps the blobs yet.
 * Return: 0, -errno
 */
int load_from_layout(struct store *st, int dirfd, const char *what, const struct descriptor *d,
		     const struct platform *want, struct record *ret, struct err *e);

#endif
