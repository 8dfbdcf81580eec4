/* SPDX-License-Identifier: Apache-2.0
 *
 * transfer - the layers of an image, fetched and unpacked at the same time
 */
#ifndef RUNNER_IMAGE_TRANSFER_H
#define RUNNER_IMAGE_TRANSFER_H

#include <stdatomic.h>

#include "runner/image/blob.h"
#include "runner/image/progress.h"
#include "runner/image/store_int.h"

/**
 * struct fetch - one blob to be fetched
 * @cancel:	another layer failed: give up
 * @stream:	to be fed while bytes arrive; the caller ends it
 * @i:		line of the progress
 */
struct fetch {
	const struct store *st;
	const char *digest;
	uint64_t size;
	const atomic_bool *cancel;
	struct blob_stream *stream;
	struct progress *progress;
	size_t i;
};

/**
 * struct fetcher - where blobs come from
 * @open:	one connection, used by one thread; may be NULL
 * @get:	bring the blob into the store
 */
struct fetcher {
	void *ctx;
	int (*open)(void *ctx, void **ret_conn, struct err *e);
	int (*get)(void *ctx, void *conn, const struct fetch *f, struct err *e);
	void (*close)(void *ctx, void *conn);
};

/**
 * transfer_layers() - bring every blob of rec here, and unpack every layer
 * @sizes:	of the blobs, as the manifest says
 * @mode:	how to unpack; NULL: blobs only
 * @fetcher:	NULL when all blobs are here
 * Return: 0, -errno with the first failure
 */
int transfer_layers(const struct store *st, const struct record *rec, const uint64_t *sizes,
		    const struct layer_mode *mode, const struct fetcher *fetcher,
		    struct progress *progress, uint64_t *ret_size, struct err *e);

/**
 * transfer_unpack() - unpack what is not unpacked yet, from blobs that are here
 */
int transfer_unpack(const struct store *st, const struct record *rec,
		    const struct layer_mode *mode, const struct image_progress *to,
		    uint64_t *ret_size, struct err *e);

#endif
