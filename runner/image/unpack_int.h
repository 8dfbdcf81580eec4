/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack_int - what unpack.c and unpack_meta.c share
 */
#ifndef RUNNER_IMAGE_UNPACK_INT_H
#define RUNNER_IMAGE_UNPACK_INT_H

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "runner/image/lazy.h"
#include "runner/image/unpack.h"

/**
 * struct unpack_dir - a folder whose mode and time are set when all is in it
 */
struct unpack_dir {
	char *path;
	mode_t mode;
	struct timespec mtime;
};

/**
 * struct unpack - one archive being unpacked
 * @parent, @parent_fd: the last folder that was written to, and its path; -1
 *		when none. Dropped whenever a name that may lead to it changes.
 * @owners:	the sidecar, opened when first needed
 * @dirs:	in order of appearance
 */
struct unpack {
	const struct lazy_archive *fn;
	struct archive *a;
	const struct layer_mode *mode;
	int rootfd;
	int metafd;
	char parent[PATH_MAX];
	int parent_fd;
	FILE *owners;
	struct unpack_dir *dirs;
	size_t n_dirs;
	size_t cap_dirs;
	struct unpack_stats *stats;
};

/**
 * struct member - one entry of the archive
 * @path:	cleaned path, "" for the root
 * @dirfd, @base: its folder and last part ("" for the root)
 * @fd:		the object itself when it is a file or folder, else -1
 * @type:	S_IFREG, S_IFDIR, …
 * @placeholder: a device stored as an empty file
 */
struct member {
	struct archive_entry *entry;
	char path[PATH_MAX];
	int dirfd;
	const char *base;
	int fd;
	mode_t type;
	mode_t perm;
	int64_t uid;
	int64_t gid;
	dev_t rdev;
	bool placeholder;
	struct timespec mtime;
};

/**
 * meta_apply() - owner, xattrs, mode and time of what was just made; a folder's
 * mode and time are put off to meta_finish()
 */
int meta_apply(struct unpack *u, const struct member *m, struct err *e);

/**
 * meta_root() - mark the root of a single-id layer as holding recorded owners
 */
int meta_root(struct unpack *u, struct err *e);

/**
 * meta_finish() - modes and times of the folders, deepest first; the sidecar
 */
int meta_finish(struct unpack *u, struct err *e);

/**
 * meta_opaque() - hide what lower layers have in this folder
 */
int meta_opaque(struct unpack *u, int dirfd, struct err *e);

/**
 * meta_whiteout() - hide a name of lower layers
 */
int meta_whiteout(struct unpack *u, int dirfd, const char *name, struct err *e);

#endif
