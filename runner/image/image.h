/* SPDX-License-Identifier: Apache-2.0
 *
 * image - what an image is, and how one gets into the store
 *
 * How it works: an image is its config object; its id is the SHA-256 of the
 * config's bytes, as everywhere. A manifest lists the config and the layer
 * blobs. The store (store.h) keeps all of these as blobs, and every layer
 * unpacked once per diff id and id mapping ("key").
 */
#ifndef RUNNER_IMAGE_IMAGE_H
#define RUNNER_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/str.h"

struct err;
struct store;

/* "sha256:" and 64 hex digits and NUL */
#define DIGEST_STR_MAX 72
#define IMAGE_LAYERS_MAX 500
#define IMAGE_CONFIG_MAX (8u << 20)
#define IMAGE_MANIFEST_MAX (4u << 20)

/**
 * struct image_pair - one key and its value, as labels have them
 */
struct image_pair {
	char *key;
	char *value;
};

/**
 * struct image_history - one step of the recipe that made the image
 * @created:		RFC 3339 time, or NULL
 * @empty_layer:	the step made no layer
 */
struct image_history {
	char *created;
	char *created_by;
	char *comment;
	bool empty_layer;
};

/**
 * struct image_health - the image's own health check
 * @test:		test.v[0] is "CMD", "CMD-SHELL" or "NONE"; empty when the
 *			image has none
 * @interval_ns, @timeout_ns, @start_period_ns: 0 when not given
 * @retries:		0 when not given
 */
struct image_health {
	struct strv test;
	int64_t interval_ns;
	int64_t timeout_ns;
	int64_t start_period_ns;
	int retries;
};

/**
 * struct image_config - what the image says about how to run it
 *
 * A list is empty (v NULL, n 0) when absent, a string NULL when absent. All of
 * it is the image's word: nothing here is checked beyond being text without
 * NUL.
 *
 * @entrypoint, @cmd, @env, @shell: as in the OCI image-spec
 * @user:		"user", "uid", "user:group", "uid:gid"
 * @exposed:		"80/tcp", in the image's order
 * @volumes:		paths that want a volume
 * @labels, @n_labels:	key and value
 * @stop_signal:	"SIGTERM", "15"
 * @architecture, @os, @variant: as Go names them
 * @created:		RFC 3339 time
 * @diff_ids:		"sha256:…" of every uncompressed layer, lowest first
 */
struct image_config {
	struct strv entrypoint;
	struct strv cmd;
	struct strv env;
	struct strv shell;
	char *workdir;
	char *user;
	struct strv exposed;
	struct strv volumes;
	struct image_pair *labels;
	size_t n_labels;
	char *stop_signal;
	struct image_health health;
	char *architecture;
	char *os;
	char *variant;
	char *created;
	char *author;
	struct image_history *history;
	size_t n_history;
	struct strv diff_ids;
};

/**
 * struct image - one image of the store, read by image_get() and its kin
 * @id:			"sha256:" and 64 hex digits, the config's digest
 * @digest:		the manifest's digest (what is verified by name@digest)
 * @names:		canonical names that point here ("docker.io/library/
 *			nginx:latest"), may be empty
 * @repo_digests:	"docker.io/library/nginx@sha256:…"
 * @size:		sum of the unpacked layers in bytes (0 where unknown)
 * @blob_size:		sum of the layer blobs, as they are downloaded
 * @config:		the parsed config
 * @config_json:	the config's bytes, for inspect
 * @manifest_json:	the manifest's bytes
 */
struct image {
	char id[DIGEST_STR_MAX];
	char digest[DIGEST_STR_MAX];
	struct strv names;
	struct strv repo_digests;
	uint64_t size;
	uint64_t blob_size;
	struct image_config config;
	char *config_json;
	char *manifest_json;
};

/**
 * image_free() - release an image; NULL is fine
 */
void image_free(struct image *img);
DEFINE_AUTO(struct image, image_free);

/**
 * struct layer_mode - how files of layers are owned on disk
 * @key:	folder name of this mapping under layers/, [A-Za-z0-9._-]{1,63},
 *		such as "r0-100000-65536" or "single" or "root"; equal mappings must
 *		have equal keys, different ones different keys
 * @single_id:	only one id is mapped: every owner on disk is 0, the true owner
 *		and special type go into the xattr user.containers.override_stat
 * @root:	real root without a user namespace: device nodes are made, and
 *		opaque folders are marked with trusted.overlay.opaque
 * @have_only:	image_layers() answers -EAGAIN where something is to be unpacked
 *
 * The caller of a function that takes a mode is already the mapped root of
 * that mapping (or real root, or, with single_id, the plain user), unless it
 * set @have_only.
 */
struct layer_mode {
	char key[64];
	bool single_id;
	bool root;
	bool have_only;
};

/**
 * struct image_progress - who hears how a pull or a load goes on
 * @fd:		where progress goes; -1: nowhere
 * @tty:	fd is a terminal: lines are redrawn
 * @quiet:	nothing is shown
 */
struct image_progress {
	int fd;
	bool tty;
	bool quiet;
};

/**
 * struct image_pull_opts - how to fetch
 * @progress:	who hears of it
 * @mode:	how to unpack; NULL: fetch and verify the blobs only
 * @authfile:	credentials; NULL: the usual files
 * @plain_http:	1: talk HTTP; 0: HTTPS, but loopback may fall back to HTTP;
 *		-1: HTTPS only, whatever the registry is
 * @insecure_tls: do not verify certificates (--tls-verify=false)
 * @cert_dir:	ca.crt, client.cert, client.key of the registry, may be NULL
 * @creds:	"user:password" instead of the files', may be NULL
 * @os, @arch, @variant: wanted platform, NULL: this machine's
 * @retries:	-1: the default (3)
 */
struct image_pull_opts {
	struct image_progress progress;
	const struct layer_mode *mode;
	const char *authfile;
	int plain_http;
	bool insecure_tls;
	const char *cert_dir;
	const char *creds;
	const char *os;
	const char *arch;
	const char *variant;
	int retries;
};

/**
 * image_get() - find an image in the store
 * @name:	what a person typed: a name as Docker resolves it, name@digest, an
 *		image id or a unique beginning of one (with or without "sha256:")
 *
 * A short name without a registry that the store does not know is looked for
 * among the seed layouts (the built-in images) and loaded from there.
 *
 * Return: 0, -ENOENT when the store has none, -EINVAL when the name is none,
 * -EEXIST when an id prefix fits several, -errno
 */
int image_get(struct store *st, const char *name, struct image **ret, struct err *e);

/**
 * image_pull() - fetch an image from its registry, or make sure it is current
 *
 * Layers that the store has are not fetched; they are unpacked for opts->mode
 * while others download. On failure nothing is left but verified blobs and the
 * partial blobs that the next pull continues.
 *
 * Return: 0, -errno
 */
int image_pull(struct store *st, const char *name, const struct image_pull_opts *opts,
	       struct image **ret, struct err *e);

/**
 * struct image_load_opts - how to load
 * @progress:	who hears of it
 * @mode:	how to unpack; NULL: store the blobs only, layers unpack at first use
 * @os, @arch, @variant: wanted platform of a multi-arch index
 */
struct image_load_opts {
	struct image_progress progress;
	const struct layer_mode *mode;
	const char *os;
	const char *arch;
	const char *variant;
};

/**
 * image_load() - read images from an OCI archive, an OCI layout folder or a
 * docker archive (gzip and zstd around an archive are seen through)
 * @path:	file or folder; NULL: read fd
 * @fd:		open archive (may be a pipe) when path is NULL
 * @ret:	NULL-terminated list of the loaded images, free with
 *		image_list_free(); their names are those that this load gave
 * Return: number of images, -errno
 */
int image_load(struct store *st, const char *path, int fd, const struct image_load_opts *opts,
	       struct image ***ret, struct err *e);

/**
 * image_save() - write images as one archive that docker load, podman load and
 * OCI tools read
 * @names:	as for image_get(); each image is called in the archive as here
 * @fd:		may be a pipe
 * Return: 0, -errno
 */
int image_save(struct store *st, char *const *names, size_t n, int fd, struct err *e);

/**
 * image_list() - every image of the store, newest first
 * @ret:	NULL-terminated, free with image_list_free()
 * Return: number of images, -errno
 *
 * Records that cannot be read are left out, with a debug line.
 */
int image_list(struct store *st, struct image ***ret, struct err *e);
void image_list_free(struct image **list);
DEFINE_AUTO(struct image *, image_list_free);

/**
 * image_tag() - give an image one more name
 * @newname:	with or without tag; moved when another image has it
 * Return: 0, -errno
 */
int image_tag(struct store *st, const struct image *img, const char *newname, struct err *e);

/**
 * struct image_rm_result - what image_remove() did
 * @untagged:	names taken away
 * @deleted:	id of the image that went, empty when names remain
 */
struct image_rm_result {
	struct strv untagged;
	char deleted[DIGEST_STR_MAX];
};
void image_rm_result_clear(struct image_rm_result *r);
DEFINE_AUTO_CLEAR(struct image_rm_result, image_rm_result_clear);

/**
 * image_remove() - take away a name; with the last name, the image
 * @name:	as for image_get(); an id takes every name (several need force)
 * @force:	also when containers use it (their layers stay until
 *		store_release() of the last)
 *
 * Layers and blobs go when no image and no holder needs them. Needs no free
 * disk space. Must run where unpacking ran (the same user namespace).
 *
 * Return: 0, -EBUSY when in use (the text names the container), -ENOTUNIQ for
 * an id with several names, -errno
 */
int image_remove(struct store *st, const char *name, bool force,
		 struct image_rm_result *ret, struct err *e);

/**
 * image_layers() - folders ready to be lowerdirs
 * @ret:	absolute paths are added, TOP LAYER FIRST (the order of lowerdir=)
 *
 * Layers not yet unpacked for this mode are unpacked from the blobs now.
 * Whiteouts are char 0:0 and opaque folders carry user.overlay.opaque=y
 * (trusted.overlay.opaque with mode->root), so native overlay with userxattr
 * takes them as they are. Where the file system has no user xattrs or no
 * mknod, they are .wh.NAME and .wh..wh..opq files, which fuse-overlay and a copy
 * must read: *ret_native tells.
 *
 * @ret_native:	false when a layer holds .wh. files; may be NULL
 * Return: 0, -errno
 */
int image_layers(struct store *st, const struct image *img, const struct layer_mode *mode,
		 struct strv *ret, bool *ret_native, struct err *e);

#endif
