/* SPDX-License-Identifier: Apache-2.0
 *
 * inflate - one stream of plain bytes out of gzip, zstd or plain bytes
 *
 * How it works: the first bytes say what the stream is, media types lie.
 * Each format is a struct inflate_kind; several members or frames after each
 * other are one stream, as gzip and zstd (and zstd:chunked) have it.
 */
#ifndef RUNNER_IMAGE_INFLATE_H
#define RUNNER_IMAGE_INFLATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"

/* Output beyond this many bytes must not be more than RATIO times the input. */
#define INFLATE_FREE_BYTES (1ull << 30)
#define INFLATE_RATIO_MAX 2000u

/**
 * struct source - where bytes come from
 * @read:	as read(2) with -errno; 0 at the end
 */
struct source {
	ssize_t (*read)(void *ctx, void *buf, size_t len);
	void *ctx;
};

/**
 * source_read_fd() - the source is a descriptor
 * @ctx:	int *, open for reading
 */
ssize_t source_read_fd(void *ctx, void *buf, size_t len);

struct inflate;

/**
 * inflate_new() - wrap a source
 * @src:	copied
 * @ret:	release with inflate_free()
 * Return: 0, -errno of the first read, -EINVAL for a broken head
 */
int inflate_new(const struct source *src, struct inflate **ret);
void inflate_free(struct inflate *z);
DEFINE_AUTO(struct inflate, inflate_free);

/**
 * inflate_read() - the next plain bytes
 * Return: bytes, 0 at the end, -EBADMSG for damaged data, -EOVERFLOW beyond
 * INFLATE_RATIO_MAX, -errno of the source
 */
ssize_t inflate_read(struct inflate *z, void *buf, size_t len);

/**
 * inflate_name() - "gzip", "zstd", "plain"
 */
const char *inflate_name(const struct inflate *z);

#endif
