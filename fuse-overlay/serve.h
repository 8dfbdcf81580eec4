/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - mount, answer requests, unmount
 */
#ifndef FUSE_OVERLAY_SERVE_H
#define FUSE_OVERLAY_SERVE_H

#include "common/err.h"
#include "fuse-overlay/conf.h"

/**
 * serve() - mount as asked and serve until unmounted
 *
 * Without -f the caller's process ends as soon as the mount answers, and a
 * child serves. Return: 0, -errno with the reason in @e
 */
int serve(const struct conf *c, struct err *e);

#endif
