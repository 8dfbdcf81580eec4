/* SPDX-License-Identifier: Apache-2.0
 *
 * lazy - large libraries, loaded only when a command needs them
 *
 * How it works: linked in the ordinary way, libcurl, libarchive and libcrypto
 * (with the thirty libraries behind them) add 6 ms to the start of every
 * command, and libzstd and libisal 0.1 ms and 0.1 MB of every monitor. The
 * tables below hold the functions that we call, typed by the libraries' own headers and filled by
 * dlopen(3) at first use. Safe from several threads.
 */
#ifndef RUNNER_IMAGE_LAZY_H
#define RUNNER_IMAGE_LAZY_H

#define CURL_DISABLE_TYPECHECK 1
#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <zstd.h>
#if HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

struct err;

#undef curl_easy_setopt
#undef curl_easy_getinfo

#define LAZY_CURL(X)           \
	X(curl_global_init)    \
	X(curl_easy_init)      \
	X(curl_easy_cleanup)   \
	X(curl_easy_reset)     \
	X(curl_easy_setopt)    \
	X(curl_easy_getinfo)   \
	X(curl_easy_perform)   \
	X(curl_easy_strerror)  \
	X(curl_easy_escape)    \
	X(curl_free)           \
	X(curl_slist_append)   \
	X(curl_slist_free_all)

#define LAZY_CRYPTO(X)         \
	X(EVP_MD_CTX_new)      \
	X(EVP_MD_CTX_free)     \
	X(EVP_sha256)          \
	X(EVP_DigestInit_ex)   \
	X(EVP_DigestUpdate)    \
	X(EVP_DigestFinal_ex)

#define LAZY_ARCHIVE(X)                      \
	X(archive_read_new)                  \
	X(archive_read_free)                 \
	X(archive_read_support_format_tar)   \
	X(archive_read_support_format_raw)   \
	X(archive_read_support_format_empty) \
	X(archive_read_open2)                \
	X(archive_read_next_header)          \
	X(archive_read_data_block)           \
	X(archive_read_data)                 \
	X(archive_error_string)              \
	X(archive_errno)                     \
	X(archive_entry_pathname)            \
	X(archive_entry_hardlink)            \
	X(archive_entry_symlink)             \
	X(archive_entry_filetype)            \
	X(archive_entry_perm)                \
	X(archive_entry_uid)                 \
	X(archive_entry_gid)                 \
	X(archive_entry_size)                \
	X(archive_entry_mtime)               \
	X(archive_entry_mtime_nsec)          \
	X(archive_entry_rdevmajor)           \
	X(archive_entry_rdevminor)           \
	X(archive_entry_xattr_reset)         \
	X(archive_entry_xattr_next)

#define LAZY_ZSTD(X)             \
	X(ZSTD_createDStream)    \
	X(ZSTD_decompressStream) \
	X(ZSTD_isError)          \
	X(ZSTD_freeDStream)

#if HAVE_ISAL
#define LAZY_ISAL(X)           \
	X(isal_inflate_init)   \
	X(isal_inflate_reset)  \
	X(isal_inflate)
#endif

#define LAZY_FIELD_(fn) __typeof__(fn) *fn;

struct lazy_curl {
	LAZY_CURL(LAZY_FIELD_)
};
struct lazy_crypto {
	LAZY_CRYPTO(LAZY_FIELD_)
};
struct lazy_archive {
	LAZY_ARCHIVE(LAZY_FIELD_)
};
struct lazy_zstd {
	LAZY_ZSTD(LAZY_FIELD_)
};

/**
 * lazy_curl(), lazy_crypto(), lazy_archive(), lazy_zstd(), lazy_isal() - the
 * library's functions
 * Return: the table, NULL with a line that names the library
 */
const struct lazy_curl *lazy_curl(struct err *e);
const struct lazy_crypto *lazy_crypto(struct err *e);
const struct lazy_archive *lazy_archive(struct err *e);
const struct lazy_zstd *lazy_zstd(struct err *e);

#if HAVE_ISAL
struct lazy_isal {
	LAZY_ISAL(LAZY_FIELD_)
};
const struct lazy_isal *lazy_isal(struct err *e);
#endif

#endif
