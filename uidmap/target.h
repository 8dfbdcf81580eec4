/* SPDX-License-Identifier: Apache-2.0
 *
 * target - the process whose map is written, pinned by its /proc directory
 */
#ifndef UIDMAP_TARGET_H
#define UIDMAP_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "uidmap/policy.h"

struct err;

/**
 * struct target - a pinned process
 * @fd:		its /proc directory: a process that later gets the same number is
 *		another directory, and this one answers ESRCH
 * @name:	as the caller named it: "123" or "fd:4"
 * @ns_dev:	its user namespace at the last target_look(), 0 if unknown
 * @ns_ino:	likewise
 */
struct target {
	int fd;
	char name[24];
	dev_t ns_dev;
	ino_t ns_ino;
};

/**
 * target_open() - pin the process that the caller named
 * @t:		target; closed by target_close()
 * @arg:	`PID`, or `fd:N` for an inherited descriptor of a /proc directory
 * @e:		why not
 *
 * Only a real procfs is believed: not a symbolic link, not a file system in
 * user space, not something mounted over a part of it.
 *
 * Return: 0; -EINVAL for bad syntax; -errno.
 */
int target_open(struct target *t, const char *arg, struct err *e);

/**
 * target_look() - read what the policy wants to know of the process, now
 * @t:		pinned process
 * @ret:	the facts; @ret->name is borrowed from @t
 * @e:		why not
 *
 * Return: 0 or -errno (-ESRCH: it is gone).
 */
int target_look(struct target *t, struct policy_target *ret, struct err *e);

/**
 * target_open_file() - open a file of the process's /proc directory
 * @t:		pinned process
 * @name:	"uid_map", "gid_map" or "setgroups"
 * @flags:	for open
 *
 * Return: descriptor or -errno.
 */
int target_open_file(const struct target *t, const char *name, int flags);

/**
 * target_close() - let go
 * @t:		target
 */
void target_close(struct target *t);

DEFINE_AUTO_CLEAR(struct target, target_close);

#endif
