/* SPDX-License-Identifier: Apache-2.0
 *
 * nss - grants from a directory service, through libsubid where it is there
 */
#ifndef UIDMAP_NSS_H
#define UIDMAP_NSS_H

#include <stddef.h>

struct caller;
struct err;
struct idkind;
struct idset;

/* A larger file is no nsswitch.conf. */
#define NSSWITCH_MAX (1024 * 1024)

/* Longest name of a source, as in libsubid. */
#define NSS_SOURCE_MAX 50

/**
 * nss_subid_source() - the source of subordinate ids that a text names. Pure.
 * @text:	terminated text of an nsswitch.conf
 * @len:	length of the source's name
 *
 * The first word behind the first "subid:" decides, as for libsubid.
 *
 * Return: the name, inside @text; NULL where it is "files" or nothing.
 */
const char *nss_subid_source(const char *text, size_t *len);

/**
 * nss_grants() - ask the source that nsswitch.conf names, if it names one
 * @caller:	who
 * @kind:	uids or gids
 * @ret:	gets the grants
 * @e:		what failed
 *
 * Return: 1 when the source answered, 0 when the file is to be read (no
 * source but files, or no libsubid), -errno when the source failed.
 */
int nss_grants(const struct caller *caller, const struct idkind *kind, struct idset *ret,
	       struct err *e);

#endif
