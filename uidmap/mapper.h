/* SPDX-License-Identifier: Apache-2.0
 *
 * mapper - the one main of newuidmap and newgidmap
 */
#ifndef UIDMAP_MAPPER_H
#define UIDMAP_MAPPER_H

struct idkind;

/**
 * mapper_main() - check and write one map
 * @kind:	all that differs between the two programs
 * @argc:	as main
 * @argv:	as main
 *
 * Return: exit status: 0, 1 refused or failed, 2 wrong usage.
 */
int mapper_main(const struct idkind *kind, int argc, char **argv);

#endif
