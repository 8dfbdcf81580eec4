/* SPDX-License-Identifier: Apache-2.0
 *
 * maps - the map that a caller gets from what was granted. Pure
 */
#ifndef UIDMAP_MAPS_H
#define UIDMAP_MAPS_H

#include <stdint.h>

struct err;
struct idmap;
struct idset;

/**
 * enum maps_style - where the caller's own id is to be inside
 * @MAPS_ROOT:	it is 0; granted ids follow from 1 on
 * @MAPS_KEEP:	it is itself; granted ids fill the numbers around it from 0 on
 */
enum maps_style {
	MAPS_ROOT,
	MAPS_KEEP,
	MAPS_STYLE_MAX_,
};

/**
 * maps_build() - lay out granted ids
 * @style:	where the own id goes
 * @own:	the caller's id
 * @grants:	normalised set; empty for a map of the own id alone
 * @ret:	the map, which idmap_check() accepts; grants that do not fit
 *		into it are left out
 */
void maps_build(enum maps_style style, uint32_t own, const struct idset *grants, struct idmap *ret);

/**
 * maps_parse_line() - read one `INSIDE:OUTSIDE:COUNT`
 * @text:	the text
 * @map:	gets the line
 * @e:		why not
 *
 * Return: 0, -EINVAL, or -E2BIG when the map is full.
 */
int maps_parse_line(const char *text, struct idmap *map, struct err *e);

/**
 * maps_parse_own() - the map with which a process hands on all its own ids
 * @text:	terminated text of its /proc/self/uid_map
 * @ret:	each id inside mapped to itself, line by line: the kernel takes
 *		no line that spans two of the parent's
 *
 * Return: 0, -EINVAL for other text, -E2BIG for more lines than a map has.
 */
int maps_parse_own(const char *text, struct idmap *ret);

/**
 * maps_inside() - which id a caller should become inside
 * @style:	where the own id goes
 * @map:	the map of the namespace, not empty
 * @own:	the caller's id outside
 *
 * Return: with MAPS_ROOT 0 where that is mapped; else the own id as seen
 * inside; else the first id mapped.
 */
uint32_t maps_inside(enum maps_style style, const struct idmap *map, uint32_t own);

#endif
