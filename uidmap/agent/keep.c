/* SPDX-License-Identifier: Apache-2.0
 *
 * keep - owners of objects that can carry no attribute, from one run to the next
 */
#include "uidmap/agent/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "common/str.h"
#include "uidmap/agent/nodes.h"

/* #syscalls write */

enum {
	NUMBER_MAX = 24,
	LINE_MAX_LEN = 2 * NUMBER_MAX + OVERRIDE_TEXT_MAX + 4,
	SPARE_LINES = 256,
};

#define IMAGE_LINE "image"

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

bool keep_can(const struct nodes *t, const struct node *n)
{
	return t->keep_fd >= 0 && n->dev == t->keep_dev && n->born;
}

void keep_image(struct nodes *t)
{
	if (t->keep_fd < 0 || t->image_known)
		return;
	if (io_write_all(t->keep_fd, IMAGE_LINE "\n", strlen(IMAGE_LINE "\n")) < 0)
		log_warn("agent: the owners of the image's links could not be written down");
	t->image_known = true;
}

void keep_write(const struct nodes *t, const struct node *n)
{
	char line[LINE_MAX_LEN];
	int len;

	if (!keep_can(t, n))
		return;
	len = format(n, line);
	if (len > 0 && io_write_all(t->keep_fd, line, (size_t)len) < 0)
		log_warn("agent: the owner of a link or pipe could not be written down");
}

static size_t load(struct nodes *t, char *text)
{
	size_t lines = 0;

	for (char *line; (line = strsep(&text, "\n"));) {
		struct node n;

		/* behind the last end of a line is nothing, or half of one */
		if (text && str_eq(line, IMAGE_LINE))
			t->image_known = true;
		if (!text || keep_line(line, &n) < 0)
			continue;
		lines++;
		(void)nodes_add(t, &n);
	}
	return lines;
}

static int add_lines(const struct nodes *t, struct strbuf *b)
{
	char line[LINE_MAX_LEN];

	if (t->image_known && strbuf_adds(b, IMAGE_LINE "\n") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		const struct node *n = &t->v[i];

		if (n->used && (format(n, line) < 0 || strbuf_adds(b, line) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* Beside the file, then over it: whoever dies meanwhile leaves the old one. */
static int rewrite(const struct nodes *t, const char *path, const char *aside)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	int r = add_lines(t, &b);

	if (r < 0)
		return r;
	auto_close int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = io_write_all(fd, b.s ? b.s : "", b.len);
	/* a machine that loses its power must not keep the name without the lines */
	if (r == 0 && (fsync(fd) < 0 || rename(aside, path) < 0))
		r = -errno;
	if (r < 0)
		(void)unlink(aside);
	return r;
}

static int read_file(struct nodes *kept, const char *path, const char *aside, bool *ret_torn)
{
	auto_free char *text = NULL;
	size_t len = 0, lines;
	int r = io_read_file_at(AT_FDCWD, path, KEEP_SIZE_MAX, &text, &len);

	*ret_torn = false;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*ret_torn = len && text[len - 1] != '\n';
	lines = load(kept, text);
	if (lines <= 2 * kept->n + SPARE_LINES)
		return 0;
	*ret_torn = false;
	return rewrite(kept, path, aside);
}

int keep_open(struct nodes *kept, const char *path, struct err *e)
{
	auto_free char *aside = NULL;
	bool torn;
	int r;

	if (asprintf(&aside, "%s.new", path) < 0)
		return err_set(e, -ENOMEM, "--owners-file %s", path);
	(void)unlink(aside);
	r = read_file(kept, path, aside, &torn);
	if (r < 0)
		return err_set(e, r, "--owners-file %s", path);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "--owners-file %s", path);
	if (torn && (r = io_write_all(fd, "\n", 1)) < 0)
		return err_set(e, r, "--owners-file %s", path);
	kept->keep_fd = take_fd(&fd);
	return 0;
}

int keep_begin(struct nodes *t, struct nodes *kept, int rootfd, struct err *e)
{
	struct statx st;

	if (statx(rootfd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0)
		return err_set(e, -errno, "--owners-file: the container's root");
	t->keep_dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	for (size_t i = 0; i < kept->cap; i++) {
		struct node n = kept->v[i];

		n.dev = t->keep_dev;
		if (n.used)
			(void)nodes_add(t, &n);
	}
	t->keep_fd = take_fd(&kept->keep_fd);
	t->image_known = kept->image_known;
	nodes_clear(kept);
	return 0;
}
