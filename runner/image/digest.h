/* SPDX-License-Identifier: Apache-2.0
 *
 * digest - SHA-256 names of content: "sha256:" and 64 hex digits
 */
#ifndef RUNNER_IMAGE_DIGEST_H
#define RUNNER_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "runner/image/image.h"

struct lazy_crypto;

/**
 * struct digest - a running SHA-256
 * @fn:		OpenSSL's functions, found at the first digest_init()
 * @ctx:	NULL when not started
 */
struct digest {
	const struct lazy_crypto *fn;
	struct evp_md_ctx_st *ctx;
};

/**
 * digest_init() - start, or start again
 * Return: 0, -ENOMEM, -ELIBACC without libcrypto
 */
int digest_init(struct digest *d);
int digest_update(struct digest *d, const void *data, size_t len);

/**
 * digest_final() - the text of the digest; the context is used up
 * Return: 0, -EIO
 */
int digest_final(struct digest *d, char out[DIGEST_STR_MAX]);
void digest_clear(struct digest *d);
DEFINE_AUTO_CLEAR(struct digest, digest_clear);

/**
 * digest_of() - of a whole buffer
 */
int digest_of(const void *data, size_t len, char out[DIGEST_STR_MAX]);

/**
 * digest_is_valid() - exactly "sha256:" and 64 lower case hex digits
 */
bool digest_is_valid(const char *s);

/**
 * digest_hex() - the digits behind "sha256:" of a valid digest
 */
const char *digest_hex(const char *digest);

/**
 * digest_is_hex() - len lower case hex digits
 */
bool digest_is_hex(const char *s, size_t len);

#endif
