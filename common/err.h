/* SPDX-License-Identifier: Apache-2.0
 *
 * err - one value that says what failed, made where it failed
 *
 * A fallible function returns 0 or more for success and -errno for failure.
 * Where a person needs more than strerror(3), its last parameter is a
 * struct err: a plain value in the caller's frame. It owns nothing, needs no
 * release, fits into one sync message, and may be used after clone(2).
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdarg.h>

#define ERR_MSG_MAX 1000

/**
 * struct err - an explanation of a failure
 * @code:	negative errno, 0 when nothing failed
 * @msg:	"what: which thing: why", one line, no program name
 */
struct err {
	int code;
	char msg[ERR_MSG_MAX];
};

/**
 * err_set() - record a failure with its errno text appended
 * @e:		where to record, may be NULL
 * @code:	negative errno
 * @fmt:	what was tried, on what
 *
 * Return: @code, so that a caller can "return err_set(…)".
 */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((cold, format(printf, 3, 4)));

/**
 * err_msg() - record a failure whose text is already the whole explanation
 * @e:		where to record, may be NULL
 * @code:	negative errno that callers may test for
 * @fmt:	the whole line
 *
 * Return: @code
 */
int err_msg(struct err *e, int code, const char *fmt, ...)
	__attribute__((cold, format(printf, 3, 4)));

/**
 * err_wrap() - put context in front of a recorded failure
 * @e:		failure recorded before, may be NULL
 * @fmt:	context; ": " is added behind it
 *
 * Return: the code recorded in @e, -EIO if @e is NULL
 */
int err_wrap(struct err *e, const char *fmt, ...)
	__attribute__((cold, format(printf, 2, 3)));

#endif
