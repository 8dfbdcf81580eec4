/* SPDX-License-Identifier: Apache-2.0
 *
 * firstopen - let the kernel learn at once that files need no opening
 */
#ifndef FUSE_OVERLAY_FIRSTOPEN_H
#define FUSE_OVERLAY_FIRSTOPEN_H

#include "fuse-overlay/ovl.h"

/**
 * firstopen_start() - open a file on the mount, from a child that a thread waits for
 * @o:		its mountpoint is absolute
 * @done:	called by that thread when it is over, whether it worked or not
 * @arg:	of @done
 * @ret:	the thread, to be joined; it ends at the latest with the session
 *
 * Return: 0, -errno when there is no thread; then @done is not called
 */
int firstopen_start(struct ovl *o, void (*done)(void *arg), void *arg, pthread_t *ret);

/**
 * firstopen_is() - is a lookup that child's
 * @pid:	who asks
 */
bool firstopen_is(const struct ovl *o, const struct node *parent, const char *name, pid_t pid);

/**
 * firstopen_entry() - what it finds
 * Return: 0, -ENOMEM
 */
int firstopen_entry(struct ovl *o, struct fuse_entry_param *e);

#endif
