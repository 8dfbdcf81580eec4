/* SPDX-License-Identifier: Apache-2.0
 *
 * override - the text in which an owner is recorded
 */
#include "common/override.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/num.h"
#include "common/str.h"

/* Readers of this format look at the beginning of the word only. */
static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "file", 0 },		 { "dir", 0 },	       { "symlink", S_IFLNK }, { "pipe", S_IFIFO },
	{ "socket", S_IFSOCK }, { "block", S_IFBLK }, { "char", S_IFCHR },
};

static bool is_device(uint32_t type)
{
	return type == S_IFBLK || type == S_IFCHR;
}

static int parse_device(char *s, struct override *ov)
{
	char *minor = *s == '-' ? strchr(s + 1, '-') : NULL;

	if (!minor)
		return -EINVAL;
	*minor++ = '\0';
	return num_u32(s + 1, &ov->major) < 0 || num_u32(minor, &ov->minor) < 0 ? -EINVAL : 0;
}

static int parse_type(char *s, struct override *ov)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!str_starts(s, types[i].name))
			continue;
		ov->type = types[i].type;
		return is_device(ov->type) ? parse_device(s + strlen(types[i].name), ov) : 0;
	}
	return -EINVAL;
}

int override_parse(const char *text, size_t len, struct override *ret)
{
	char buf[OVERRIDE_TEXT_MAX], *rest = buf, *part[4];
	struct override ov = { 0 };

	if (len >= sizeof(buf) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	for (size_t i = 0; i < 4; i++)
		part[i] = strsep(&rest, ":");
	if (!part[2] || num_u32(part[0], &ov.uid) < 0 || num_u32(part[1], &ov.gid) < 0 ||
	    num_octal(part[2], &ov.mode) < 0 || (part[3] && parse_type(part[3], &ov) < 0))
		return -EINVAL;
	*ret = ov;
	return 0;
}

int override_format(const struct override *ov, char buf[OVERRIDE_TEXT_MAX])
{
	const char *type = NULL;

	for (size_t i = 0; ov->type && i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == ov->type)
			type = types[i].name;
	if (type && is_device(ov->type))
		return str_format(buf, OVERRIDE_TEXT_MAX, "%u:%u:%04o:%s-%u-%u", ov->uid, ov->gid,
				  ov->mode, type, ov->major, ov->minor);
	return str_format(buf, OVERRIDE_TEXT_MAX, "%u:%u:%04o%s%s", ov->uid, ov->gid, ov->mode,
			  type ? ":" : "", type ? type : "");
}
