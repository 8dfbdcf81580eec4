/* SPDX-License-Identifier: Apache-2.0
 *
 * subid - read the format of /etc/subuid and /etc/subgid. Pure: no file is named here
 */
#ifndef UIDMAP_SUBID_H
#define UIDMAP_SUBID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is passed over whole, as in shadow. */
#define SUBID_LINE_MAX 1024

/**
 * struct subid_line - one grant as it is written
 * @owner:	first field: a login name or a number; not terminated
 * @owner_len:	its length, never 0
 * @start:	first id granted
 * @count:	how many
 */
struct subid_line {
	const char *owner;
	size_t owner_len;
	uint64_t start;
	uint64_t count;
};

/**
 * struct subid_sink - who gets the grants of a text
 * @grant:	called for each; a negative return stops the scan, which returns it
 * @arg:	first argument of @grant
 */
struct subid_sink {
	int (*grant)(void *arg, const struct subid_line *line);
	void *arg;
};

/**
 * struct subid_scan - state of reading a text piece by piece
 * @sink:	who gets the grants
 * @line:	the line so far
 * @len:	its length
 * @skip:	the line was too long: drop what is left of it
 */
struct subid_scan {
	struct subid_sink sink;
	char line[SUBID_LINE_MAX];
	size_t len;
	bool skip;
};

/**
 * subid_parse_line() - read one line
 * @line:	text without its newline
 * @len:	length
 * @ret:	the grant; points into @line
 *
 * Three fields `owner:start:count`, numbers in decimal, blanks around a number
 * and a carriage return at the end allowed. Lines that start with '#' and
 * everything malformed grant nothing.
 *
 * Return: true if the line is a grant.
 */
bool subid_parse_line(const char *line, size_t len, struct subid_line *ret);

/**
 * subid_owner_is() - is the grant for this caller?
 * @line:	grant
 * @uid:	caller's user id
 * @name:	caller's login name, NULL if there is none
 *
 * An owner of digits only is a number and never a name.
 */
bool subid_owner_is(const struct subid_line *line, uint32_t uid, const char *name);

/**
 * subid_owner_is_number() - is the owner field of the grant a number?
 * @line:	grant
 */
bool subid_owner_is_number(const struct subid_line *line);

/**
 * subid_scan_feed() - read the next piece of a text
 * @scan:	zeroed but for its sink at the start
 * @buf:	piece
 * @n:		its length
 *
 * Return: 0, or what the sink returned to stop.
 */
int subid_scan_feed(struct subid_scan *scan, const char *buf, size_t n);

/**
 * subid_scan_end() - the text is at its end: take a last line without newline
 * @scan:	state
 *
 * Return: 0, or what the sink returned.
 */
int subid_scan_end(struct subid_scan *scan);

#endif
