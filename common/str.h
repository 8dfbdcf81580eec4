/* SPDX-License-Identifier: Apache-2.0
 *
 * str - growing strings, string lists, and small questions about strings
 *
 * Two regimes. strbuf_* and strv_* report -ENOMEM and are for everybody;
 * x* exit the program on lack of memory and are for short-lived programs
 * only (the daemons' folders do not use them).
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"

/**
 * struct strbuf - a growing, always NUL-terminated string
 * @s:		the text; NULL until something was added
 * @len:	bytes without the NUL
 * @cap:	bytes allocated
 */
struct strbuf {
	char *s;
	size_t len;
	size_t cap;
};

void strbuf_clear(struct strbuf *b);
DEFINE_AUTO_CLEAR(struct strbuf, strbuf_clear);

/**
 * strbuf_add() - append bytes
 * Return: 0, -ENOMEM
 */
int strbuf_add(struct strbuf *b, const void *data, size_t len);
int strbuf_adds(struct strbuf *b, const char *s);
int strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * strbuf_take() - hand out the text (the caller frees it); b is empty after
 * Return: the text, "" allocated when nothing was added, NULL without memory
 */
char *strbuf_take(struct strbuf *b);

/**
 * struct strv - a list of strings, terminated by NULL as execve wants it
 * @v:	the strings; NULL while the list is empty
 * @n:	how many
 */
struct strv {
	char **v;
	size_t n;
};

/**
 * strv_add() - append a copy of a string
 * Return: 0, -ENOMEM
 */
int strv_add(struct strv *l, const char *s);
int strv_addf(struct strv *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_clear(struct strv *l);
DEFINE_AUTO_CLEAR(struct strv, strv_clear);

/**
 * strv_split() - append the pieces of s between sep, empty ones included
 * Return: 0, -ENOMEM
 */
int strv_split(struct strv *l, const char *s, char sep);
bool strv_has(const struct strv *l, const char *s);

/**
 * strv_setenv() - replace or add "name=value" in an environment list
 * @assignment: "NAME=VALUE"
 * Return: 0, -EINVAL without a name, -ENOMEM
 */
int strv_setenv(struct strv *env, const char *assignment);

/**
 * strv_getenv() - the value of a name in an environment list
 * Return: borrowed pointer into the list, NULL when not there
 */
const char *strv_getenv(const struct strv *env, const char *name);

bool str_eq(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/**
 * str_after() - what follows a prefix
 * Return: pointer into s behind prefix, NULL when s does not start with it
 */
const char *str_after(const char *s, const char *prefix);

/**
 * str_format() - format into a buffer of the caller, refusing truncation
 * Return: length, -ENAMETOOLONG
 */
int str_format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* For short-lived programs: these exit with a line on stderr and status 125
 * when there is no memory. The result is the caller's to free. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
