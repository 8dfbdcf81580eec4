/* SPDX-License-Identifier: Apache-2.0
 *
 * num - strict decimal and octal numbers
 */
#include "common/num.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static int parse(const char *s, size_t len, unsigned int base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned int)(unsigned char)s[i] - '0';

		if (digit >= base)
			return -EINVAL;
		if (v > (max - digit) / base)
			return -ERANGE;
		v = v * base + digit;
	}
	*ret = v;
	return 0;
}

static size_t length(const char *s)
{
	return s ? strlen(s) : 0;
}

int num_u64(const char *s, uint64_t *ret)
{
	return parse(s, length(s), 10, UINT64_MAX, ret);
}

int num_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse(s, length(s), 10, UINT32_MAX, &v);

	if (!r)
		*ret = (uint32_t)v;
	return r;
}

int num_id(const char *s, uint32_t *ret)
{
	uint32_t id;
	int r = num_u32(s, &id);

	if (r < 0)
		return r;
	if (id == UINT32_MAX)
		return -ERANGE;
	*ret = id;
	return 0;
}

int num_u16(const char *s, uint16_t *ret)
{
	uint64_t v;
	int r = parse(s, length(s), 10, UINT16_MAX, &v);

	if (!r)
		*ret = (uint16_t)v;
	return r;
}

int num_i32(const char *s, int32_t *ret)
{
	bool minus = s && *s == '-';
	const char *digits = s + minus;
	uint64_t v;
	int r = parse(digits, length(digits), 10, (uint64_t)INT32_MAX + minus, &v);

	if (!r)
		*ret = minus ? (int32_t)-(int64_t)v : (int32_t)v;
	return r;
}

int num_octal(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = parse(s, length(s), 8, 07777, &v);

	if (!r)
		*ret = (uint32_t)v;
	return r;
}

int num_bytes(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "bkmgt";
	size_t len = length(s);
	unsigned int shift = 0;

	if (len && isalpha((unsigned char)s[len - 1])) {
		const char *at = strchr(suffixes, tolower((unsigned char)s[len - 1]));

		if (!at)
			return -EINVAL;
		shift = 10 * (unsigned int)(at - suffixes);
		len--;
	}

	uint64_t v;
	int r = parse(s, len, 10, UINT64_MAX >> shift, &v);

	if (!r)
		*ret = v << shift;
	return r;
}
