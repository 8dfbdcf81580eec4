/* SPDX-License-Identifier: Apache-2.0
 *
 * store - the folder that holds images
 *
 * How it works:
 *
 *	oci-layout, index.json		the store is an OCI image layout that skopeo can
 *					read; index.json is derived, never read by us
 *	blobs/sha256/HEX		verified blobs, appear by rename
 *	images/HEX.json			one record per image (manifest digest, sizes)
 *	names/NAME.json			one record per name, "/" written as "+"
 *	layers/KEY/HEX/			an unpacked layer: layer.json (its record; without it
 *					the folder is garbage), diff/ (the tree), owners (only
 *					where xattrs could not hold recorded owners)
 *	layers/KEY/l/SHORT		symlink to ../HEX/diff, for short mount options
 *	holds/HOLDER			one record per user of an image (a container)
 *	tmp/				partial blobs and layers being unpacked
 *
 * Nothing else is state. Every object appears by rename and is garbage or
 * whole. An unpacked layer dies by unlinking its layer.json first, so deletion
 * needs no free space and may be cut short anywhere; the next command that
 * removes something finishes it.
 *
 * Locks are flock(2) on the object being made (the partial blob, the layer's
 * temporary folder): the second of two pulls waits for the first and finds the
 * work done. Readers take no locks. A layer or blob that somebody is about
 * to use is held by a shared lock on the store's file users.lock from the look-up to the
 * hold record; the collector only takes what it can lock at once. Where the file
 * system has no flock, lock files in opts.lock_dir stand in.
 */
#ifndef RUNNER_IMAGE_STORE_H
#define RUNNER_IMAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"

struct err;
struct image;
struct store;
struct strv;

/**
 * struct store_opts - what the store needs to be told
 * @lock_dir:	private folder on a local file system for locks where the store's
 *		own file system has none (NFS); NULL: then work is not shared
 * @seeds:	OCI layout folders of built-in images, NULL-terminated; a seed's
 *		name is the last part of its path ("…/images/hello" is "hello"); may be
 *		NULL, and folders that are not there are no error
 */
struct store_opts {
	const char *lock_dir;
	const char *const *seeds;
};

/**
 * store_open() - open the store below root, making it (0700) when it is not there
 * @root:	absolute path, such as $XDG_DATA_HOME/runner
 * @opts:	copied; NULL is all defaults
 * @ret:	release with store_close()
 * Return: 0, -errno with one line that names the folder
 */
int store_open(const char *root, const struct store_opts *opts, struct store **ret,
	       struct err *e);
void store_close(struct store *st);
DEFINE_AUTO(struct store, store_close);

/**
 * store_root() - the path given to store_open()
 */
const char *store_root(const struct store *st);

/**
 * store_hold() - record that a container uses an image
 * @holder:	container id, [A-Za-z0-9_.-]{1,128}
 *
 * Until store_release(), image_remove() refuses the image without force, and its
 * layers stay even with force. Survives crashes of everything: whoever removes
 * the container's record releases. Holding twice is fine.
 *
 * Hold first, then ask image_layers(): what is held cannot be collected.
 *
 * Return: 0, -ENOENT when the image went away meanwhile, -errno
 */
int store_hold(struct store *st, const char *holder, const struct image *img, struct err *e);

/**
 * store_release() - the container is gone
 *
 * Layers that only it kept are removed. A holder that is not known is success.
 * Return: 0, -errno
 */
int store_release(struct store *st, const char *holder, struct err *e);

/**
 * store_hold_list() - holders, for repair: the engine releases those whose
 * container record is gone
 * @ret:	the holders are added
 * Return: number, -errno
 */
int store_hold_list(struct store *st, struct strv *ret, struct err *e);

/**
 * store_collect() - remove what no image and no holder needs: blobs, layers,
 * records half made, temporaries of dead pulls
 * @ret_bytes:	freed, as the records say; may be NULL
 *
 * Never waits: what somebody works on is left to a later call.
 * Return: 0, -errno
 */
int store_collect(struct store *st, uint64_t *ret_bytes, struct err *e);

#endif
