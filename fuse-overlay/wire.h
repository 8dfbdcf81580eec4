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
 * struct wire_request - the request that this thread received last
 * @pid:	process that waits for the answer, 0 for the kernel itself
 * @bulk:	a read of WIRE_BULK bytes and more
 * @kill_priv:	it changes data for somebody without CAP_FSETID
 */
struct wire_request {
	pid_t pid;
	bool bulk;
	bool kill_priv;
};

#define WIRE_BULK 65536U

struct wire_request wire_request(void);

/**
 * wire_pass_through() - the answer that this thread sends next opens a file
 * whose data the kernel moves by itself
 * @backing:	registration of the real file; 0: not so
 */
void wire_pass_through(int backing);

#endif
