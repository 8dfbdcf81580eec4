/* SPDX-License-Identifier: Apache-2.0
 *
 * cleanup - variables that release what they hold when they leave scope
 *
 * A variable with one of these attributes is initialised where it is
 * declared. Every closer keeps errno, and takes the empty value (-1, NULL).
 * take_fd() and take_ptr() hand the value out and disarm the variable.
 */
#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline void cleanup_fclosep(FILE **f)
{
	int saved = errno;

	if (*f)
		(void)fclose(*f);
	errno = saved;
}

static inline void cleanup_closedirp(DIR **d)
{
	int saved = errno;

	if (*d)
		(void)closedir(*d);
	errno = saved;
}

#define auto_free __attribute__((cleanup(cleanup_freep)))
#define auto_close __attribute__((cleanup(cleanup_closep)))
#define auto_fclose __attribute__((cleanup(cleanup_fclosep)))
#define auto_dir __attribute__((cleanup(cleanup_closedirp)))

/* DEFINE_AUTO(struct foo, foo_free) makes AUTO(foo_free) usable on a
 * "struct foo *" variable. */
#define DEFINE_AUTO(type, fn)                         \
	static inline void cleanup_##fn(type **p)     \
	{                                             \
		int saved_ = errno;                   \
		if (*p)                               \
			fn(*p);                       \
		errno = saved_;                       \
	}                                             \
	struct cleanup_semicolon_##fn
/* DEFINE_AUTO_CLEAR(struct foo, foo_clear) makes AUTO(foo_clear) usable on a
 * "struct foo" variable. */
#define DEFINE_AUTO_CLEAR(type, fn)                   \
	static inline void cleanup_##fn(type *p)      \
	{                                             \
		int saved_ = errno;                   \
		fn(p);                                \
		errno = saved_;                       \
	}                                             \
	struct cleanup_semicolon_##fn
#define AUTO(fn) __attribute__((cleanup(cleanup_##fn)))

#define take_ptr(p)                          \
	__extension__({                      \
		__typeof__(p) taken_ = (p);  \
		(p) = NULL;                  \
		taken_;                      \
	})

static inline int take_fd(int *fd)
{
	int out = *fd;

	*fd = -1;
	return out;
}

#endif
