/* SPDX-License-Identifier: Apache-2.0
 *
 * override - the text in which an owner is recorded
 */
#include "uidmap/agent/override.h"

#include <errno.h>
#include <string.h>

#include "common/num.h"
#include "common/str.h"

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "file", S_IFREG },   { "dir", S_IFDIR },	{ "symlink", S_IFLNK },
	{ "pipe", S_IFIFO },   { "socket", S_IFSOCK }, { "block-", S_IFBLK },
	{ "char-", S_IFCHR },
};

static int parse_device(char *s, struct override *ov)
{
	char *minor = strchr(s, '-');

	if (!minor)
		return -EINVAL;
	*minor++ = '\0';
	return num_u32(s, &ov->major) < 0 || num_u32(minor, &ov->minor) < 0 ? -EINVAL : 0;
}

/* Readers of this format look at the beginning of the word only. */
static int parse_type(char *s, struct override *ov)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!str_starts(s, types[i].name))
			continue;
		ov->type = types[i].type;
		if (ov->type != S_IFBLK && ov->type != S_IFCHR)
			return 0;
		return parse_device(s + strlen(types[i].name), ov);
	}
	return -EINVAL;
}

int override_parse(const char *text, size_t len, struct override *ret)
{
	struct override ov = { 0 };
	char buf[OVERRIDE_TEXT_MAX], *part[4] = { buf };
	size_t n = 1;

	if (len >= sizeof(buf) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	for (char *p = buf; *p && n < 4; p++)
		if (*p == ':') {
			*p = '\0';
			part[n++] = p + 1;
		}
	if (n < 3 || num_u32(part[0], &ov.uid) < 0 || num_u32(part[1], &ov.gid) < 0 ||
	    num_octal(part[2], &ov.mode) < 0)
		return -EINVAL;
	if (n == 4 && parse_type(part[3], &ov) < 0)
		return -EINVAL;
	*ret = ov;
	return 0;
}

int override_format(const struct override *ov, char buf[OVERRIDE_TEXT_MAX])
{
	if (ov->type == S_IFCHR || ov->type == S_IFBLK)
		return str_format(buf, OVERRIDE_TEXT_MAX, "%u:%u:%04o:%s-%u-%u", ov->uid, ov->gid,
				  ov->mode, ov->type == S_IFCHR ? "char" : "block", ov->major,
				  ov->minor);
	return str_format(buf, OVERRIDE_TEXT_MAX, "%u:%u:%04o", ov->uid, ov->gid, ov->mode);
}
