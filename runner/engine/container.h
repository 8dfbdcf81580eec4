/* SPDX-License-Identifier: Apache-2.0
 *
 * container - the record of one container, and what may happen to it
 *
 * One folder per container below ROOT/containers, with container.json in it
 * (replaced by rename, see ctrecord.c), and one below RUNROOT/containers that
 * holds its lock, its monitor's pid and its socket. A name is a symbolic link
 * ROOT/ctrnames/NAME that holds the id: symlink(2) is exclusive everywhere.
 */
#ifndef RUNNER_ENGINE_CONTAINER_H
#define RUNNER_ENGINE_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <sys/types.h>

#include "common/str.h"

struct engine;
struct err;

#define CONTAINER_ID_LEN 64
#define CONTAINER_ID_SHORT 12
#define CONTAINER_NAME_MAX 128

/**
 * enum container_status - where in its life a container is
 * @CONTAINER_CREATING:	the folder exists and has no record yet. Its maker
 *			holds the lock; a folder in this state whose lock is
 *			free is rubbish, see container_repair()
 * @CONTAINER_CREATED:	never started: start, rm, rename, inspect
 * @CONTAINER_RUNNING:	the image's program runs; the monitor owns everything
 * @CONTAINER_EXITED:	no process, no mount, no port is left: start, rm, commit
 *
 * Between CREATED or EXITED and RUNNING the lock is held by the monitor that
 * takes the resources; all of them are descriptors and processes, so that a
 * killed monitor leaves the record as it was. RUNNING with a dead monitor is
 * read as EXITED by container_load(): its guard has taken everything down.
 */
enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_STATUS_MAX_,
};

/**
 * struct container_config - what was asked for; fixed at creation
 *
 * Everything is resolved (image defaults merged in), so that a start reads
 * nothing but the record. Lists of structured things (publish, mounts) keep
 * the normalised text of their option and are parsed again where used.
 *
 * @image:		reference as resolved, for people
 * @image_id:		digest of the image's configuration
 * @layers:		folders of the layers, uppermost first, relative to ROOT or
 *			absolute
 * @wh_files:		a layer has its whiteouts as .wh. files: no native overlay
 * @entrypoint:		for inspect and commit: entry point in force
 * @cmd:		for inspect and commit: arguments in force
 * @args:		argv of the container's program: entrypoint + cmd
 * @env:		its environment but for what start adds (HOME, TERM)
 * @workdir:		its folder
 * @user:		"name|uid[:group|gid]" as asked for, "" for root
 * @group_add:		more groups by name or number, or "keep-groups"
 * @hostname:		"" for the short id
 * @labels:		"key=value"
 * @annotations:	"key=value"
 * @tty:		give it a terminal
 * @open_stdin:		give it a stdin that clients can write to
 * @rm:			remove it when it exits
 * @read_only:		no writing to the root file system
 * @privileged:		all capabilities we have, no seccomp, no masked paths
 * @no_hosts:		leave the image's /etc/hosts alone
 * @network:		"private", "host" or "none"
 * @publish:		port specifications
 * @publish_all:	publish every exposed port at any free host port
 * @expose:		"80/tcp", from image and options
 * @add_host:		"name:address"
 * @dns:		name server addresses
 * @dns_search:		search domains
 * @dns_option:		resolver options
 * @mounts:		--mount syntax: "type=bind,src=/a,dst=/b,ro"
 * @devices:		"host[:container[:rwm]]"
 * @cap_add:		capability names without CAP_, upper case; "ALL"
 * @cap_drop:		likewise
 * @security_opt:	as given, checked at creation
 * @ulimit:		"name=soft[:hard]"
 * @sysctl:		"name=value"
 * @pid_mode, @ipc_mode, @uts_mode: "" (private) or "host"
 * @shm_size:		bytes of /dev/shm, 0 for the default
 * @stop_signal:	signal number that stop sends
 * @stop_timeout:	seconds until stop kills
 * @log_driver:		"k8s-file" or "none"
 * @log_max:		bytes after which the log starts anew, 0 for never
 * @rungs:		tell the program on which rungs it runs
 * @require:		"AXIS=RUNG": do not start on a lower one
 * @recorded_ids:	"off", "fast" or "full" where only one id exists; "": full
 * @oom_score_adj:	0 leaves it
 * @memory, @memory_reservation: bytes; 0 for no limit, as in all limits
 * @memory_swap:	bytes of memory and swap together, -1 for no limit
 * @cpu_quota:		microseconds in each @cpu_period, -1 for no limit
 * @cpu_shares:		weight, 2 to 262144
 * @cpuset_cpus, @cpuset_mems: "0-2,5", "" for all
 * @pids_limit:		processes, -1 for no limit
 */
struct container_config {
	char *image;
	char *image_id;
	struct strv layers;
	bool wh_files;
	struct strv entrypoint;
	struct strv cmd;
	struct strv args;
	struct strv env;
	char *workdir;
	char *user;
	struct strv group_add;
	char *hostname;
	struct strv labels;
	struct strv annotations;
	bool tty;
	bool open_stdin;
	bool rm;
	bool read_only;
	bool privileged;
	bool no_hosts;
	bool publish_all;
	bool rungs;
	struct strv require;
	char *recorded_ids;
	char *network;
	struct strv publish;
	struct strv expose;
	struct strv add_host;
	struct strv dns;
	struct strv dns_search;
	struct strv dns_option;
	struct strv mounts;
	struct strv devices;
	struct strv cap_add;
	struct strv cap_drop;
	struct strv security_opt;
	struct strv ulimit;
	struct strv sysctl;
	char *pid_mode;
	char *ipc_mode;
	char *uts_mode;
	int64_t shm_size;
	int stop_signal;
	int stop_timeout;
	int oom_score_adj;
	int64_t memory;
	int64_t memory_reservation;
	int64_t memory_swap;
	int64_t cpu_period;
	int64_t cpu_quota;
	int64_t cpu_shares;
	char *cpuset_cpus;
	char *cpuset_mems;
	int64_t pids_limit;
	char *log_driver;
	int64_t log_max;
};

/**
 * struct container_state - what happened; written by the monitor
 * @status:		enum container_status
 * @monitor_pid:	the monitor, in the host's numbering
 * @monitor_start:	its start time, so that the pid cannot be mistaken
 * @pid:		the container's first process, in the host's numbering
 * @pid_start:		its start time
 * @boot_id:		the boot that the pids belong to
 * @runroot:		where the monitor's socket is
 * @created, @started, @finished: ns since 1970, 0 for never
 * @exit_code:		of the last run
 * @error:		why it did not start or how it was lost, or ""
 * @rung_ids, @rung_rootfs, @rung_network, @rung_cgroups: rungs of the last start
 * @cgroup:		folder of the running container's own group, or ""
 * @ports:		"HOST_IP:HOST_PORT->PORT/proto", one per published port
 */
struct container_state {
	int status;
	int monitor_pid;
	int64_t monitor_start;
	int pid;
	int64_t pid_start;
	char *boot_id;
	char *runroot;
	int64_t created;
	int64_t started;
	int64_t finished;
	int exit_code;
	char *error;
	char *rung_ids;
	char *rung_rootfs;
	char *rung_network;
	char *rung_cgroups;
	char *cgroup;
	struct strv ports;
};

/**
 * struct container - one container in memory
 * @eng:	where it lives
 * @id:		64 hex digits
 * @name:	may change by rename
 * @dir_fd:	O_PATH of ROOT/containers/ID, or -1
 * @run_fd:	ordinary descriptor of RUNROOT/containers/ID (the lock), or -1
 * @staged:	file beside the record that container_commit() makes the record, or ""
 * @recorded:	enum recorded_mode of the run that is being started or joined
 * @reuse:	wanted by who starts it at once: a kept folder (ctspare.h) will do
 * @reused:	its folder is one, with the writable folders in it
 * @config:	what was asked for
 * @state:	what happened
 */
struct container {
	const struct engine *eng;
	char id[CONTAINER_ID_LEN + 1];
	char *name;
	int dir_fd;
	int run_fd;
	char staged[48];
	int recorded;
	bool reuse;
	bool reused;
	struct container_config config;
	struct container_state state;
};

struct container *container_new(const struct engine *eng);
void container_free(struct container *c);
DEFINE_AUTO(struct container, container_free);

const char *container_status_name(enum container_status status);

/**
 * container_name_check() - [a-zA-Z0-9][a-zA-Z0-9_.-]*, not too long
 * Return: 0, -EINVAL
 */
int container_name_check(const char *name, struct err *e);

/**
 * container_claim() - give a new container its id, name and folders
 *
 * @c->config is set by the caller, and @c->reuse; @c->name may be NULL for a
 * made-up one.
 * The lock is held when this returns, and no record is written: call
 * container_save() or start it, then container_unlock().
 * Return: 0, -EEXIST when the name is taken, -errno
 */
int container_claim(struct container *c, struct err *e);

/**
 * container_find() - by name, id, or unambiguous start of an id
 * Return: 0 with the loaded container (see container_load()), -ENOENT
 */
int container_find(const struct engine *eng, const char *what, struct container **ret,
		   struct err *e);

/**
 * container_load() - by full id; a dead monitor is seen as EXITED
 *
 * Takes no lock and waits for nobody.
 * Return: 0, -ENOENT, -EBADMSG
 */
int container_load(const struct engine *eng, const char *id, struct container **ret,
		   struct err *e);

/**
 * container_list() - every container, oldest first; broken ones are left out
 * Return: how many; the caller frees each and the array
 */
int container_list(const struct engine *eng, struct container ***ret, struct err *e);

/**
 * container_lock() - nobody else starts, renames or removes it meanwhile
 *
 * Held for file operations only, never while waiting for a person, the
 * network or a container. Released by container_unlock() or by exit.
 * Return: 0, -EBUSY when @wait is false and somebody holds it, -errno
 */
int container_lock(struct container *c, bool wait, struct err *e);
void container_unlock(struct container *c);

/**
 * container_share_run_dir() - the runtime folder for another program
 *
 * @c->run_fd itself is the lock, which whoever has the descriptor would hold
 * for longer than we live.
 * Return: descriptor, the caller's; -errno
 */
int container_share_run_dir(const struct container *c, struct err *e);

/**
 * container_save() - write the record; the caller holds the lock or is the
 * only one who may write (see enum container_status)
 * Return: 0, -errno
 */
int container_save(struct container *c, struct err *e);

/**
 * container_stage() - write what is to be the record beside it, so that
 * container_commit() is one rename; nothing may be changed between the two.
 * What was staged before is gone then
 * Return: 0, -errno
 */
int container_stage(struct container *c, struct err *e);

/**
 * container_commit() - make the staged record the record; without one, the
 * same as container_save()
 * Return: 0, -errno
 */
int container_commit(struct container *c, struct err *e);

/**
 * container_reopen() - its folder once more, in the mount namespace of now
 * Return: 0, -errno
 */
int container_reopen(struct container *c, struct err *e);

/**
 * container_reload() - read the record again (after the lock was taken)
 * Return: 0, -ENOENT when it was removed, -EBADMSG
 */
int container_reload(struct container *c, struct err *e);

/**
 * container_rename() - atomically take the new name and let go the old
 * Return: 0, -EEXIST
 */
int container_rename(struct container *c, const char *name, struct err *e);

/**
 * container_delete() - remove everything of it from disk
 *
 * The container must not run and the lock must be held. Writes nothing, so it
 * works on a full disk; killed half-way, container_repair() finishes it.
 * Needs root of the user namespace when it holds files of other ids.
 * Return: 0, -errno
 */
int container_delete(struct container *c, struct err *e);

/**
 * container_reap() - the cgroup that a killed monitor has left
 *
 * A monitor that ends by itself removes its own.
 */
void container_reap(const struct container *c);

/**
 * container_retire() - the quick half of container_delete(): the name is free
 * and nobody finds the container any more
 *
 * The lock must be held; who waits for it will see that its folder is gone.
 * Return: 0, -errno
 */
int container_retire(struct container *c, struct err *e);

/**
 * container_keep() - instead of container_purge(): the folder of a retired
 * container to the next one, where nothing was written to it
 * @since:	see ctspare_keep(), as what is asked there
 *
 * What is left is for container_purge() all the same.
 */
void container_keep(const struct container *c, const struct timespec *since);

/**
 * container_purge() - the slow half: remove the files of a retired container, in
 * RUNROOT, too
 * Return: 0, -errno
 */
int container_purge(const struct container *c, struct err *e);

/**
 * container_clear_run_dir() - remove what its monitor had in RUNROOT; the
 * lock must be held, and stays
 */
void container_clear_run_dir(const struct container *c);

/**
 * container_repair() - finish what killed commands left: half-made and
 * half-removed folders, names that lead nowhere
 */
void container_repair(const struct engine *eng);

/**
 * container_boot_id() - names this boot of the machine; the caller frees it
 */
char *container_boot_id(void);

/**
 * container_exists() - is there a folder of that full id, in any state
 */
bool container_exists(const struct engine *eng, const char *id);

/**
 * container_alive() - does its monitor live, in this boot
 */
bool container_alive(const struct container *c);

/**
 * container_connect() - a connection to its monitor
 * Return: descriptor, -ECONNREFUSED or -ENOENT when there is none
 */
int container_connect(const struct container *c);

/**
 * container_now() - ns since 1970
 */
int64_t container_now(void);

#endif
