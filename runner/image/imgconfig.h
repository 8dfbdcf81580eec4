/* SPDX-License-Identifier: Apache-2.0
 *
 * imgconfig - an image's config object: how it wants to run, and its layers
 */
#ifndef RUNNER_IMAGE_IMGCONFIG_H
#define RUNNER_IMAGE_IMGCONFIG_H

#include <stddef.h>

#include "common/cleanup.h"
#include "runner/image/image.h"

void image_config_clear(struct image_config *c);
DEFINE_AUTO_CLEAR(struct image_config, image_config_clear);

/**
 * image_config_parse() - text to config; pure
 * @what:	for the error line
 * Return: 0, -EINVAL
 */
int image_config_parse(const char *data, size_t len, const char *what, struct image_config *ret,
		       struct err *e);

#endif
