/* SPDX-License-Identifier: Apache-2.0
 *
 * subid - read the format of /etc/subuid and /etc/subgid. Pure: no file is named here
 */
#include "uidmap/subid.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Decimal only. A leading zero is refused because readers of these files
 * disagree on it (octal to strtoul, decimal to others): a grant must not
 * depend on who reads it.
 */
static bool parse_number(const char *s, size_t len, uint64_t *ret)
{
	uint64_t v = 0;

	while (len && is_blank(s[0])) {
		s++;
		len--;
	}
	while (len && is_blank(s[len - 1]))
		len--;
	if (!len || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]))
			return false;
		if (v > (UINT64_MAX - (uint64_t)(s[i] - '0')) / 10)
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*ret = v;
	return true;
}

bool subid_parse_line(const char *line, size_t len, struct subid_line *ret)
{
	const char *c1, *c2, *end;
	struct subid_line l;

	if (len && line[len - 1] == '\r')
		len--;
	if (!len || line[0] == '#')
		return false;
	end = line + len;
	c1 = memchr(line, ':', len);
	if (!c1 || c1 == line)
		return false;
	c2 = memchr(c1 + 1, ':', (size_t)(end - c1 - 1));
	if (!c2)
		return false;
	l.owner = line;
	l.owner_len = (size_t)(c1 - line);
	if (!parse_number(c1 + 1, (size_t)(c2 - c1 - 1), &l.start) ||
	    !parse_number(c2 + 1, (size_t)(end - c2 - 1), &l.count))
		return false;
	*ret = l;
	return true;
}

bool subid_owner_is_number(const struct subid_line *line)
{
	for (size_t i = 0; i < line->owner_len; i++)
		if (!is_digit(line->owner[i]))
			return false;
	return true;
}

bool subid_owner_is(const struct subid_line *line, uint32_t uid, const char *name)
{
	uint64_t n;

	if (subid_owner_is_number(line))
		return parse_number(line->owner, line->owner_len, &n) && n == uid;
	return name && strlen(name) == line->owner_len &&
	       memcmp(name, line->owner, line->owner_len) == 0;
}

static int scan_line(struct subid_scan *scan)
{
	bool skip = scan->skip;
	size_t len = scan->len;
	struct subid_line l;

	scan->skip = false;
	scan->len = 0;
	if (skip || !subid_parse_line(scan->line, len, &l))
		return 0;
	return scan->sink.grant(scan->sink.arg, &l);
}

int subid_scan_feed(struct subid_scan *scan, const char *buf, size_t n)
{
	while (n) {
		const char *nl = memchr(buf, '\n', n);
		size_t part = nl ? (size_t)(nl - buf) : n;
		size_t room = sizeof(scan->line) - scan->len;

		if (part >= room)
			scan->skip = true;
		if (!scan->skip) {
			memcpy(scan->line + scan->len, buf, part);
			scan->len += part;
		}
		if (!nl)
			return 0;
		int r = scan_line(scan);

		if (r < 0)
			return r;
		buf = nl + 1;
		n -= part + 1;
	}
	return 0;
}

int subid_scan_end(struct subid_scan *scan)
{
	return scan_line(scan);
}
