/* SPDX-License-Identifier: Apache-2.0
 *
 * wire - what the kernel offers and this libfuse does not know
 */
#ifndef FUSE_OVERLAY_WIRE_H
#define FUSE_OVERLAY_WIRE_H

#include "fuse-overlay/ovl.h"

/**
 * wire_attach() - put ourselves between libfuse and the device
 *
 * Call it after fuse_session_mount(). Without effect where libfuse refuses.
 */
void wire_attach(struct ovl *o);

/**
 * wire_client() - the process whose request this thread received last
 */
pid_t wire_client(void);

#endif
