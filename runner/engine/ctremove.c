/* SPDX-License-Identifier: Apache-2.0
 *
 * ctremove - the end of a container on disk, also of one that was never finished
 *
 * How it works: with the lock held, unlink the name, rename the folder to
 * .rm-ID, delete it. Only rename and unlink: no space is needed. The name is
 * free after the first two steps (container_retire()); the third, which may
 * take long, is done after whoever waits was told (container_purge()), and so is
 * the removal of the runtime folder. What a
 * kill leaves on the way is known by its form, and container_repair() goes on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/ctfind.h"
#include "runner/engine/ctname.h"
#include "runner/engine/ctrecord.h"
#include "runner/engine/ctspare.h"
#include "runner/engine/engine.h"
#include "runner/oci/oci.h"

#define REMOVED_PREFIX ".rm-"

void container_clear_run_dir(const struct container *c)
{
	static const char *const files[] = { "monitor", "ctl", "net.sock", "hosts", "hostname",
					     "resolv.conf" };
	static const char *const recorded[] = { "agent", "owners" };
	const char *ids = c->state.rung_ids;

	if (c->recorded || (ids && str_eq(ids, "recorded")))
		for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++)
			(void)unlinkat(c->run_fd, recorded[i], 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(c->run_fd, files[i], 0);
}

void container_reap(const struct container *c)
{
	(void)oci_cgroup_reap(c->id, NULL);
}

int container_retire(struct container *c, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", c->id);
	auto_free char *removed = xasprintf("containers/" REMOVED_PREFIX "%s", c->id);
	int r = 0;

	if (c->name)
		ctname_release(c->eng, c->name, c->id);
	if (renameat(c->eng->root_fd, path, c->eng->root_fd, removed) < 0 && errno != ENOENT)
		r = err_set(e, -errno, "store: %s/%s", c->eng->root, path);
	return r;
}

void container_keep(const struct container *c, const struct timespec *since)
{
	auto_free char *removed = xasprintf("containers/" REMOVED_PREFIX "%s", c->id);

	(void)ctspare_keep(c->eng, removed, since);
}

int container_purge(const struct container *c, struct err *e)
{
	auto_free char *removed = xasprintf("containers/" REMOVED_PREFIX "%s", c->id);
	auto_free char *run = xasprintf("containers/%s", c->id);
	int r;

	if (c->run_fd >= 0) {
		container_clear_run_dir(c);
		(void)unlinkat(c->eng->runroot_fd, run, AT_REMOVEDIR);
	}
	r = io_remove_tree_at(c->eng->root_fd, removed);
	return r < 0 ? err_set(e, r, "store: remove %s/%s", c->eng->root, removed) : 0;
}

int container_delete(struct container *c, struct err *e)
{
	int r;

	container_reap(c);
	r = container_retire(c, e);

	return r < 0 ? r : container_purge(c, e);
}

/* Nobody is left who knows what it has in its runtime folder. */
static void delete_abandoned(struct container *c)
{
	auto_free char *run = xasprintf("containers/%s", c->id);

	(void)container_delete(c, NULL);
	(void)io_remove_tree_at(c->eng->runroot_fd, run);
}

static void repair_one(const struct engine *eng, const char *name)
{
	AUTO(container_free) struct container *c = container_new(eng);
	auto_free char *record = NULL;
	const char *id = str_after(name, REMOVED_PREFIX);

	if (id && ctfind_is_id(id)) {
		memcpy(c->id, id, CONTAINER_ID_LEN + 1);
		/* who holds it is at this very folder, and may want to keep it */
		if (container_lock(c, /* wait */ false, NULL) == 0)
			(void)container_purge(c, NULL);
		return;
	}
	if (!ctfind_is_id(name))
		return;
	record = xasprintf("containers/%s/" CTRECORD_FILE, name);
	if (faccessat(eng->root_fd, record, F_OK, 0) == 0)
		return;
	memcpy(c->id, name, CONTAINER_ID_LEN + 1);
	if (container_lock(c, /* wait */ false, NULL) < 0)
		return;
	if (faccessat(eng->root_fd, record, F_OK, 0) < 0) {
		log_debug("container %.12s was never finished: removed", c->id);
		delete_abandoned(c);
	}
	container_unlock(c);
}

static void repair_run_dir(const struct engine *eng, const char *id)
{
	AUTO(container_free) struct container *c = container_new(eng);

	if (!ctfind_is_id(id) || ctfind_has_folder(eng, id))
		return;
	memcpy(c->id, id, CONTAINER_ID_LEN + 1);
	if (container_lock(c, /* wait */ false, NULL) < 0)
		return;
	if (!ctfind_has_folder(eng, id))
		delete_abandoned(c);
	container_unlock(c);
}

/* A folder is made before its name and goes after it, so a name without a
 * folder belongs to nobody. */
static void repair_name(const struct engine *eng, const char *name)
{
	char id[CONTAINER_ID_LEN + 1];

	if (name[0] != '.' && ctname_read(eng, name, id) == 0 && !ctfind_has_folder(eng, id))
		ctname_release(eng, name, id);
}

void container_repair(const struct engine *eng)
{
	auto_dir DIR *d = ctfind_open(eng->root_fd, "containers");
	auto_dir DIR *names = ctfind_open(eng->root_fd, "ctrnames");
	auto_dir DIR *run = ctfind_open(eng->runroot_fd, "containers");
	const struct dirent *de;

	while (d && (de = readdir(d)))
		repair_one(eng, de->d_name);
	while (names && (de = readdir(names)))
		repair_name(eng, de->d_name);
	while (run && (de = readdir(run)))
		repair_run_dir(eng, de->d_name);
}
