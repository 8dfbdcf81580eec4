/* SPDX-License-Identifier: Apache-2.0
 *
 * layer - unpacked layers of the store
 *
 * How it works: tmp/layer-KEY-HEX is made under an exclusive lock on itself,
 * filled from the blob's bytes, compared with the diff id, given its record
 * layer.json, and renamed to layers/KEY/HEX. Two who want the same layer meet at
 * the lock; the second finds it done.
 */
#ifndef RUNNER_IMAGE_LAYER_H
#define RUNNER_IMAGE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/image/inflate.h"
#include "runner/image/store_int.h"

/**
 * struct layer_info - what layer.json says
 * @size:	sum of the file sizes
 * @wh_files:	whiteouts are .wh. files
 */
struct layer_info {
	uint64_t size;
	bool wh_files;
};

/**
 * layer_have() - is the layer unpacked for this key
 * @ret:	may be NULL
 */
bool layer_have(const struct store *st, const char *key, const char *diff_id,
		struct layer_info *ret);

/**
 * layer_make() - unpack a layer
 * @src:	the blob's bytes, compressed or not; read to its end
 * Return: 0, 1 when another did it meanwhile (src may not be read), -errno with
 * a line; nothing is left then
 */
int layer_make(const struct store *st, const struct layer_mode *mode, const char *diff_id,
	       const struct source *src, struct layer_info *ret, struct err *e);

/**
 * layer_make_from_blob() - unpack from a stored blob, if not yet done
 */
int layer_make_from_blob(const struct store *st, const struct layer_mode *mode,
			 const char *diff_id, const char *blob, struct layer_info *ret,
			 struct err *e);

/**
 * layer_dir() - path of the tree, for lowerdir
 */
int layer_dir(const struct store *st, const char *key, const char *diff_id, char **ret);

/**
 * layer_kill() - make an unpacked layer garbage at once, under lock_users(EX);
 * its files go by tree_remove() of what is returned
 * @ret_dead:	path below the store to remove; buffer of STORE_PATH_MAX
 * Return: 0, -errno
 */
int layer_kill(const struct store *st, const char *key, const char *hex, char *ret_dead);

/**
 * tree_remove() - delete a folder however deep it is, without free space
 */
int tree_remove(int dirfd, const char *path);

#endif
