/* SPDX-License-Identifier: Apache-2.0
 *
 * rename - names that move
 */
#ifndef FUSE_OVERLAY_RENAME_H
#define FUSE_OVERLAY_RENAME_H

#include "fuse-overlay/ovl.h"

/**
 * rename_entry() - rename or exchange
 * @flags:	RENAME_NOREPLACE, RENAME_EXCHANGE
 * Return: 0; -EXDEV for a directory of a lower layer without redirects; -errno
 */
int rename_entry(struct ovl *o, struct node *p1, const char *n1, struct node *p2,
		 const char *n2, unsigned int flags);

#endif
