/* SPDX-License-Identifier: Apache-2.0
 *
 * mapper - the one main of newuidmap and newgidmap
 */
#ifndef UIDMAP_MAPPER_H
#define UIDMAP_MAPPER_H

struct idkind;

/* Behind it newuidmap takes the triples of the gid map, too. */
#define MAPPER_GIDS "--gids"

/**
 * mapper_main() - check and write one map, or both
 * @kind:	all that differs between the two programs
 * @second:	the map that may follow behind MAPPER_GIDS, or NULL
 * @argc:	as main
 * @argv:	as main
 *
 * Return: exit status: 0, 1 refused or failed, 2 wrong usage.
 */
int mapper_main(const struct idkind *kind, const struct idkind *second, int argc, char **argv);

#endif
