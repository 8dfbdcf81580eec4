/* SPDX-License-Identifier: Apache-2.0
 *
 * engine - what one invocation of runner works with: folders, ids, choices
 */
#ifndef RUNNER_ENGINE_ENGINE_H
#define RUNNER_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct layer_mode;
struct mapping;
struct store;

/**
 * enum engine_mode - how this process came by its privileges
 * @ENGINE_ROOT:	uid 0 with CAP_SYS_ADMIN in the initial user namespace
 * @ENGINE_INSIDE:	CAP_SYS_ADMIN in a user namespace somebody else made
 * @ENGINE_USERNS:	an ordinary user; rootless_enter() makes the namespace
 */
enum engine_mode {
	ENGINE_ROOT,
	ENGINE_INSIDE,
	ENGINE_USERNS,
	ENGINE_MODE_MAX_,
};

/**
 * enum engine_ids - rung of the id ladder
 * @ENGINE_IDS_HOST:	no mapping: real root
 * @ENGINE_IDS_RANGE:	0 is the caller, 1.. are subordinate ids
 * @ENGINE_IDS_ONE:	0 is the caller and there is nobody else
 */
enum engine_ids {
	ENGINE_IDS_HOST,
	ENGINE_IDS_RANGE,
	ENGINE_IDS_ONE,
	ENGINE_IDS_MAX_,
};

/**
 * struct engine - one context, made by main, passed to every command
 * @mode:		see enum engine_mode
 * @ids:		rung of the id ladder; final after rootless_enter()
 * @entered:		this process is inside its user and mount namespace
 * @mapping:		user namespace or its ids on their way, see rootless_begin(); or NULL
 * @uid:		effective uid before any namespace was entered
 * @gid:		effective gid, likewise
 * @root:		absolute path of the persistent state
 * @runroot:		absolute path of the state that dies with the machine
 * @range_key:		names the id map in force: equal maps have equal keys
 * @last_gid:		highest group id that exists in the namespace
 * @root_fd:		O_PATH descriptor of @root, -1 before engine_open()
 * @runroot_fd:		O_PATH descriptor of @runroot, likewise
 * @mount_program:	FUSE overlay program forced by --storage-opt, or NULL
 * @rootfs_rung:	rung forced by --storage-opt rootfs=, or NULL
 */
struct engine {
	enum engine_mode mode;
	enum engine_ids ids;
	bool entered;
	struct mapping *mapping;
	uid_t uid;
	gid_t gid;
	char *root;
	char *runroot;
	char range_key[48];
	uint32_t last_gid;
	int root_fd;
	int runroot_fd;
	char *mount_program;
	char *rootfs_rung;
};

/**
 * struct engine_opts - what the command line says about the engine
 * @root:	--root, or NULL
 * @runroot:	--runroot, or NULL
 * @storage:	--storage-opt values, NULL-terminated, or NULL
 */
struct engine_opts {
	const char *root;
	const char *runroot;
	char *const *storage;
};

/**
 * engine_init() - learn who runs us and where our folders are
 *
 * Touches no file yet: `runner --help` must work anywhere.
 * Return: 0, -errno
 */
int engine_init(struct engine *eng, const struct engine_opts *opts, struct err *e);

/**
 * engine_open() - make and open the folders, checking owner and mode
 * Return: 0, -errno with the folder and what would help in @e
 */
int engine_open(struct engine *eng, struct err *e);
void engine_clear(struct engine *eng);

/**
 * engine_store() - open the image store of this engine, with the built-in
 * images as seeds
 * @ret:	release with store_close()
 * Return: 0, -errno
 */
int engine_store(const struct engine *eng, struct store **ret, struct err *e);

/**
 * engine_layer_mode() - how layers are owned on disk under our id map
 *
 * Meaningful once rootless_enter() returned.
 */
void engine_layer_mode(const struct engine *eng, struct layer_mode *ret);

/**
 * engine_ping_range() - the widest net.ipv4.ping_group_range that the kernel
 * takes: group ids that are not mapped are refused
 */
void engine_ping_range(const struct engine *eng, char *buf, size_t size);

/**
 * engine_ids_name() - the rung in words, for info and for the built-in image
 */
const char *engine_ids_name(const struct engine *eng);

#endif
