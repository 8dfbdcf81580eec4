/* SPDX-License-Identifier: Apache-2.0
 *
 * logs - what a container printed, kept for `runner logs`
 *
 * The file is what Podman's k8s-file driver and CRI runtimes write, a line
 * per piece of output: TIME STREAM TAG TEXT, where TAG is F for a full line
 * and P when the line goes on in the next record of the same stream.
 */
#ifndef RUNNER_ENGINE_LOGS_H
#define RUNNER_ENGINE_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FILE "ctr.log"

enum log_stream {
	LOG_STDOUT,
	LOG_STDERR,
	LOG_STREAM_MAX_,
};

/**
 * struct log_writer - the monitor's end; allocates nothing
 * @fd:		the open file, -1 before the first output
 * @dir_fd:	folder of the file (the caller's), -1 when nothing is kept
 * @max:	bytes after which the file starts anew, 0 for never
 * @size:	bytes written so far
 */
struct log_writer {
	int fd;
	int dir_fd;
	int64_t max;
	int64_t size;
};

/**
 * log_writer_init() - append to the log in a container's folder
 * @dir_fd:	-1 to keep nothing
 */
void log_writer_init(struct log_writer *w, int dir_fd, int64_t max);

/**
 * log_writer_add() - keep a piece of output
 *
 * A full disk loses output, not the container: errors are reported to the
 * caller, who may ignore them.
 * Return: 0, -errno
 */
int log_writer_add(struct log_writer *w, enum log_stream stream, const char *data, size_t len);
void log_writer_close(struct log_writer *w);

/**
 * struct log_record - one parsed line of the file
 * @ns:		time in ns since 1970
 * @time:	the time as written
 * @time_len:	its length
 * @stream:	enum log_stream
 * @full:	the line ends here
 * @text:	the output, without newline
 * @len:	its length
 */
struct log_record {
	int64_t ns;
	const char *time;
	size_t time_len;
	enum log_stream stream;
	bool full;
	const char *text;
	size_t len;
};

/**
 * log_record_parse() - one line without its newline
 * Return: 0, -EBADMSG
 */
int log_record_parse(const char *line, size_t len, struct log_record *ret);

/**
 * log_time_parse() - RFC 3339 time, seconds since 1970 (with fraction), or
 * an age such as 10m, 1h30m
 * Return: 0, -EINVAL
 */
int log_time_parse(const char *s, int64_t now_ns, int64_t *ret_ns);

#endif
