/* SPDX-License-Identifier: Apache-2.0
 *
 * ops - the table of requests
 */
#ifndef FUSE_OVERLAY_OPS_H
#define FUSE_OVERLAY_OPS_H

#include "fuse-overlay/ovl.h"

/* what fuse_session_new() wants; the user data is the struct ovl */
extern const struct fuse_lowlevel_ops ops_table;

#endif
