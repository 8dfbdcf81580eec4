/* SPDX-License-Identifier: Apache-2.0
 *
 * inflate - one stream of plain bytes out of gzip, zstd or plain bytes
 */
#include "runner/image/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#if !HAVE_ISAL
#include <zlib.h>
#endif

#include "common/str.h"
#include "runner/image/lazy.h"

#define IN_SIZE (256u << 10)

/**
 * struct inflate - one stream
 * @in, @pos, @len:	input buffer and what of it is not used yet
 * @eof:		the source has ended
 * @inside:		a member or frame has begun and not ended
 * @in_total, @out_total: for the ratio
 * @isal, @lib:	functions of the libraries, loaded by the first stream
 */
struct inflate {
	struct source src;
	const struct inflate_kind *kind;
	unsigned char *in;
	size_t pos;
	size_t len;
	bool eof;
	bool inside;
	uint64_t in_total;
	uint64_t out_total;
#if HAVE_ISAL
	const struct lazy_isal *isal;
	struct inflate_state gz;
	struct isal_gzip_header gz_head;
#else
	z_stream gz;
#endif
	const struct lazy_zstd *lib;
	ZSTD_DStream *zstd;
};

/**
 * struct inflate_kind - one format
 * @magic:	how it begins
 * @init:	before the first byte
 * @step:	turn input into output, as far as both go
 */
struct inflate_kind {
	const char *name;
	const unsigned char *magic;
	size_t magic_len;
	int (*init)(struct inflate *z);
	ssize_t (*step)(struct inflate *z, void *buf, size_t len);
	void (*done)(struct inflate *z);
};

static int refill(struct inflate *z)
{
	if (z->pos < z->len || z->eof)
		return 0;
	z->pos = 0;
	z->len = 0;

	ssize_t n = z->src.read(z->src.ctx, z->in, IN_SIZE);
	if (n < 0)
		return (int)n;
	z->eof = n == 0;
	z->len = (size_t)n;
	z->in_total += (size_t)n;
	return 0;
}

/* What follows a finished member: zero padding is ignored, as gzip(1) does. */
static bool only_zeros_left(const struct inflate *z)
{
	for (size_t i = z->pos; i < z->len; i++) {
		if (z->in[i])
			return false;
	}
	return true;
}

#if HAVE_ISAL
static int gzip_init(struct inflate *z)
{
	z->isal = lazy_isal(NULL);
	if (!z->isal)
		return -ELIBACC;
	z->isal->isal_inflate_init(&z->gz);
	z->gz.crc_flag = ISAL_GZIP;
	return 0;
}

static ssize_t gzip_step(struct inflate *z, void *buf, size_t len)
{
	if (!z->inside) {
		z->isal->isal_inflate_reset(&z->gz);
		z->gz.crc_flag = ISAL_GZIP;
	}
	z->inside = true;
	z->gz.next_in = z->in + z->pos;
	z->gz.avail_in = (uint32_t)(z->len - z->pos);
	z->gz.next_out = buf;
	z->gz.avail_out = (uint32_t)len;
	int r = z->isal->isal_inflate(&z->gz);
	z->pos = z->len - z->gz.avail_in;
	if (r != ISAL_DECOMP_OK)
		return -EBADMSG;
	if (z->gz.block_state == ISAL_BLOCK_FINISH)
		z->inside = false;
	return (ssize_t)(len - z->gz.avail_out);
}

static void gzip_done(struct inflate *z)
{
	(void)z;
}
#else
static int gzip_init(struct inflate *z)
{
	return inflateInit2(&z->gz, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
}

static ssize_t gzip_step(struct inflate *z, void *buf, size_t len)
{
	if (!z->inside && inflateReset(&z->gz) != Z_OK)
		return -EBADMSG;
	z->inside = true;
	z->gz.next_in = z->in + z->pos;
	z->gz.avail_in = (unsigned int)(z->len - z->pos);
	z->gz.next_out = buf;
	z->gz.avail_out = (unsigned int)len;
	int r = inflate(&z->gz, Z_NO_FLUSH);
	z->pos = z->len - z->gz.avail_in;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -EBADMSG;
	if (r == Z_STREAM_END)
		z->inside = false;
	return (ssize_t)(len - z->gz.avail_out);
}

static void gzip_done(struct inflate *z)
{
	(void)inflateEnd(&z->gz);
}
#endif

static int zstd_init(struct inflate *z)
{
	z->lib = lazy_zstd(NULL);
	if (!z->lib)
		return -ELIBACC;
	z->zstd = z->lib->ZSTD_createDStream();
	return z->zstd ? 0 : -ENOMEM;
}

static ssize_t zstd_step(struct inflate *z, void *buf, size_t len)
{
	ZSTD_inBuffer in = { z->in, z->len, z->pos };
	ZSTD_outBuffer out = { buf, len, 0 };
	size_t r = z->lib->ZSTD_decompressStream(z->zstd, &out, &in);

	z->pos = in.pos;
	if (z->lib->ZSTD_isError(r))
		return -EBADMSG;
	z->inside = r != 0;
	return (ssize_t)out.pos;
}

static void zstd_done(struct inflate *z)
{
	(void)z->lib->ZSTD_freeDStream(z->zstd);
}

static int plain_init(struct inflate *z)
{
	(void)z;
	return 0;
}

static ssize_t plain_step(struct inflate *z, void *buf, size_t len)
{
	size_t n = z->len - z->pos;

	if (n > len)
		n = len;
	memcpy(buf, z->in + z->pos, n);
	z->pos += n;
	return (ssize_t)n;
}

static const unsigned char gzip_magic[] = { 0x1f, 0x8b };
static const unsigned char zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };

static const struct inflate_kind kinds[] = {
	{ "gzip", gzip_magic, sizeof(gzip_magic), gzip_init, gzip_step, gzip_done },
	{ "zstd", zstd_magic, sizeof(zstd_magic), zstd_init, zstd_step, zstd_done },
	{ "plain", NULL, 0, plain_init, plain_step, NULL },
};

/* Skippable frames (0x184D2A5?) may come first in zstd:chunked. */
static bool is_skippable(const struct inflate *z)
{
	return z->len >= 4 && (z->in[0] & 0xf0) == 0x50 && z->in[1] == 0x2a &&
	       z->in[2] == 0x4d && z->in[3] == 0x18;
}

static const struct inflate_kind *kind_of(const struct inflate *z)
{
	const struct inflate_kind *k = kinds;

	for (; k->magic_len; k++) {
		if (z->len >= k->magic_len && !memcmp(z->in, k->magic, k->magic_len))
			return k;
		if (k->step == zstd_step && is_skippable(z))
			return k;
	}
	return k;
}

/* The magic may come in pieces when the source is a pipe or a download. */
static int read_head(struct inflate *z)
{
	while (z->len < 4 && !z->eof) {
		ssize_t n = z->src.read(z->src.ctx, z->in + z->len, IN_SIZE - z->len);

		if (n < 0)
			return (int)n;
		z->eof = n == 0;
		z->len += (size_t)n;
		z->in_total += (size_t)n;
	}
	return 0;
}

ssize_t source_read_fd(void *ctx, void *buf, size_t len)
{
	const int *fd = ctx;
	ssize_t n;

	do {
		n = read(*fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int inflate_new(const struct source *src, struct inflate **ret)
{
	AUTO(inflate_free) struct inflate *z = xcalloc(1, sizeof(*z));

	z->src = *src;
	z->in = xcalloc(1, IN_SIZE);
	int r = read_head(z);
	if (r)
		return r;

	const struct inflate_kind *kind = kind_of(z);
	r = kind->init(z);
	if (r)
		return r;
	z->kind = kind;
	*ret = take_ptr(z);
	return 0;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	if (z->kind && z->kind->done)
		z->kind->done(z);
	free(z->in);
	free(z);
}

static int check_ratio(const struct inflate *z)
{
	if (z->out_total > INFLATE_FREE_BYTES &&
	    z->out_total / INFLATE_RATIO_MAX > z->in_total)
		return -EOVERFLOW;
	return 0;
}

ssize_t inflate_read(struct inflate *z, void *buf, size_t len)
{
	for (;;) {
		int r = refill(z);

		if (r)
			return r;
		/* At a source's end an open member is a truncated one; a decoder
		 * may still hold output, so it is asked once more. */
		if (z->eof && z->pos == z->len && !z->inside)
			return 0;
		if (!z->inside && z->kind->magic && z->out_total && only_zeros_left(z)) {
			z->pos = z->len;
			continue;
		}

		ssize_t n = z->kind->step(z, buf, len);
		if (n > 0) {
			z->out_total += (size_t)n;
			r = check_ratio(z);
			return r ? r : n;
		}
		if (n < 0)
			return n;
		if (z->eof && z->pos == z->len && z->inside)
			return -EBADMSG;
	}
}

const char *inflate_name(const struct inflate *z)
{
	return z->kind->name;
}
