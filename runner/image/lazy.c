/* SPDX-License-Identifier: Apache-2.0
 *
 * lazy - large libraries, loaded only when a command needs them
 */
#include "runner/image/lazy.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "common/err.h"

/**
 * struct lazy_lib - one library
 * @soname:	what Debian calls it
 * @names:	functions, in the order of the table's fields
 * @table:	the fields
 * @why:	failure, kept for later callers
 */
struct lazy_lib {
	const char *soname;
	const char *const *names;
	size_t n;
	void *table;
	bool tried;
	int code;
	char why[256];
};

#define LAZY_NAME_(fn) #fn,

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct lazy_curl curl_table;
static struct lazy_crypto crypto_table;
static struct lazy_archive archive_table;
static struct lazy_zstd zstd_table;

static const char *const curl_names[] = { LAZY_CURL(LAZY_NAME_) };
static const char *const crypto_names[] = { LAZY_CRYPTO(LAZY_NAME_) };
static const char *const archive_names[] = { LAZY_ARCHIVE(LAZY_NAME_) };
static const char *const zstd_names[] = { LAZY_ZSTD(LAZY_NAME_) };

#define LIB(so, list, tab) { .soname = (so), .names = (list), \
	.n = sizeof(list) / sizeof((list)[0]), .table = &(tab) }

static struct lazy_lib curl_lib = LIB("libcurl.so.4", curl_names, curl_table);
static struct lazy_lib crypto_lib = LIB("libcrypto.so.3", crypto_names, crypto_table);
static struct lazy_lib archive_lib = LIB("libarchive.so.13", archive_names, archive_table);
static struct lazy_lib zstd_lib = LIB("libzstd.so.1", zstd_names, zstd_table);

_Static_assert(sizeof(curl_table) == sizeof(curl_names), "one name for every field");
_Static_assert(sizeof(crypto_table) == sizeof(crypto_names), "one name for every field");
_Static_assert(sizeof(archive_table) == sizeof(archive_names), "one name for every field");
_Static_assert(sizeof(zstd_table) == sizeof(zstd_names), "one name for every field");

#if HAVE_ISAL
static struct lazy_isal isal_table;
static const char *const isal_names[] = { LAZY_ISAL(LAZY_NAME_) };
static struct lazy_lib isal_lib = LIB("libisal.so.2", isal_names, isal_table);
_Static_assert(sizeof(isal_table) == sizeof(isal_names), "one name for every field");
#endif

static void load(struct lazy_lib *lib)
{
	struct err e = { 0 };
	void *handle = dlopen(lib->soname, RTLD_NOW | RTLD_LOCAL);

	lib->tried = true;
	for (size_t i = 0; handle && i < lib->n; i++) {
		void *fn = dlsym(handle, lib->names[i]);

		if (!fn)
			handle = NULL;
		else
			memcpy((char *)lib->table + i * sizeof(fn), &fn, sizeof(fn));
	}
	if (handle)
		return;
	lib->code = err_msg(&e, -ELIBACC, "%s", dlerror());
	memcpy(lib->why, e.msg, sizeof(lib->why) - 1);
}

static void *get(struct lazy_lib *lib, struct err *e)
{
	pthread_mutex_lock(&lock);
	if (!lib->tried)
		load(lib);
	pthread_mutex_unlock(&lock);
	if (!lib->code)
		return lib->table;
	(void)err_msg(e, lib->code, "load %s: %s", lib->soname, lib->why);
	return NULL;
}

const struct lazy_curl *lazy_curl(struct err *e)
{
	return get(&curl_lib, e);
}

const struct lazy_crypto *lazy_crypto(struct err *e)
{
	return get(&crypto_lib, e);
}

const struct lazy_archive *lazy_archive(struct err *e)
{
	return get(&archive_lib, e);
}

const struct lazy_zstd *lazy_zstd(struct err *e)
{
	return get(&zstd_lib, e);
}

#if HAVE_ISAL
const struct lazy_isal *lazy_isal(struct err *e)
{
	return get(&isal_lib, e);
}
#endif
