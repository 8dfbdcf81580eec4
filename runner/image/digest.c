/* SPDX-License-Identifier: Apache-2.0
 *
 * digest - SHA-256 names of content
 */
#include "runner/image/digest.h"

#include <errno.h>
#include <string.h>

#include "common/str.h"
#include "runner/image/lazy.h"

#define PREFIX "sha256:"
#define HEX_LEN 64u

int digest_init(struct digest *d)
{
	if (!d->fn)
		d->fn = lazy_crypto(NULL);
	if (!d->fn)
		return -ELIBACC;
	if (!d->ctx)
		d->ctx = d->fn->EVP_MD_CTX_new();
	if (!d->ctx || d->fn->EVP_DigestInit_ex(d->ctx, d->fn->EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return 0;
}

int digest_update(struct digest *d, const void *data, size_t len)
{
	return d->fn->EVP_DigestUpdate(d->ctx, data, len) == 1 ? 0 : -EIO;
}

int digest_final(struct digest *d, char out[DIGEST_STR_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (d->fn->EVP_DigestFinal_ex(d->ctx, raw, &len) != 1 || len * 2 != HEX_LEN)
		return -EIO;
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	char *p = out + sizeof(PREFIX) - 1;
	for (unsigned int i = 0; i < len; i++) {
		*p++ = hex[raw[i] >> 4];
		*p++ = hex[raw[i] & 15];
	}
	*p = '\0';
	return 0;
}

void digest_clear(struct digest *d)
{
	if (d->ctx)
		d->fn->EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

int digest_of(const void *data, size_t len, char out[DIGEST_STR_MAX])
{
	AUTO(digest_clear) struct digest d = { 0 };
	int r = digest_init(&d);

	if (!r)
		r = digest_update(&d, data, len);
	return r ? r : digest_final(&d, out);
}

bool digest_is_hex(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdef") == len && !s[len];
}

bool digest_is_valid(const char *s)
{
	const char *hex = str_after(s, PREFIX);

	return hex && digest_is_hex(hex, HEX_LEN);
}

const char *digest_hex(const char *digest)
{
	return digest + sizeof(PREFIX) - 1;
}
