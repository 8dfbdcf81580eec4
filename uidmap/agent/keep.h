/* SPDX-License-Identifier: Apache-2.0
 *
 * keep - owners of objects that can carry no attribute, from one run to the next
 *
 * One file for the container's root, a line for each change:
 *
 *	INODE BIRTH uid:gid:mode[:type]
 *
 * BIRTH is in ns since 1970. The last line of an object holds. The number of
 * the device is not kept: an overlay has another at every mount, and what is
 * on other file systems is not kept at all.
 *
 * A line "image" says that the owners of the image's objects are in the file,
 * too: what has an object's path later may be another object, and is not asked.
 */
#ifndef UIDMAP_AGENT_KEEP_H
#define UIDMAP_AGENT_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct node;
struct nodes;

#define KEEP_SIZE_MAX (64u << 20)

/**
 * keep_line() - read a line without its end; pure
 * @ret:	but for the device
 * Return: 0, -EINVAL
 */
int keep_line(const char *line, struct node *ret);

/**
 * keep_open() - read the file, and open it to write down what changes
 * @kept:	empty; gets what the file says, with device 0, and the descriptor
 *
 * When most lines are out of date, the file is written anew: as PATH.new, which
 * then takes its place. Lines that are none are passed over: a killed writer
 * leaves half a line.
 * Return: 0, -errno
 */
int keep_open(struct nodes *kept, const char *path, struct err *e);

/**
 * keep_begin() - the container is known: what was kept is of its root's device
 * @t:		gets what is in @kept, which is empty afterwards
 * @rootfd:	any descriptor on the container's root
 * Return: 0, -errno
 */
int keep_begin(struct nodes *t, struct nodes *kept, int rootfd, struct err *e);

/**
 * keep_can() - is such an entry written down?
 */
bool keep_can(const struct nodes *t, const struct node *n);

/**
 * keep_image() - the owners of the image's objects have all been put into @t
 */
void keep_image(struct nodes *t);

/**
 * keep_write() - one change; a full disk keeps the record for this run only
 */
void keep_write(const struct nodes *t, const struct node *n);

#endif
