/* SPDX-License-Identifier: Apache-2.0
 *
 * logs - what a container printed
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/num.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"
#include "runner/engine/logs.h"

#define POLL_MS 1000

struct logs_opts {
	bool follow;
	bool timestamps;
	const char *since;
	const char *until;
	const char *tail;
	int64_t since_ns;
	int64_t until_ns;
};

static const struct opt rows[] = {
	OPT_BOOL('f', "follow", struct logs_opts, follow, "go on until the container ends"),
	OPT_STR(0, "since", struct logs_opts, since, "TIME", "from that time, or that age (10m) on"),
	OPT_STR('n', "tail", struct logs_opts, tail, "LINES", "the last lines only, or all"),
	OPT_BOOL('t', "timestamps", struct logs_opts, timestamps, "time in front of every line"),
	OPT_STR(0, "until", struct logs_opts, until, "TIME", "up to that time, or that age"),
	OPT_END,
};

static bool is_wanted(const struct logs_opts *o, const struct log_record *rec)
{
	return rec->ns >= o->since_ns && (!o->until_ns || rec->ns <= o->until_ns);
}

/* @fresh[stream]: the next piece begins a line, which is where a time goes. */
static void print_record(const struct logs_opts *o, const struct log_record *rec, bool fresh[2])
{
	FILE *out = rec->stream == LOG_STDERR ? stderr : stdout;

	/* Both may lead to one place, where lines stand as they were written. */
	(void)fflush(out == stderr ? stdout : stderr);
	if (o->timestamps && fresh[rec->stream])
		(void)fprintf(out, "%.*s ", (int)rec->time_len, rec->time);
	(void)fwrite(rec->text, 1, rec->len, out);
	if (rec->full)
		(void)fputc('\n', out);
	fresh[rec->stream] = rec->full;
}

/* Where the last n full lines begin: the file is read backwards in blocks. */
static off_t find_tail(int fd, uint64_t n)
{
	char buf[65536];
	off_t end = lseek(fd, 0, SEEK_END), at = end;

	if (!n)
		return end;
	while (at > 0) {
		size_t want = at > (off_t)sizeof(buf) ? sizeof(buf) : (size_t)at;
		ssize_t got;

		at -= (off_t)want;
		got = pread(fd, buf, want, at);
		if (got <= 0)
			return 0;
		for (size_t i = (size_t)got; i-- > 0;)
			if (buf[i] == '\n' && at + (off_t)i + 1 != end && n-- == 1)
				return at + (off_t)i + 1;
	}
	return 0;
}

/* Print whole lines that are there; the rest is read again later. */
static void print_available(FILE *f, const struct logs_opts *o, bool fresh[2])
{
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	off_t at = ftello(f);

	clearerr(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		struct log_record rec;

		if (line[n - 1] != '\n') {
			(void)fseeko(f, at, SEEK_SET);
			break;
		}
		at = ftello(f);
		if (log_record_parse(line, (size_t)n - 1, &rec) == 0 && is_wanted(o, &rec))
			print_record(o, &rec, fresh);
	}
	(void)fflush(stdout);
	(void)fflush(stderr);
}

/* A log that was started anew (max-size) is read from its beginning. */
static void notice_restart(FILE *f)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && st.st_size < ftello(f))
		(void)fseeko(f, 0, SEEK_SET);
}

static int follow(struct container *c, FILE *f, const struct logs_opts *o, bool fresh[2],
		  struct err *e)
{
	auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	auto_close int monitor = container_connect(c);
	auto_free char *path = NULL;
	char events[4096];

	path = xasprintf("/proc/self/fd/%d", fileno(f));
	if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY) < 0)
		return err_set(e, -errno, "inotify");
	while (monitor >= 0) {
		struct pollfd p[] = { { .fd = watch, .events = POLLIN },
				      { .fd = monitor, .events = POLLIN } };
		int r = poll(p, 2, POLL_MS);

		if (r < 0 && errno != EINTR)
			return err_set(e, -errno, "poll");
		while (read(watch, events, sizeof(events)) > 0)
			;
		notice_restart(f);
		print_available(f, o, fresh);
		if (r > 0 && p[1].revents)
			break;
		if (ferror(stdout))
			return err_set(e, -EIO, "stdout");
	}
	print_available(f, o, fresh);
	return 0;
}

static int check(struct logs_opts *o, uint64_t *ret_tail, struct err *e)
{
	int64_t now = container_now();

	*ret_tail = UINT64_MAX;
	if (o->since && log_time_parse(o->since, now, &o->since_ns) < 0)
		return err_msg(e, -EINVAL, "--since %s: neither a time nor an age", o->since);
	if (o->until && log_time_parse(o->until, now, &o->until_ns) < 0)
		return err_msg(e, -EINVAL, "--until %s: neither a time nor an age", o->until);
	if (o->tail && !str_eq(o->tail, "all") && !str_eq(o->tail, "-1") &&
	    num_u64(o->tail, ret_tail) < 0)
		return err_msg(e, -EINVAL, "--tail %s: not a number of lines", o->tail);
	return 0;
}

static int logs(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(container_free) struct container *c = NULL;
	auto_fclose FILE *f = NULL;
	struct logs_opts *o = opts;
	bool fresh[2] = { true, true };
	uint64_t tail;
	int fd, r = check(o, &tail, e);

	(void)argc;
	if (r == 0)
		r = container_find(eng, argv[0], &c, e);
	if (r < 0)
		return r;
	if (c->config.log_driver && str_eq(c->config.log_driver, "none"))
		return err_msg(e, -EINVAL, "container %.12s keeps no log (--log-driver none)", c->id);
	/* The monitor makes the file at the first output; who follows has to
	 * have something to watch. */
	o->follow = o->follow && each_is_running(c);
	fd = openat(c->dir_fd, LOG_FILE, O_RDONLY | O_CLOEXEC | (o->follow ? O_CREAT : 0), 0600);
	if (fd < 0 && errno == ENOENT)
		return 0;
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		return err_set(e, -errno, "log of container %.12s", c->id);
	(void)setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	if (tail != UINT64_MAX)
		(void)fseeko(f, find_tail(fd, tail), SEEK_SET);
	print_available(f, o, fresh);
	return o->follow ? follow(c, f, o, fresh, e) : 0;
}

const struct cmd cmd_logs = {
	.name = "logs",
	.fn = logs,
	.flags = CMD_STORE,
	.summary = "show what a container printed",
	.args_help = "CONTAINER",
	.rows = rows,
	.opts_size = sizeof(struct logs_opts),
	.min_args = 1,
	.max_args = 1,
};
