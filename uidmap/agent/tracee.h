/* SPDX-License-Identifier: Apache-2.0
 *
 * tracee - memory, descriptors and paths of the process that waits
 *
 * All is reached by thread id. Whoever changes something or writes, asks
 * tracee_is_valid() after having opened and before acting: a process that
 * died may have given its number to another.
 */
#ifndef UIDMAP_AGENT_TRACEE_H
#define UIDMAP_AGENT_TRACEE_H

#include "uidmap/agent/agent.h"

/**
 * struct place - what a call names
 * @fd:		descriptor of the target that @path begins at; -1: its working
 *		folder; not looked at when @path is absolute
 * @path:	NULL: @fd itself
 */
struct place {
	int fd;
	const char *path;
};

/* Returned where only the kernel can say: paths in /proc */
#define TRACEE_LEAVE (-EXDEV)

bool tracee_is_valid(const struct job *j);

/**
 * tracee_read(), tracee_write() - its memory, all of it or -EFAULT
 */
int tracee_read(const struct job *j, uint64_t addr, void *buf, size_t len);
int tracee_write(const struct job *j, uint64_t addr, const void *data, size_t len);

/**
 * tracee_string() - a string from its memory
 * Return: length, -EFAULT, -ENAMETOOLONG
 */
int tracee_string(const struct job *j, uint64_t addr, char *buf, size_t size);

/**
 * tracee_place() - read the path of an ...at() call
 * @empty:	an empty path means @dirfd (AT_EMPTY_PATH)
 * Return: 0, TRACEE_LEAVE, -errno for the caller
 */
int tracee_place(struct job *j, int dirfd, uint64_t addr, bool empty, struct place *ret);

/**
 * tracee_loc() - the place as a path from where we stand, in j->loc
 */
const char *tracee_loc(struct job *j, const struct place *p);

/**
 * tracee_open() - an O_PATH descriptor of the place
 * Return: descriptor, -errno
 */
int tracee_open(struct job *j, const struct place *p, bool follow);

/**
 * tracee_open_parent() - of its folder
 * @ret_name:	last component, in j->path; slashes behind it are gone
 * Return: descriptor, -errno, TRACEE_LEAVE for "..", "/" and the like
 */
int tracee_open_parent(struct job *j, const struct place *p, const char **ret_name);

/**
 * tracee_enter(), tracee_leave() - while paths are resolved: stand in the
 * target's root, where that may be another one than the container's
 * Return: 0, -errno
 */
int tracee_enter(struct job *j);
void tracee_leave(struct job *j);

/**
 * tracee_status() - a field of its /proc/TID/status
 * @key:	with the colon
 * @base:	of the number
 * Return: 0, -errno
 */
int tracee_status(const struct agent *a, pid_t tid, const char *key, int base, uint64_t *ret);

#endif
