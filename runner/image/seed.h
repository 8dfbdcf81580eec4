/* SPDX-License-Identifier: Apache-2.0
 *
 * seed - images that come with the program
 */
#ifndef RUNNER_IMAGE_SEED_H
#define RUNNER_IMAGE_SEED_H

#include "runner/image/reference.h"
#include "runner/image/store.h"

/**
 * seed_load() - the built-in image of a short name, loaded when the store has
 * none or an older one
 * Return: 0, -ENOENT when no seed is called so, -errno
 */
int seed_load(struct store *st, const struct ref *ref, struct image **ret, struct err *e);

#endif
