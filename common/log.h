/* SPDX-License-Identifier: Apache-2.0
 *
 * log - lines for the person or engine that runs us
 *
 * Commands and loops log; library code does not above debug. errno is kept.
 * A user's string is quoted by the caller. Control characters in the result
 * become '?': one event is one line.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

#include "common/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_MAX_,
};

enum log_format {
	LOG_FORMAT_TEXT,	/* "prog: text", from info up "prog[pid]: level: text" */
	LOG_FORMAT_JSON,	/* {"msg","level","time"} a line, as engines read a runtime's log */
	LOG_FORMAT_MAX_,
};

/**
 * log_init() - set the program name; level warn, text, stderr
 * @prog:	static string
 */
void log_init(const char *prog);
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/**
 * log_set_fd() - write to fd from now on; it stays the caller's
 */
void log_set_fd(int fd);
bool log_enabled(enum log_level level);

/**
 * log_level_parse() - "error", "warn", "info", "debug" (and Podman's "fatal",
 * "panic", "trace", "warning")
 * Return: 0, -EINVAL
 */
int log_level_parse(const char *s, enum log_level *ret);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                               \
	do {                                                         \
		if (log_enabled(LOG_LEVEL_DEBUG))                    \
			log_at(LOG_LEVEL_DEBUG, __VA_ARGS__);        \
	} while (0)

#endif
