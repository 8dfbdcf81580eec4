/* SPDX-License-Identifier: Apache-2.0
 *
 * rootowners - files of recorded owners, for what carries no attribute
 */
#include "uidmap/agent/rootowners.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/str.h"
#include "uidmap/agent/object.h"

static int unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		s++;
		if (*s != 'n' && *s != '\\')
			return -EINVAL;
		*out++ = *s == 'n' ? '\n' : '\\';
	}
	*out = '\0';
	return 0;
}

int rootowners_line(char *line, struct override *ret, const char **ret_path)
{
	char *space = strchr(line, ' ');
	struct override ov;

	if (!space || override_parse(line, (size_t)(space - line), &ov) < 0 ||
	    unescape(space + 1) < 0)
		return -EINVAL;
	*ret = ov;
	*ret_path = space + 1;
	return 0;
}

static int apply_one(struct agent *a, const struct override *ov, const char *path)
{
	auto_close int fd = fd_open_in_root(a->rootfd, *path ? path : ".",
					    O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct object o;
	mode_t type;

	if (fd < 0 || object_read(a, fd, &o) < 0)
		return 0;
	type = o.st.stx_mode & S_IFMT;
	/* a recorded attribute is newer than this file; so is another kind of file */
	if (((type == S_IFREG || type == S_IFDIR) && (!ov->type || o.recorded)) ||
	    (ov->type && ov->type != S_IFCHR && ov->type != S_IFBLK && ov->type != type))
		return 0;
	if (nodes_is_kept(&a->nodes, &o.st))
		return 0;
	return nodes_put(&a->nodes, &o.st, ov) < 0 ? -ENOSPC : 1;
}

int rootowners_apply(struct agent *a, char *text, struct err *e)
{
	int taken = 0, number = 0;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		struct override ov;
		const char *path;
		int r;

		number++;
		if (!*line)
			continue;
		if (rootowners_line(line, &ov, &path) < 0)
			return err_msg(e, -EINVAL, "line %d: not uid:gid:mode[:type] PATH", number);
		r = apply_one(a, &ov, path);
		if (r < 0)
			return err_msg(e, r, "line %d: more than %d owners", number, NODES_MAX);
		taken += r;
	}
	return taken;
}
