/* SPDX-License-Identifier: Apache-2.0
 *
 * log - lines for the person or engine that runs us
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/io.h"
#include "common/str.h"

#define LOG_LINE_MAX 2048

/* The log level and where lines go: the only file-scope state of common/. */
static struct {
	const char *prog;
	enum log_level level;
	enum log_format format;
	int fd;
} log_state = { "", LOG_LEVEL_WARN, LOG_FORMAT_TEXT, STDERR_FILENO };

static const char *const level_names[] = { "error", "warning", "info", "debug" };
_Static_assert(sizeof(level_names) / sizeof(*level_names) == LOG_LEVEL_MAX_, "one name a level");

void log_init(const char *prog)
{
	log_state.prog = prog;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

void log_set_format(enum log_format format)
{
	log_state.format = format;
}

void log_set_fd(int fd)
{
	log_state.fd = fd;
}

bool log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

int log_level_parse(const char *s, enum log_level *ret)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "panic", LOG_LEVEL_ERROR },  { "fatal", LOG_LEVEL_ERROR },
		{ "error", LOG_LEVEL_ERROR },  { "warn", LOG_LEVEL_WARN },
		{ "warning", LOG_LEVEL_WARN }, { "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },  { "trace", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(s, names[i].name)) {
			*ret = names[i].level;
			return 0;
		}
	return -EINVAL;
}

static void json_escape(const char *s, char *out, size_t size)
{
	size_t n = 0;

	for (; *s && n + 3 < size; s++) {
		if (*s == '"' || *s == '\\')
			out[n++] = '\\';
		out[n++] = *s;
	}
	out[n] = '\0';
}

static int format_json(enum log_level level, const char *text, char *line, size_t size)
{
	char msg[LOG_LINE_MAX], when[32] = "";
	struct timespec now;
	struct tm tm;

	json_escape(text, msg, sizeof(msg));
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return str_format(line, size, "{\"msg\":\"%s\",\"level\":\"%s\",\"time\":\"%s\"}\n", msg,
			  level_names[level], when);
}

static int format_text(enum log_level level, const char *text, char *line, size_t size)
{
	if (level == LOG_LEVEL_ERROR)
		return str_format(line, size, "%s: %s\n", log_state.prog, text);
	if (level == LOG_LEVEL_WARN)
		return str_format(line, size, "%s: warning: %s\n", log_state.prog, text);
	return str_format(line, size, "%s[%d]: %s: %s\n", log_state.prog, (int)getpid(),
			  level_names[level], text);
}

void log_at(enum log_level level, const char *fmt, ...)
{
	if (!log_enabled(level))
		return;

	int saved = errno;
	char text[LOG_LINE_MAX], line[2 * LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';

	int n = log_state.format == LOG_FORMAT_JSON ?
			format_json(level, text, line, sizeof(line)) :
			format_text(level, text, line, sizeof(line));
	if (n > 0)
		(void)io_write_all(log_state.fd, line, (size_t)n);
	errno = saved;
}
