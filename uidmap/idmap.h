/* SPDX-License-Identifier: Apache-2.0
 *
 * idmap - a map of ids: read from argument triples, checked, put in the kernel's words
 */
#ifndef UIDMAP_IDMAP_H
#define UIDMAP_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* The kernel's UID_GID_MAP_MAX_EXTENTS. */
#define IDMAP_MAX 340

/* The kernel takes a map in one write of less than the smallest page. */
#define IDMAP_TEXT_MAX 4096

/**
 * struct idrange - one line of a map
 * @inside:	first id in the new user namespace
 * @outside:	first id in the caller's
 * @count:	how many
 */
struct idrange {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/**
 * struct idmap - a whole map
 * @n:		number of lines
 * @r:		the lines, as they were given
 */
struct idmap {
	size_t n;
	struct idrange r[IDMAP_MAX];
};

/**
 * idmap_parse_id() - read one id or count: decimal digits only
 * @s:		text
 * @ret:	the number
 *
 * Return: 0, -EINVAL when it is no number, -ERANGE when no id is so large.
 */
int idmap_parse_id(const char *s, uint32_t *ret);

/**
 * idmap_parse() - read `inside outside count` triples; idmap_check() judges them
 * @argv:	words
 * @argc:	how many
 * @ret:	the map, of at least one line
 * @e:		says which word is wrong and why
 *
 * Return: 0; -EINVAL or -ERANGE for what is no triple of numbers, -E2BIG for
 * more than IDMAP_MAX of them.
 */
int idmap_parse(char *const *argv, int argc, struct idmap *ret, struct err *e);

/**
 * idmap_add() - append a line
 * @map:	map
 * @inside:	first id inside
 * @outside:	first id outside
 * @count:	how many; with 0 nothing is added
 *
 * Return: 0, or -E2BIG when the map is full.
 */
int idmap_add(struct idmap *map, uint32_t inside, uint32_t outside, uint32_t count);

/**
 * idmap_check() - would any kernel take this map?
 * @map:	map
 * @noun:	"uid" or "gid" for the message
 * @e:		says which range is wrong and why
 *
 * Return: 0, -ERANGE for an empty range or one past the last id, -EEXIST for
 * ranges that overlap, -E2BIG for a map longer than one write.
 */
int idmap_check(const struct idmap *map, const char *noun, struct err *e);

/**
 * idmap_format() - put the map in the words of /proc/PID/uid_map
 * @map:	map
 * @buf:	at least IDMAP_TEXT_MAX bytes
 *
 * Return: length of the text, or -E2BIG when one write cannot take it.
 */
int idmap_format(const struct idmap *map, char buf[static IDMAP_TEXT_MAX]);

#endif
