/* SPDX-License-Identifier: Apache-2.0
 *
 * blob - verified bytes by digest
 *
 * How it works: a blob grows in tmp/blob-HEX under an exclusive lock, is hashed
 * while it grows, and appears as blobs/sha256/HEX by rename when the digest is
 * right. What a killed download left is hashed again and continued. Others
 * may read the file while it grows (struct blob_stream): they get the bytes
 * early, and the verdict before the end.
 */
#ifndef RUNNER_IMAGE_BLOB_H
#define RUNNER_IMAGE_BLOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/image/digest.h"
#include "runner/image/inflate.h"
#include "runner/image/store_int.h"

/**
 * blob_have() - is the blob there, with that size (UINT64_MAX: any)
 */
bool blob_have(const struct store *st, const char *digest, uint64_t size);

/**
 * blob_open() - a blob for reading
 * Return: descriptor, -errno
 */
int blob_open(const struct store *st, const char *digest);

/**
 * blob_read() - a small blob as text
 */
int blob_read(const struct store *st, const char *digest, size_t max, char **ret,
	      size_t *ret_len, struct err *e);

/**
 * blob_write() - store small data whose digest must be the one given
 */
int blob_write(const struct store *st, const char *digest, const void *data, size_t len,
	       struct err *e);

/**
 * struct blob_part - a blob that is being written
 * @have:	bytes in the file, all of them hashed
 * @spool:	the digest is not known yet
 */
struct blob_part {
	const struct store *st;
	char digest[DIGEST_STR_MAX];
	char tmp[DIGEST_STR_MAX + 16];
	int fd;
	struct lock lock;
	uint64_t have;
	struct digest hash;
	bool spool;
};
#define BLOB_PART_NONE { .fd = -1, .lock = LOCK_NONE }

/**
 * blob_part_begin() - lock the partial blob, waiting for whoever writes it
 * @size:	expected size; what exceeds it is thrown away
 * Return: 1 when the blob is there by now (p is empty), 0, -errno
 */
int blob_part_begin(const struct store *st, const char *digest, uint64_t size,
		    struct blob_part *p, struct err *e);
int blob_part_write(struct blob_part *p, const void *data, size_t len);

/**
 * blob_part_restart() - throw away what is there: the server would not continue
 */
int blob_part_restart(struct blob_part *p);

/**
 * blob_part_finish() - verify and publish
 * Return: 0, -EBADMSG with both digests in the text (the data is removed)
 */
int blob_part_finish(struct blob_part *p, struct err *e);

/**
 * blob_part_drop() - forget a partial blob that nobody writes
 */
void blob_part_drop(const struct store *st, const char *digest);

/**
 * blob_spool_begin() - a part whose digest is not known yet
 */
int blob_spool_begin(const struct store *st, struct blob_part *p, struct err *e);

/**
 * blob_spool_finish() - publish under the digest that was found
 * @ret:	the digest
 */
int blob_spool_finish(struct blob_part *p, char ret[DIGEST_STR_MAX], struct err *e);

/**
 * blob_part_clear() - let go; an unfinished part stays for the next
 * pull, an unfinished spool goes
 */
void blob_part_clear(struct blob_part *p);
DEFINE_AUTO_CLEAR(struct blob_part, blob_part_clear);

/**
 * struct blob_stream - reading a blob that may still grow
 * @fd:		a duplicate of the writer's, -1 until it has one
 * @have:	bytes that may be read
 * @done:	the writer is through; @code is 0 when the blob is verified
 * @pos:	the one reader's place
 */
struct blob_stream {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int fd;
	uint64_t have;
	bool done;
	int code;
	uint64_t pos;
};

void blob_stream_init(struct blob_stream *s);

/**
 * blob_stream_feed() - the writer has more, in this file (duplicated once)
 */
void blob_stream_feed(struct blob_stream *s, int fd, uint64_t have);
void blob_stream_done(struct blob_stream *s, int code);

/**
 * blob_stream_source() - read() side; waits for the writer
 */
struct source blob_stream_source(struct blob_stream *s);
void blob_stream_clear(struct blob_stream *s);

#endif
