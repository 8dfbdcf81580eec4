/* SPDX-License-Identifier: Apache-2.0
 *
 * helper - the pair of programs that can write a large map for us
 */
#ifndef UIDMAP_HELPER_H
#define UIDMAP_HELPER_H

#include <limits.h>
#include <stdbool.h>

struct err;
struct idkind;

/**
 * struct helper - newuidmap and newgidmap of one folder
 * @uid:	path of newuidmap
 * @gid:	path of newgidmap
 * @together:	newuidmap writes both maps in one call (mapper.h)
 */
struct helper {
	char uid[PATH_MAX];
	char gid[PATH_MAX];
	bool together;
};

/**
 * helper_candidate() - the next folder that has both programs
 * @at:		0 at first; moved on
 * @ret:	the pair
 *
 * In order: beside the running program, the suite's libexec folder, PATH.
 *
 * Return: true, or false when there are no more.
 */
bool helper_candidate(unsigned int *at, struct helper *ret);

/**
 * helper_check() - would running this program give it its capability?
 * @path:	program
 * @kind:	newuidmap's or newgidmap's
 * @e:		why not
 *
 * Looks at the file capability or the setuid bit, at the mount, and at what
 * this process may still gain.
 *
 * Return: 0; -EACCES when the file lacks it, which an admin can change; -EPERM
 * when this process or this mount cannot have it.
 */
int helper_check(const char *path, const struct idkind *kind, struct err *e);

#endif
