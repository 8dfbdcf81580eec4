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
 * load_from_layout() - take one image of an OCI layout folder into the store
 * @d:		entry of its index: a manifest, or an index of platforms
 * @name:	canonical name to give, or NULL
 * Return: 0 and the record, -errno
 */
int load_from_layout(struct store *st, int dirfd, const char *what, const struct descriptor *d,
		     const char *name, const struct platform *want, struct record *ret,
		     struct err *e);

#endif
