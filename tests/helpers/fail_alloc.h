/* SPDX-License-Identifier: Apache-2.0
 *
 * fail_alloc - one allocation of the program under test fails
 *
 * For a test that is linked with --wrap=malloc and its kin; included once.
 */
#ifndef TESTS_HELPERS_FAIL_ALLOC_H
#define TESTS_HELPERS_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* The allocation that fails, counted down; negative: none. */
static long fail_in = -1;
static bool failed;

static bool fails(void)
{
	if (fail_in < 0 || fail_in-- > 0)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

#endif
