/* SPDX-License-Identifier: Apache-2.0
 *
 * err - one value that says what failed, made where it failed
 */
#include "common/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"

/* strerror(3) may take locks and allocate; the text below never does, so
 * errors can be made in a child between clone and exec. */
static const char *errno_text(int code)
{
	const char *text = strerrordesc_np(-code);

	return text ? text : "Unknown error";
}

/* Messages are one line whatever names they quote. */
static void one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;

	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);

	if (n >= 0 && (size_t)n < sizeof(e->msg))
		(void)snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s",
			       errno_text(code));
	e->code = code;
	one_line(e->msg);
	return code;
}

int err_msg(struct err *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;

	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	e->code = code;
	one_line(e->msg);
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -EIO;

	char inner[ERR_MSG_MAX];
	memcpy(inner, e->msg, sizeof(inner));

	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n < sizeof(e->msg))
		(void)str_format(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", inner);
	one_line(e->msg);
	return e->code;
}
