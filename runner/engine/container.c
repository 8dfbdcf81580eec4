/* SPDX-License-Identifier: Apache-2.0
 *
 * container - records on disk that no kill at any instruction can wedge
 *
 * How it works
 *
 * Making: take the lock (a flock on RUNROOT/containers/ID), make
 * ROOT/containers/ID, make the link ctrnames/NAME to it, write container.json.
 * Until the last step the container does not exist for others; killed before
 * it, what is left is a folder without a record and with a free lock.
 *
 * Removing is in ctremove.c, what there is in ctfind.c.
 *
 * The lock lies in RUNROOT because ROOT may be on NFS; it is released by the
 * kernel when its holder dies. Reading takes no lock: a record is replaced by
 * rename, so it is whole.
 */
#include "runner/engine/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/ctfind.h"
#include "runner/engine/ctname.h"
#include "runner/engine/ctl.h"
#include "runner/engine/engine.h"
#include "runner/engine/ctrecord.h"
#include "runner/engine/ctspare.h"

#define NAME_TRIES 32

struct container *container_new(const struct engine *eng)
{
	struct container *c = xcalloc(1, sizeof(*c));

	c->eng = eng;
	c->dir_fd = -1;
	c->run_fd = -1;
	return c;
}

void container_free(struct container *c)
{
	if (!c)
		return;
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	if (c->run_fd >= 0)
		close(c->run_fd);
	ctrecord_clear(c);
	free(c->name);
	free(c);
}

int64_t container_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const char *container_status_name(enum container_status status)
{
	static const char *const names[CONTAINER_STATUS_MAX_] = {
		[CONTAINER_CREATING] = "creating",
		[CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",
		[CONTAINER_EXITED] = "exited",
	};

	return names[status];
}

int container_name_check(const char *name, struct err *e)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char rest[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	if (!*name || !strchr(first, *name) || strspn(name, rest) != strlen(name))
		return err_msg(e, -EINVAL,
			       "name '%s': a name is a letter or digit, then letters, digits, '_', "
			       "'.' and '-'",
			       name);
	if (strlen(name) > CONTAINER_NAME_MAX)
		return err_msg(e, -EINVAL, "name '%.32s...': longer than %d characters", name,
			       CONTAINER_NAME_MAX);
	return 0;
}

/* ------------------------------------------------------------------ ids -- */

static int random_id(char id[CONTAINER_ID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[CONTAINER_ID_LEN / 2];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++) {
		id[2 * i] = hex[raw[i] >> 4];
		id[2 * i + 1] = hex[raw[i] & 15];
	}
	id[CONTAINER_ID_LEN] = '\0';
	return 0;
}

static char *random_name(const char *id, unsigned int attempt)
{
	static const char *const how[] = { "amber",  "brave", "calm",  "clever", "coral", "dapper",
					   "eager",  "early", "fancy", "gentle", "happy", "humble",
					   "ivory",  "jolly", "keen",  "kind",   "lucid", "mellow",
					   "nimble", "noble", "olive", "patient", "quiet", "rapid",
					   "rustic", "sharp", "silver", "steady", "sunny", "tidy",
					   "vivid",  "witty" };
	static const char *const what[] = { "anvil",  "badger", "beacon", "cedar",  "comet",  "crane",
					    "dune",   "falcon", "fjord",  "gecko",  "harbor", "heron",
					    "island", "jasper", "kestrel", "lantern", "maple", "meadow",
					    "nebula", "otter",  "pebble", "quartz", "raven",  "reef",
					    "saddle", "sparrow", "thistle", "tundra", "valley", "walrus",
					    "willow", "zephyr" };
	unsigned int seed = 0;

	(void)sscanf(id, "%8x", &seed);
	seed += attempt * 2654435761u;
	if (attempt < NAME_TRIES / 2)
		return xasprintf("%s_%s", how[seed % 32], what[seed / 32 % 32]);
	return xasprintf("%s_%s_%u", how[seed % 32], what[seed / 32 % 32], seed / 1024 % 10000);
}

/* -------------------------------------------------------------- folders -- */

static int open_run_dir(struct container *c, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", c->id);
	int fd;

	if (c->run_fd >= 0)
		return 0;
	fd = openat(c->eng->runroot_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		int r = io_mkdir_p_at(c->eng->runroot_fd, path, 0700);

		if (r < 0)
			return err_set(e, r, "%s/%s", c->eng->runroot, path);
		fd = openat(c->eng->runroot_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_set(e, -errno, "%s/%s", c->eng->runroot, path);
	c->run_fd = fd;
	return 0;
}

static bool run_dir_is_current(const struct container *c)
{
	auto_free char *path = xasprintf("containers/%s", c->id);
	struct stat mine, now;

	return fstat(c->run_fd, &mine) == 0 && fstatat(c->eng->runroot_fd, path, &now, 0) == 0 &&
	       mine.st_ino == now.st_ino && mine.st_dev == now.st_dev;
}

int container_lock(struct container *c, bool wait, struct err *e)
{
	for (;;) {
		int r = open_run_dir(c, e);

		if (r < 0)
			return r;
		while ((r = flock(c->run_fd, LOCK_EX | (wait ? 0 : LOCK_NB))) < 0 && errno == EINTR)
			;
		if (r < 0 && errno == EWOULDBLOCK)
			return err_msg(e, -EBUSY, "container %.12s is being started or removed", c->id);
		if (r < 0)
			return err_set(e, -errno, "lock container %.12s", c->id);
		/* Whoever held it may have removed the folder meanwhile. */
		if (run_dir_is_current(c))
			return 0;
		close(take_fd(&c->run_fd));
	}
}

void container_unlock(struct container *c)
{
	if (c->run_fd >= 0)
		(void)flock(c->run_fd, LOCK_UN);
}

int container_share_run_dir(const struct container *c, struct err *e)
{
	int fd = openat(c->run_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_set(e, -errno, "runtime folder of container %.12s", c->id) : fd;
}

static int open_dir(struct container *c, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", c->id);

	if (c->dir_fd >= 0)
		return 0;
	c->dir_fd = openat(c->eng->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return err_set(e, -errno, "%s/%s", c->eng->root, path);
	return 0;
}

int container_reopen(struct container *c, struct err *e)
{
	if (c->dir_fd >= 0)
		close(take_fd(&c->dir_fd));
	return open_dir(c, e);
}

static int make_dir(struct container *c, struct err *e)
{
	auto_free char *path = xasprintf("containers/%s", c->id);
	int r = 0;

	c->reused = c->reuse && ctspare_take(c->eng, c->id) == 0;
	if (!c->reused && mkdirat(c->eng->root_fd, path, 0700) < 0)
		r = -errno;
	if (r == -ENOENT)
		r = io_mkdir_p_at(c->eng->root_fd, path, 0700);
	if (r < 0)
		return err_set(e, r, "store: %s/%s", c->eng->root, path);
	return open_dir(c, e);
}

/* ---------------------------------------------------------------- names -- */

static int claim_name(struct container *c, struct err *e)
{
	int r = -EEXIST;

	if (c->name)
		return ctname_take(c->eng, c->name, c->id, e);
	for (unsigned int i = 0; r == -EEXIST && i < NAME_TRIES; i++) {
		free(c->name);
		c->name = random_name(c->id, i);
		r = ctname_take(c->eng, c->name, c->id, e);
	}
	return r;
}

int container_claim(struct container *c, struct err *e)
{
	int r = random_id(c->id);

	if (r < 0)
		return err_set(e, r, "random id");
	r = container_lock(c, /* wait */ true, e);
	if (r < 0)
		return r;
	r = make_dir(c, e);
	if (r == 0)
		r = claim_name(c, e);
	if (r < 0) {
		(void)container_delete(c, NULL);
		return r;
	}
	c->state.status = CONTAINER_CREATED;
	c->state.created = container_now();
	return 0;
}

int container_rename(struct container *c, const char *name, struct err *e)
{
	auto_free char *old = NULL;
	int r = container_name_check(name, e);

	if (r < 0)
		return r;
	if (str_eq(name, c->name))
		return 0;
	r = ctname_take(c->eng, name, c->id, e);
	if (r < 0)
		return r;
	old = c->name;
	c->name = xstrdup(name);
	r = container_save(c, e);
	if (r < 0) {
		ctname_release(c->eng, name, c->id);
		return r;
	}
	ctname_release(c->eng, old, c->id);
	return 0;
}

/* -------------------------------------------------------------- records -- */

/* Nobody reads what the file of a kept folder says (ctspare.h): no inode is
 * made, and no block of the disk. */
static int stage_over(struct container *c, const char *text, size_t len)
{
	auto_close int fd = -1;
	struct stat st;

	if (!c->reused)
		return -ENOENT;
	fd = openat(c->dir_fd, CTSPARE_RECORD, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_nlink != 1 || io_write_all(fd, text, len) < 0 ||
	    ftruncate(fd, (off_t)len) < 0)
		return -EIO;
	return str_format(c->staged, sizeof(c->staged), CTSPARE_RECORD) < 0 ? -EIO : 0;
}

int container_stage(struct container *c, struct err *e)
{
	auto_free char *text = NULL;
	size_t len = 0;
	int r = open_dir(c, e);

	if (r < 0)
		return r;
	text = ctrecord_format(c, &len);
	if (!text)
		return err_msg(e, -ENOMEM, "container %.12s: the record cannot be written as text",
			       c->id);
	if (c->staged[0])
		(void)unlinkat(c->dir_fd, c->staged, 0);
	if (stage_over(c, text, len) == 0)
		return 0;
	r = io_stage_file_at(c->dir_fd, CTRECORD_FILE, text, len, 0600, c->staged, sizeof(c->staged));
	if (r == 0)
		return 0;
	c->staged[0] = '\0';
	return err_set(e, r, "store: %s/containers/%.12s.../" CTRECORD_FILE, c->eng->root, c->id);
}

/* Without space for a second file: the blocks of the record that is there take
 * another that is no longer than they are. An end is not to be lost for want of
 * a block, or who asks is told 137. */
static int write_over(const struct container *c)
{
	auto_close int fd = openat(c->dir_fd, CTRECORD_FILE, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	text = ctrecord_format(c, &len);
	if (!text || (off_t)len > st.st_blocks * 512)
		return -ENOSPC;
	if (pwrite(fd, text, len, 0) != (ssize_t)len)
		return -EIO;
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}

int container_commit(struct container *c, struct err *e)
{
	int r = c->staged[0] ? 0 : container_stage(c, e);

	if ((r == -ENOSPC || r == -EDQUOT) && write_over(c) == 0)
		return 0;
	if (r < 0)
		return r;
	if (renameat(c->dir_fd, c->staged, c->dir_fd, CTRECORD_FILE) < 0) {
		r = err_set(e, -errno, "store: %s/containers/%.12s.../" CTRECORD_FILE, c->eng->root, c->id);
		(void)unlinkat(c->dir_fd, c->staged, 0);
	}
	c->staged[0] = '\0';
	return r;
}

int container_save(struct container *c, struct err *e)
{
	if (c->staged[0])
		(void)unlinkat(c->dir_fd, c->staged, 0);
	c->staged[0] = '\0';
	return container_commit(c, e);
}

static int read_record(struct container *c, struct err *e)
{
	auto_free char *text = NULL;
	size_t len = 0;
	char id[CONTAINER_ID_LEN + 1];
	int r = io_read_file_at(c->dir_fd, CTRECORD_FILE, RECORD_MAX, &text, &len);

	if (r == -ENOENT)
		return err_msg(e, r, "container %.12s is being created", c->id);
	if (r < 0)
		return err_set(e, r, "container %.12s: " CTRECORD_FILE, c->id);
	memcpy(id, c->id, sizeof(id));
	r = ctrecord_parse(text, len, c, e);
	if (r == 0 && !str_eq(id, c->id))
		r = err_msg(e, -EBADMSG, "container %.12s: the record is of another container", id);
	memcpy(c->id, id, sizeof(id));
	return r;
}

char *container_boot_id(void)
{
	char *id = NULL;

	if (io_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &id, NULL) < 0)
		return xstrdup("unknown");
	id[strcspn(id, "\n")] = '\0';
	return id;
}

bool container_alive(const struct container *c)
{
	auto_free char *boot = NULL;

	if (c->state.monitor_pid <= 0)
		return false;
	if (!proc_is_alive(c->state.monitor_pid, (uint64_t)c->state.monitor_start))
		return false;
	/* pids and start times mean nothing after another boot */
	boot = container_boot_id();
	return str_eq(boot, c->state.boot_id);
}

/* What a reader has to believe of a record whose monitor was killed. */
static void settle_lost(struct container *c)
{
	c->state.status = CONTAINER_EXITED;
	c->state.exit_code = 137;
	c->state.pid = 0;
	c->state.monitor_pid = 0;
	free(c->state.error);
	c->state.error = xstrdup("its monitor was killed");
	strv_clear(&c->state.ports);
	if (!c->state.finished || c->state.finished < c->state.started)
		c->state.finished = c->state.started;
}

int container_reload(struct container *c, struct err *e)
{
	int r = open_dir(c, e);

	if (r == 0)
		r = read_record(c, e);
	/* The descriptor leads to the folder even when that is on its way out, and
	 * a record may be written over by the next container then. */
	if (c->dir_fd >= 0 && !ctfind_has_folder(c->eng, c->id))
		return err_msg(e, -ENOENT, "container %.12s was removed", c->id);
	if (r < 0 || c->state.status != CONTAINER_RUNNING || container_alive(c))
		return r;
	/* It may have written EXITED and left since we read. */
	r = read_record(c, e);
	if (r == 0 && c->state.status == CONTAINER_RUNNING)
		settle_lost(c);
	return r;
}

int container_load(const struct engine *eng, const char *id, struct container **ret, struct err *e)
{
	AUTO(container_free) struct container *c = container_new(eng);
	int r;

	if (strlen(id) != CONTAINER_ID_LEN)
		return err_msg(e, -ENOENT, "no such container: %s", id);
	memcpy(c->id, id, CONTAINER_ID_LEN + 1);
	r = container_reload(c, e);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

int container_connect(const struct container *c)
{
	auto_free char *path = xasprintf("%s/containers/%s",
					 c->state.runroot && *c->state.runroot ? c->state.runroot : c->eng->runroot, c->id);

	return ctl_connect(path);
}
