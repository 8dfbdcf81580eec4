/* SPDX-License-Identifier: Apache-2.0
 *
 * passthrough - files whose data the kernel moves without the server
 */
#ifndef FUSE_OVERLAY_PASSTHROUGH_H
#define FUSE_OVERLAY_PASSTHROUGH_H

#include "fuse-overlay/ovl.h"

/**
 * passthrough_is_allowed() - may this process register files with the kernel?
 *
 * The kernel wants CAP_SYS_ADMIN over the whole machine.
 */
bool passthrough_is_allowed(void);

/**
 * passthrough_init() / passthrough_clear() - the table of open files
 *
 * Without memory for it there is no passthrough.
 */
void passthrough_init(struct ovl *o);
void passthrough_clear(struct ovl *o);

/**
 * struct passthrough_way - how the kernel is to serve an open file
 * @backing:	the number under which it knows the real file, 0: by requests
 * @keep_cache:	with requests: what it holds of the file is still true
 */
struct passthrough_way {
	int backing;
	bool keep_cache;
};

/**
 * passthrough_open() - decide about a file that was just opened
 *
 * The lock is held. file_close() undoes it.
 * Return: 0, -ENOMEM, -EINVAL for O_DIRECT where the real file has none
 */
int passthrough_open(struct ovl *o, struct ofile *of, struct passthrough_way *ret);
void passthrough_close(struct ovl *o, struct ofile *of);

#endif
