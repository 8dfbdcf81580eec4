/* SPDX-License-Identifier: Apache-2.0
 *
 * store_int - the store as its own modules see it
 */
#ifndef RUNNER_IMAGE_STORE_INT_H
#define RUNNER_IMAGE_STORE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "runner/image/image.h"
#include "runner/image/reference.h"
#include "runner/image/store.h"

#define RECORD_MAX (4u << 20)
#define STORE_PATH_MAX 512

/**
 * struct store - an open store
 * @root:	its path
 * @fd:		its folder
 * @lock_dir:	for locks where the file system has none, or NULL
 * @seeds:	folders of built-in images
 */
struct store {
	char *root;
	int fd;
	char *lock_dir;
	struct strv seeds;
};

/**
 * struct lock - a held lock; the zero value with fd -1 holds nothing
 * @fd:		descriptor that carries it
 * @weak:	the file system has no locks and there is no lock folder: nothing
 *		is really held
 */
struct lock {
	int fd;
	bool weak;
};

/**
 * lock_object() - flock(2) an object of the store
 * @fd:		the open object; the lock lives on a duplicate
 * @name:	what the lock file is called where the file system has no flock
 * @how:	LOCK_SH or LOCK_EX, with LOCK_NB or not
 * Return: 0, -EWOULDBLOCK, -errno
 */
int lock_object(const struct store *st, int fd, const char *name, int how, struct lock *ret);

/**
 * lock_users() - LOCK_SH while objects without a record are made or used,
 * LOCK_EX | LOCK_NB to collect
 */
int lock_users(const struct store *st, int how, struct lock *ret);
void lock_clear(struct lock *l);
DEFINE_AUTO_CLEAR(struct lock, lock_clear);
#define LOCK_NONE { .fd = -1 }

/**
 * struct record - what images/HEX.json and holds/HOLDER say
 * @id:		config digest
 * @manifest:	digest of the image manifest
 * @blobs:	layer blobs, lowest first
 * @layers:	diff ids, lowest first
 * @size:	bytes of the unpacked layers, 0 where unknown
 * @blob_size:	bytes of the layer blobs
 */
struct record {
	char id[DIGEST_STR_MAX];
	char manifest[DIGEST_STR_MAX];
	struct strv blobs;
	struct strv layers;
	uint64_t size;
	uint64_t blob_size;
};

void record_clear(struct record *r);
DEFINE_AUTO_CLEAR(struct record, record_clear);
int record_load(const struct store *st, const char *folder, const char *file, struct record *ret,
		struct err *e);
int record_save(const struct store *st, const char *folder, const char *file,
		const struct record *r, struct err *e);

/**
 * struct name_record - what names/NAME.json says
 * @name:	canonical name
 * @id:		image id
 * @digest:	digest that the name stood for at its registry (of the index, when
 *		there is one)
 */
struct name_record {
	char name[REF_STR_MAX];
	char id[DIGEST_STR_MAX];
	char digest[DIGEST_STR_MAX];
};

int name_load(const struct store *st, const char *name, struct name_record *ret, struct err *e);
int name_save(const struct store *st, const struct name_record *n, struct err *e);
int name_remove(const struct store *st, const char *name, struct err *e);

/**
 * name_each() - call fn for every readable name; stops when it returns non-zero
 */
int name_each(const struct store *st, int (*fn)(const struct name_record *n, void *arg), void *arg);

/**
 * folder_list() - the names in a folder of the store but . and ..
 * Return: 0 (also when it is not there), -errno
 */
int folder_list(const struct store *st, const char *folder, struct strv *ret);

/**
 * record_image() - record a complete image and its name (NULL: none), make both
 * visible, bring index.json up to date
 */
int record_image(struct store *st, const struct record *r, const struct name_record *name,
		 struct err *e);

/**
 * record_of() - what a config and a manifest say, as a record
 * Return: 0, -EINVAL when their layers do not match
 */
int record_of(const char *what, const char *config, size_t config_len, const char *manifest,
	      size_t manifest_len, struct record *ret, struct err *e);

/**
 * image_open() - build a struct image from its record and blobs
 */
int image_open(struct store *st, const struct record *r, struct image **ret, struct err *e);

/**
 * index_write() - derive index.json from the names, for other OCI tools
 */
void index_write(struct store *st);

#endif
