/* SPDX-License-Identifier: Apache-2.0
 *
 * advice - the exact line with which an admin adds what is missing
 */
#ifndef UIDMAP_ADVICE_H
#define UIDMAP_ADVICE_H

#include <stdint.h>

#include "common/err.h"

struct caller;
struct idkind;
struct idset;

/* Where useradd starts to grant, and how many, by its own defaults. */
#define ADVICE_START_MIN 100000
#define ADVICE_COUNT 65536

/**
 * advice_free_start() - where a free block of ADVICE_COUNT ids is. Pure
 * @taken:	normalised set of all ids granted to anybody
 *
 * Return: first id of the block, 0 when there is none.
 */
uint32_t advice_free_start(const struct idset *taken);

/**
 * advise_grant() - the line that grants ids to the caller
 * @caller:	who
 * @kind:	user or group ids
 * @ret:	gets the line; stays as it is when there is none to give
 */
void advise_grant(const struct caller *caller, const struct idkind *kind, char ret[ERR_MSG_MAX]);

/**
 * advise_setcap() - the line that gives a program its capability
 * @path:	program
 * @kind:	newuidmap's or newgidmap's
 * @ret:	gets the line
 */
void advise_setcap(const char *path, const struct idkind *kind, char ret[ERR_MSG_MAX]);

/**
 * advise_install() - the line that installs a helper
 * @ret:	gets the line
 */
void advise_install(char ret[ERR_MSG_MAX]);

/**
 * advise_userns() - the line that allows user namespaces
 * @failure:	errno of unshare(2)
 * @ret:	gets the line; stays as it is where no switch explains the refusal
 */
void advise_userns(int failure, char ret[ERR_MSG_MAX]);

#endif
