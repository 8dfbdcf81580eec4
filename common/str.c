/* SPDX-License-Identifier: Apache-2.0
 *
 * str - growing strings, string lists, and small questions about strings
 */
#include "common/str.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define STRBUF_FIRST 64

void strbuf_clear(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf){ 0 };
}

static int reserve(struct strbuf *b, size_t more)
{
	if (more > SIZE_MAX / 2 - b->len)
		return -ENOMEM;

	size_t want = b->len + more + 1;
	if (want <= b->cap)
		return 0;

	size_t cap = b->cap ? b->cap : STRBUF_FIRST;
	while (cap < want)
		cap *= 2;
	char *s = realloc(b->s, cap);
	if (!s)
		return -ENOMEM;
	b->s = s;
	b->cap = cap;
	return 0;
}

int strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	int r = reserve(b, len);

	if (r)
		return r;
	if (len)
		memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
	return 0;
}

int strbuf_adds(struct strbuf *b, const char *s)
{
	return strbuf_add(b, s, strlen(s));
}

int strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;

	int r = reserve(b, (size_t)n);
	if (r)
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

char *strbuf_take(struct strbuf *b)
{
	if (!b->s && reserve(b, 0))
		return NULL;
	b->s[b->len] = '\0';

	char *s = b->s;
	*b = (struct strbuf){ 0 };
	return s;
}

static int strv_push_take(struct strv *l, char *s)
{
	char **v = s ? reallocarray(l->v, l->n + 2, sizeof(*v)) : NULL;

	if (!v) {
		free(s);
		return -ENOMEM;
	}
	v[l->n++] = s;
	v[l->n] = NULL;
	l->v = v;
	return 0;
}

int strv_add(struct strv *l, const char *s)
{
	return strv_push_take(l, strdup(s));
}

int strv_addf(struct strv *l, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : strv_push_take(l, s);
}

void strv_clear(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){ 0 };
}

int strv_split(struct strv *l, const char *s, char sep)
{
	for (;;) {
		const char *end = strchrnul(s, sep);
		int r = strv_push_take(l, strndup(s, (size_t)(end - s)));

		if (r)
			return r;
		if (!*end)
			return 0;
		s = end + 1;
	}
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s))
			return true;
	return false;
}

static char **env_find(const struct strv *env, const char *name, size_t len)
{
	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			return &env->v[i];
	return NULL;
}

int strv_setenv(struct strv *env, const char *assignment)
{
	const char *eq = strchr(assignment, '=');

	if (!eq || eq == assignment)
		return -EINVAL;

	char **at = env_find(env, assignment, (size_t)(eq - assignment));
	if (!at)
		return strv_add(env, assignment);

	char *s = strdup(assignment);
	if (!s)
		return -ENOMEM;
	free(*at);
	*at = s;
	return 0;
}

const char *strv_getenv(const struct strv *env, const char *name)
{
	size_t len = strlen(name);
	char **at = env_find(env, name, len);

	return at ? *at + len + 1 : NULL;
}

bool str_eq(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

const char *str_after(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s && !strncmp(s, prefix, len) ? s + len : NULL;
}

bool str_starts(const char *s, const char *prefix)
{
	return str_after(s, prefix);
}

bool str_ends(const char *s, const char *suffix)
{
	size_t a = strlen(s), b = strlen(suffix);

	return a >= b && !strcmp(s + a - b, suffix);
}

int str_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : n;
}

static void *must(void *p)
{
	if (p)
		return p;

	static const char line[] = "out of memory\n";
	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(125);
}

void *xcalloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return must(reallocarray(p, n ? n : 1, size));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}
