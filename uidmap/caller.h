/* SPDX-License-Identifier: Apache-2.0
 *
 * caller - who runs this program, and what was granted to that user
 */
#ifndef UIDMAP_CALLER_H
#define UIDMAP_CALLER_H

#include "uidmap/idset.h"
#include "uidmap/policy.h"

struct err;
struct idkind;
struct idmap;

/* Longest login name that is compared with the owners of grants. */
#define CALLER_NAME_MAX 256

/**
 * struct caller - the user behind the real ids of this process
 * @id:		what the policy asks
 * @name:	login name, "" for a user without a passwd entry
 */
struct caller {
	struct policy_caller id;
	char name[CALLER_NAME_MAX];
};

/**
 * caller_identify() - find out who runs this process
 * @ret:	the caller
 * @e:		what could not be read
 *
 * The real ids decide, never the environment, the terminal or utmp. A user
 * whom no passwd source knows is known by number.
 *
 * Return: 0 or -errno.
 */
int caller_identify(struct caller *ret, struct err *e);

/**
 * caller_grants() - what was granted to the caller
 * @caller:	who
 * @kind:	uids or gids
 * @want:	a map that is about to be refused: look also at grants to other
 *		login names with the caller's number, which costs one look-up a
 *		line. NULL: names and numbers of the caller only.
 * @ret:	empty; gets the grants, normalised. The caller clears it, also
 *		on failure.
 * @e:		what could not be read
 *
 * Where nsswitch.conf names a source for subid other than files, that source
 * is asked through libsubid and the file is not read; where libsubid or the
 * source is missing, the file is.
 *
 * Return: 0 or -errno. A missing file grants nothing.
 */
int caller_grants(const struct caller *caller, const struct idkind *kind, const struct idmap *want,
		  struct idset *ret, struct err *e);

#endif
