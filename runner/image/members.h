/* SPDX-License-Identifier: Apache-2.0
 *
 * members - the files of an archive, each by now a blob of the store
 */
#ifndef RUNNER_IMAGE_MEMBERS_H
#define RUNNER_IMAGE_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "runner/image/image.h"

/**
 * struct member_file - one file of an archive
 * @path:	below the archive's top
 * @link:	it is a link to another member, or NULL
 * @digest, @size: of its blob
 */
struct member_file {
	char *path;
	char *link;
	char digest[DIGEST_STR_MAX];
	uint64_t size;
};

/**
 * struct members - an archive
 * @st:		where its blobs go
 * @what:	how to call it in messages
 * @v, @n:	what it holds, in its order
 */
struct members {
	struct store *st;
	const char *what;
	struct member_file *v;
	size_t n;
};

/**
 * members_read() - take all of an archive, which may be compressed, from @fd
 *
 * Blobs that nobody comes to need are store_collect()'s, also after a failure.
 * Return: 0, -errno
 */
int members_read(struct members *m, int fd, struct err *e);

/**
 * members_find() - by path, through links; NULL if there is none
 */
const struct member_file *members_find(const struct members *m, const char *path);

/**
 * members_text() - a small member's bytes, for the caller to free
 * Return: 0, -ENOENT, -errno
 */
int members_text(const struct members *m, const char *path, char **ret, size_t *ret_len,
		 struct err *e);

void members_clear(struct members *m);

#endif
