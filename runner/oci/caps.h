/* SPDX-License-Identifier: Apache-2.0
 *
 * caps - names and sets of capabilities
 */
#ifndef RUNNER_OCI_CAPS_H
#define RUNNER_OCI_CAPS_H

#include <stdint.h>

struct err;
struct spec_caps;

enum { CAPS_COUNT = 41 };

/** caps_name() - name without "CAP_", NULL for a number without one */
const char *caps_name(int cap);

/** caps_last() - highest capability this kernel knows */
int caps_last(void);

/**
 * caps_drop_bounding() - lower the bounding set to what it has of @keep
 *
 * Allocates nothing; needs CAP_SETPCAP unless there is nothing to drop.
 */
int caps_drop_bounding(uint64_t keep, struct err *e);

/**
 * caps_apply() - set effective, permitted, inheritable and ambient
 *
 * Bits the process does not have are left out. Allocates nothing.
 */
int caps_apply(const struct spec_caps *c, struct err *e);

#endif
