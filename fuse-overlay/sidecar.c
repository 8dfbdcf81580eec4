/* SPDX-License-Identifier: Apache-2.0
 *
 * sidecar - recorded owners of a layer whose file system has no user attributes
 */
#include "fuse-overlay/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"

#define NEW_NAME SIDECAR_NAME ".new"
#define HEAD "fuse-overlay owners 1 "
#define LINE_MAX_LEN (OVERRIDE_TEXT_MAX + 24)
#define SLOTS_MIN 256U
#define STALE_MIN 64U	/* lines out of date that are not worth a rewrite */

/* A record; ino 0 is a free slot, gone one that was used. */
struct record {
	uint64_t ino;
	struct owner owner;
	bool gone;
};

/**
 * struct sidecar - records of one layer
 * @lock:	of everything here
 * @fd:		for appending, -1 when only read
 * @dirty:	appended since the last sync
 * @slots, @mask: hash table, open addressing
 * @used:	slots that are not free, gone ones included
 * @live:	records
 * @lines:	in the file
 */
struct sidecar {
	pthread_mutex_t lock;
	int fd;
	bool dirty;
	struct record *slots;
	size_t mask;
	size_t used;
	size_t live;
	size_t lines;
};

static size_t slot_of(const struct sidecar *s, uint64_t ino)
{
	return (size_t)((ino * 0x9e3779b97f4a7c15ULL) >> 20) & s->mask;
}

static struct record *find(const struct sidecar *s, uint64_t ino)
{
	size_t i = slot_of(s, ino);

	while (s->slots[i].ino && s->slots[i].ino != ino)
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

static int grow(struct sidecar *s)
{
	struct sidecar bigger = { .mask = s->slots ? s->mask : SLOTS_MIN - 1 };

	while (bigger.mask < s->live * 4)
		bigger.mask = bigger.mask * 2 + 1;
	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; s->slots && i <= s->mask; i++)
		if (s->slots[i].ino && !s->slots[i].gone)
			*find(&bigger, s->slots[i].ino) = s->slots[i];
	free(s->slots);
	s->slots = bigger.slots;
	s->mask = bigger.mask;
	s->used = s->live;
	return 0;
}

/* The slot for an inode; room is made first, so that nothing fails later. */
static int slot_for(struct sidecar *s, uint64_t ino, struct record **ret)
{
	if (s->used * 2 >= s->mask) {
		int r = grow(s);

		if (r < 0)
			return r;
	}
	*ret = find(s, ino);
	return 0;
}

static void fill(struct sidecar *s, struct record *rec, uint64_t ino, const struct owner *ow)
{
	if (!rec->ino)
		s->used++;
	if (!rec->ino || rec->gone)
		s->live++;
	*rec = (struct record){ .ino = ino, .owner = *ow };
}

static void clear(struct sidecar *s, struct record *rec)
{
	if (!rec->ino || rec->gone)
		return;
	rec->gone = true;
	s->live--;
}

/* --- the file --------------------------------------------------------------- */

static int read_line(struct sidecar *s, char *line)
{
	char *text = strchr(line, ' ');
	struct record *rec;
	struct owner ow;
	uint64_t ino;

	if (!text)
		return -EBADMSG;
	*text++ = '\0';
	if (num_u64(line, &ino) || !ino)
		return -EBADMSG;
	int r = slot_for(s, ino, &rec);
	if (r < 0)
		return r;
	s->lines++;
	if (str_eq(text, "-")) {
		clear(s, rec);
		return 0;
	}
	if (owner_parse(text, strlen(text), &ow) < 0)
		return -EBADMSG;
	fill(s, rec, ino, &ow);
	return 0;
}

/* Return: length up to the end of the last whole line, -errno */
static off_t read_all(struct sidecar *s, int fd, const char *head)
{
	auto_free char *line = NULL;
	size_t size = 0;
	off_t good = 0;
	ssize_t n;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	auto_fclose FILE *f = copy < 0 ? NULL : fdopen(copy, "re");

	if (!f) {
		int r = -errno;

		if (copy >= 0)
			(void)close(copy);
		return r;
	}
	while ((n = getline(&line, &size, f)) > 0 && line[n - 1] == '\n') {
		line[n - 1] = '\0';
		if (!good && !str_eq(line, head))
			return str_starts(line, HEAD) ? -ESTALE : -EBADMSG;
		int r = good ? read_line(s, line) : 0;
		if (r < 0)
			return r;
		good += n;
	}
	return ferror(f) ? -EIO : good;
}

static int format_line(char buf[LINE_MAX_LEN], uint64_t ino, const struct owner *ow)
{
	char text[OVERRIDE_TEXT_MAX] = "-";
	int r = ow ? owner_format(text, ow) : 0;

	return r < 0 ? r : str_format(buf, LINE_MAX_LEN, "%llu %s\n", (unsigned long long)ino, text);
}

static int append(struct sidecar *s, uint64_t ino, const struct owner *ow)
{
	char line[LINE_MAX_LEN];
	int len = format_line(line, ino, ow);
	off_t end = lseek(s->fd, 0, SEEK_END);

	if (len < 0 || end < 0)
		return len < 0 ? len : -errno;
	if (end + len > (off_t)SIDECAR_MAX)
		return -EFBIG;
	ssize_t n = write(s->fd, line, (size_t)len);
	if (n == len) {
		s->lines++;
		s->dirty = true;
		return 0;
	}
	int r = n < 0 ? -errno : -ENOSPC;
	/* half a line would spoil the next one */
	return n > 0 && ftruncate(s->fd, end) ? -EIO : r;
}

/* Write what is true now into a file of its own and let it take the place. */
static int rewrite(struct sidecar *s, int dirfd, const char *head)
{
	(void)unlinkat(dirfd, NEW_NAME, 0);
	auto_close int fd = openat(dirfd, NEW_NAME,
				   O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	auto_fclose FILE *f = copy < 0 ? NULL : fdopen(copy, "ae");
	char line[LINE_MAX_LEN];

	if (!f) {
		int r = -errno;

		if (copy >= 0)
			(void)close(copy);
		return r;
	}
	(void)fprintf(f, "%s\n", head);
	for (size_t i = 0; s->slots && i <= s->mask; i++) {
		const struct record *rec = &s->slots[i];

		if (rec->ino && !rec->gone && format_line(line, rec->ino, &rec->owner) > 0)
			(void)fputs(line, f);
	}
	if (fflush(f) || ferror(f) || fsync(fd) || renameat(dirfd, NEW_NAME, dirfd, SIDECAR_NAME)) {
		int r = errno ? -errno : -EIO;

		(void)unlinkat(dirfd, NEW_NAME, 0);
		return r;
	}
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = take_fd(&fd);
	s->lines = s->live;
	return 0;
}

static int load(struct sidecar *s, int dirfd, bool writable, bool create)
{
	struct statx top, stx;
	char head[64];
	int r = at_stat((struct loc){ dirfd, "" }, &top);

	if (r >= 0)
		r = str_format(head, sizeof(head), HEAD "%llu", (unsigned long long)top.stx_ino);
	if (r >= 0)
		r = grow(s);
	if (r < 0)
		return r;
	s->fd = openat(dirfd, SIDECAR_NAME,
		       (writable ? O_RDWR | O_APPEND : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd < 0 && errno == ENOENT)
		return create ? rewrite(s, dirfd, head) : -ENODATA;
	if (s->fd < 0)
		return -errno;
	r = at_stat((struct loc){ s->fd, "" }, &stx);
	if (r < 0)
		return r;
	if (!S_ISREG(stx.stx_mode) || stx.stx_size > SIDECAR_MAX)
		return S_ISREG(stx.stx_mode) ? -EFBIG : -EBADMSG;
	off_t good = read_all(s, s->fd, head);
	if (good < 0)
		return (int)good;
	if (!writable) {
		(void)close(take_fd(&s->fd));
		return 0;
	}
	/* the end of a line that a crash cut off, and the file if most of it is old */
	if (!good || s->lines > s->live * 2 + STALE_MIN)
		return rewrite(s, dirfd, head);
	return (uint64_t)good < stx.stx_size && ftruncate(s->fd, good) ? -errno : 0;
}

int sidecar_open(int dirfd, bool writable, bool create, struct sidecar **ret)
{
	struct sidecar *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	(void)pthread_mutex_init(&s->lock, NULL);
	int r = load(s, dirfd, writable, create);
	if (r < 0) {
		sidecar_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void sidecar_free(struct sidecar *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->slots);
	free(s);
}

int sidecar_get(struct sidecar *s, uint64_t ino, struct owner *ret)
{
	(void)pthread_mutex_lock(&s->lock);
	const struct record *rec = find(s, ino);
	bool have = rec->ino && !rec->gone;
	if (have)
		*ret = rec->owner;
	(void)pthread_mutex_unlock(&s->lock);
	return have ? 0 : -ENODATA;
}

int sidecar_put(struct sidecar *s, uint64_t ino, const struct owner *ow)
{
	struct record *rec;

	(void)pthread_mutex_lock(&s->lock);
	int r = slot_for(s, ino, &rec);
	if (r >= 0)
		r = append(s, ino, ow);
	if (r >= 0)
		fill(s, rec, ino, ow);
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

void sidecar_drop(struct sidecar *s, uint64_t ino)
{
	(void)pthread_mutex_lock(&s->lock);
	struct record *rec = find(s, ino);
	/* a line that could not be written costs a line more at the next mount */
	if (rec->ino && !rec->gone && !append(s, ino, NULL))
		clear(s, rec);
	(void)pthread_mutex_unlock(&s->lock);
}

int sidecar_sync(struct sidecar *s)
{
	int r = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (s->dirty && fdatasync(s->fd))
		r = -errno;
	s->dirty = s->dirty && r < 0;
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}
