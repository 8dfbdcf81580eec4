/* SPDX-License-Identifier: Apache-2.0
 *
 * layer - the folders that make up the mount
 */
#ifndef FUSE_OVERLAY_LAYER_H
#define FUSE_OVERLAY_LAYER_H

#include "common/err.h"
#include "fuse-overlay/ovl.h"

/**
 * layer_open_all() - open every layer and the work folder, make the root
 * @o:		zeroed but for conf; ovl_clear() releases it, also after failure
 * Return: 0, -errno with the reason in @e
 */
int layer_open_all(struct ovl *o, struct err *e);

/**
 * layer_fuse_lasts() - is this line of /proc/self/mountinfo (proc(5)) about
 * that device, and a FUSE file system whose inode numbers are lasting ones
 */
bool layer_fuse_lasts(const char *line, unsigned int major, unsigned int minor);

/**
 * ovl_clear() - release everything
 */
void ovl_clear(struct ovl *o);

#endif
