/* SPDX-License-Identifier: Apache-2.0
 *
 * keep - owners of objects that can carry no attribute, from one run to the next
 */
#include "uidmap/agent/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "common/str.h"
#include "uidmap/agent/nodes.h"

enum {
	NUMBER_MAX = 24,
	LINE_MAX_LEN = 2 * NUMBER_MAX + OVERRIDE_TEXT_MAX + 4,
	SPARE_LINES = 256,
};

static int number(const char **line, uint64_t *ret)
{
	char text[NUMBER_MAX];
	size_t len = strcspn(*line, " ");

	if (len == 0 || len >= sizeof(text) || (*line)[len] != ' ')
		return -EINVAL;
	memcpy(text, *line, len);
	text[len] = '\0';
	*line += len + 1;
	return num_u64(text, ret);
}

int keep_line(const char *line, struct node *ret)
{
	struct node n = { .used = true };

	if (number(&line, &n.ino) < 0 || number(&line, &n.born) < 0 || n.born == 0 ||
	    override_parse(line, strlen(line), &n.ov) < 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int format(const struct node *n, char buf[LINE_MAX_LEN])
{
	char owner[OVERRIDE_TEXT_MAX];
	int len = override_format(&n->ov, owner);

	return str_format(buf, LINE_MAX_LEN, "%" PRIu64 " %" PRIu64 " %.*s\n", n->ino, n->born, len,
			  owner);
}

void keep_write(const struct nodes *t, const struct node *n)
{
	char line[LINE_MAX_LEN];
	int len;

	if (t->keep_fd < 0 || n->dev != t->keep_dev || n->born == 0)
		return;
	len = format(n, line);
	if (len > 0 && io_write_all(t->keep_fd, line, (size_t)len) < 0)
		log_warn("agent: the owner of a link or pipe could not be written down");
}

static size_t load(struct nodes *t, char *text, uint64_t dev)
{
	size_t lines = 0;

	for (char *line; (line = strsep(&text, "\n"));) {
		struct node n;

		/* behind the last end of a line is nothing, or half of one */
		if (!text || keep_line(line, &n) < 0)
			continue;
		n.dev = dev;
		lines++;
		(void)nodes_add(t, &n);
	}
	return lines;
}

static int rewrite(const struct nodes *t, int fd, uint64_t dev)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	char line[LINE_MAX_LEN];

	for (size_t i = 0; i < t->cap; i++) {
		const struct node *n = &t->v[i];

		if (!n->used || n->dev != dev || n->born == 0)
			continue;
		if (format(n, line) < 0 || strbuf_adds(&b, line) < 0)
			return -ENOMEM;
	}
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return b.len ? io_write_all(fd, b.s, b.len) : 0;
}

int keep_begin(struct nodes *t, int fd, int rootfd, struct err *e)
{
	auto_free char *text = NULL;
	size_t len = 0, lines, before = t->n;
	struct statx st;
	uint64_t dev;
	int r;

	if (statx(rootfd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0)
		return err_set(e, -errno, "--owners-fd: the container's root");
	dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	r = io_read_fd(fd, KEEP_SIZE_MAX, &text, &len);
	if (r < 0)
		return err_set(e, r, "--owners-fd");
	bool torn = len && text[len - 1] != '\n';
	lines = load(t, text, dev);
	if (lines > 2 * (t->n - before) + SPARE_LINES)
		r = rewrite(t, fd, dev);
	else if (torn)
		r = io_write_all(fd, "\n", 1);
	if (r < 0)
		return err_set(e, r, "--owners-fd");
	t->keep_fd = fd;
	t->keep_dev = dev;
	return 0;
}
