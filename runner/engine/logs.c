/* SPDX-License-Identifier: Apache-2.0
 *
 * logs - write and read the log of a container
 */
#include "runner/engine/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"
#include "common/str.h"

#define BATCH 32	/* lines that go into one write */
#define HEAD_MAX 64

void log_writer_init(struct log_writer *w, int dir_fd, int64_t max)
{
	*w = (struct log_writer){ .fd = -1, .dir_fd = dir_fd, .max = max };
}

/* Many containers print nothing: the file is made when there is something. */
static int open_file(struct log_writer *w)
{
	struct stat st;

	if (w->fd >= 0)
		return 0;
	w->fd = openat(w->dir_fd, LOG_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (w->fd < 0)
		return -errno;
	if (fstat(w->fd, &st) == 0)
		w->size = st.st_size;
	return 0;
}

void log_writer_close(struct log_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static size_t format_heads(char full[HEAD_MAX], char part[HEAD_MAX], enum log_stream stream)
{
	struct timespec ts;
	struct tm tm;
	char when[32];
	int n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(full, HEAD_MAX, "%s.%09ldZ %s F ", when, ts.tv_nsec,
		     stream == LOG_STDERR ? "stderr" : "stdout");
	memcpy(part, full, (size_t)n + 1);
	part[n - 2] = 'P';
	return (size_t)n;
}

static int write_batch(struct log_writer *w, struct iovec *iov, int n)
{
	size_t total = 0;
	ssize_t done;

	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	if (w->max && w->size && w->size + (int64_t)total > w->max) {
		if (ftruncate(w->fd, 0) == 0)
			w->size = 0;
	}
	while ((done = writev(w->fd, iov, n)) < 0 && errno == EINTR)
		;
	if (done < 0)
		return -errno;
	w->size += done;
	return (size_t)done == total ? 0 : -ENOSPC;
}

int log_writer_add(struct log_writer *w, enum log_stream stream, const char *data, size_t len)
{
	static char newline = '\n';
	char full[HEAD_MAX], part[HEAD_MAX];
	struct iovec iov[BATCH * 3];
	size_t head = format_heads(full, part, stream);
	int n = 0, opened;

	if (w->dir_fd < 0)
		return 0;
	opened = open_file(w);
	if (opened < 0)
		return opened;
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t line = end ? (size_t)(end - data) : len;

		iov[n++] = (struct iovec){ end ? full : part, head };
		iov[n++] = (struct iovec){ (void *)(size_t)data, line };
		iov[n++] = (struct iovec){ &newline, 1 };
		data += line + (end ? 1 : 0);
		len -= line + (end ? 1 : 0);
		if (n == BATCH * 3 || !len) {
			int r = write_batch(w, iov, n);

			if (r < 0)
				return r;
			n = 0;
		}
	}
	return 0;
}

static int two_digits(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* YYYY-MM-DD[THH:MM[:SS[.fraction]]][Z|+HH:MM|-HH:MM], len bytes */
static int parse_rfc3339(const char *s, size_t len, int64_t *ret_ns)
{
	char buf[48];
	const char *p = buf;
	struct tm tm = { 0 };
	int64_t frac = 0, scale = 100000000, off = 0;
	int century, year;

	if (len < 10 || len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, s, len);
	buf[len] = '\0';
	century = two_digits(p);
	year = two_digits(p + 2);
	tm.tm_mon = two_digits(p + 5) - 1;
	tm.tm_mday = two_digits(p + 8);
	if (century < 0 || year < 0 || tm.tm_mon < 0 || tm.tm_mday < 0 || p[4] != '-' || p[7] != '-')
		return -EINVAL;
	tm.tm_year = century * 100 + year - 1900;
	p += 10;
	if (*p == 'T' || *p == ' ') {
		if (strlen(p) < 6)
			return -EINVAL;
		tm.tm_hour = two_digits(p + 1);
		tm.tm_min = two_digits(p + 4);
		if (p[3] != ':' || tm.tm_hour < 0 || tm.tm_min < 0)
			return -EINVAL;
		p += 6;
		if (*p == ':' && strlen(p) >= 3) {
			tm.tm_sec = two_digits(p + 1);
			if (tm.tm_sec < 0)
				return -EINVAL;
			p += 3;
		}
	}
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
			frac += (*p - '0') * scale;
	if ((*p == '+' || *p == '-') && strlen(p) == 6 && p[3] == ':') {
		if (two_digits(p + 1) < 0 || two_digits(p + 4) < 0)
			return -EINVAL;
		off = (two_digits(p + 1) * 60 + two_digits(p + 4)) * 60;
		off = *p == '-' ? -off : off;
		p += 6;
	} else if (*p == 'Z') {
		p++;
	}
	if (*p)
		return -EINVAL;
	*ret_ns = ((int64_t)timegm(&tm) - off) * 1000000000 + frac;
	return 0;
}

static int parse_age(const char *s, int64_t *ret_ns)
{
	int64_t total = 0;

	while (*s) {
		int64_t n = 0, unit;
		size_t digits = strspn(s, "0123456789");

		if (!digits || digits > 9)
			return -EINVAL;
		for (size_t i = 0; i < digits; i++)
			n = n * 10 + (s[i] - '0');
		s += digits;
		unit = *s == 'h' ? 3600 : *s == 'm' ? 60 : *s == 's' ? 1 : 0;
		if (!unit)
			return -EINVAL;
		s++;
		total += n * unit;
	}
	*ret_ns = total * 1000000000;
	return 0;
}

int log_time_parse(const char *s, int64_t now_ns, int64_t *ret_ns)
{
	size_t digits = strspn(s, "0123456789");
	uint64_t secs;
	int64_t age;

	if (!*s)
		return -EINVAL;
	if (!s[digits]) {
		if (num_u64(s, &secs) < 0 || secs > INT64_MAX / 1000000000)
			return -EINVAL;
		*ret_ns = (int64_t)secs * 1000000000;
		return 0;
	}
	if (s[digits] == '-')
		return parse_rfc3339(s, strlen(s), ret_ns);
	if (parse_age(s, &age) < 0)
		return -EINVAL;
	*ret_ns = now_ns - age;
	return 0;
}

int log_record_parse(const char *line, size_t len, struct log_record *ret)
{
	const char *space = memchr(line, ' ', len);
	size_t time_len = space ? (size_t)(space - line) : 0;
	const char *rest = line + time_len + 1;

	/* "TIME stdout F " */
	if (!space || len < time_len + 10 || rest[6] != ' ' || rest[8] != ' ')
		return -EBADMSG;
	if (memcmp(rest, "stdout", 6) != 0 && memcmp(rest, "stderr", 6) != 0)
		return -EBADMSG;
	if (rest[7] != 'F' && rest[7] != 'P')
		return -EBADMSG;
	if (parse_rfc3339(line, time_len, &ret->ns) < 0)
		return -EBADMSG;
	ret->time = line;
	ret->time_len = time_len;
	ret->stream = rest[3] == 'e' ? LOG_STDERR : LOG_STDOUT;
	ret->full = rest[7] == 'F';
	ret->text = rest + 9;
	ret->len = len - time_len - 10;
	return 0;
}
