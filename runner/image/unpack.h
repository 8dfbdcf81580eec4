/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack - a tar stream from a stranger becomes a folder
 *
 * Nothing in the stream is trusted: every path is opened below the folder
 * (openat2, RESOLVE_IN_ROOT), the last part of a path is never followed, and
 * every size has a limit that the error names.
 */
#ifndef RUNNER_IMAGE_UNPACK_H
#define RUNNER_IMAGE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/image/image.h"
#include "runner/image/inflate.h"

#define LAYER_ENTRIES_MAX 8000000ull
#define LAYER_BYTES_MAX (16ull << 40)
#define LAYER_DEPTH_MAX 512u
#define LAYER_XATTRS_MAX 64u
#define LAYER_XATTR_SIZE_MAX 65536u

/**
 * struct unpack_stats - what was in it
 * @entries:	members of the archive
 * @bytes:	sum of the file sizes
 * @wh_files:	whiteouts had to be written as .wh. files
 * @devices:	device nodes that became placeholders
 * @unmapped:	members whose owner is outside the id mapping
 * @unmapped_uid, @unmapped_gid, @unmapped_path: the first of them
 * @xattrs_lost: extended attributes that could not be kept
 */
struct unpack_stats {
	uint64_t entries;
	uint64_t bytes;
	bool wh_files;
	uint64_t devices;
	uint64_t unmapped;
	uint32_t unmapped_uid;
	uint32_t unmapped_gid;
	char unmapped_path[256];
	uint64_t xattrs_lost;
};

/**
 * unpack_tar() - write the members of a plain tar below a folder
 * @src:	plain bytes; read to the archive's end, not beyond (but it may have
 *		been read ahead)
 * @rootfd:	the empty folder, opened for reading
 * @metafd:	where the file "owners" goes when xattrs cannot hold owners
 * @mode:	how owners are stored
 *
 * Return: 0, -EINVAL for a hostile member, -EBADMSG for a damaged archive,
 * -errno; the folder is then to be thrown away
 */
int unpack_tar(const struct source *src, int rootfd, int metafd, const struct layer_mode *mode,
	       struct unpack_stats *ret, struct err *e);

/**
 * unpack_clean_path() - a member's name relative to the root: no empty, "." or
 * ".." part is left; pure
 * @out:	PATH_MAX bytes; "" is the root itself
 * Return: 0, -EINVAL when it leads out of the root, -ENAMETOOLONG
 */
int unpack_clean_path(const char *in, char *out);

#endif
