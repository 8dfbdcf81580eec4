/* SPDX-License-Identifier: Apache-2.0
 *
 * cli - the commands of runner-oci
 */
#ifndef RUNNER_OCI_CLI_H
#define RUNNER_OCI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "common/opt.h"
#include "runner/oci/oci.h"
#include "runner/oci/store.h"

struct err;

/**
 * struct cli - what stands before the command
 * @root:	    --root
 * @log, @log_format: --log, --log-format
 * @cgroup_manager: --cgroup-manager
 * @rootless:	    --rootless
 * @debug_stop:	    --debug-stop STEP: stop there, for tests of crashes
 * @require_cgroup: a limit that is not enforced is an error
 * @root_fd:	    the store's folder
 * @cgroup:	    from the words above
 */
struct cli {
	const char *root, *log, *log_format, *cgroup_manager, *rootless, *debug_stop;
	bool debug, systemd_cgroup, help, version, require_cgroup;
	int root_fd;
	enum oci_cgroup_mode cgroup;
};

/**
 * struct verb - one command
 * @name, @summary: for help
 * @operands:	    for help
 * @rows:	    its options
 * @enters:	    its process is seen by a container: protect our program file
 * @no_store:	    needs no state folder
 * @fn:		    argv[0] is the command; returns the exit code, or -errno with @e
 */
struct verb {
	const char *name, *operands, *summary;
	const struct opt *rows;
	bool enters, no_store;
	int (*fn)(struct cli *cli, int argc, char **argv, struct err *e);
};

extern const struct verb verb_create, verb_delete, verb_exec, verb_features, verb_kill, verb_list,
	verb_pause, verb_ps, verb_resume, verb_run, verb_spec, verb_start, verb_state, verb_update;

/** cli_find() - a verb by name, or NULL */
const struct verb *cli_find(const char *name);

/** cli_help() - all verbs, or one */
void cli_help(const struct opt *global, const struct verb *v, FILE *out);

/**
 * cli_operands() - parse a verb's options and count its operands
 * @min, @max: how many; max < 0: any
 * @ret_args:  first operand
 *
 * Return: how many, or -EINVAL
 */
int cli_operands(const struct verb *v, int argc, char **argv, void *target, int min, int max,
		 unsigned int flags, char ***ret_args, struct err *e);

/** cli_send_console() - hand a pty master to the socket of --console-socket */
int cli_send_console(const char *path, int master, struct err *e);

/** cli_write_pid() - --pid-file, replaced atomically */
int cli_write_pid(const char *path, pid_t pid, struct err *e);

/**
 * cli_wait() - stay until a program ends: relay its terminal, pass on signals
 * @tty: pty master or -1; closed
 *
 * Return: exit code, 128 + signal, or -errno
 */
int cli_wait(int pidfd, int tty, struct err *e);

/**
 * cli_hold_signals() - before a program starts that cli_wait() will stay with
 *
 * A signal that comes between would end us alone, and leave the program.
 */
void cli_hold_signals(void);

/**
 * cli_own_size() - a new terminal is as large as ours from the first moment
 *
 * cli_wait() sets it too, but then the program may have looked already.
 */
void cli_own_size(struct spec_process *p);

/** cli_keep_fds() - the list for --preserve-fds and LISTEN_FDS */
int cli_keep_fds(int n, int **ret, size_t *ret_n, struct err *e);

/** cli_warn() - for oci_create_opts.warn */
void cli_warn(void *ctx, const char *line);

/** cli_seal() - run from a sealed copy of our program (see seal.c) */
int cli_seal(char **argv, struct err *e);

/**
 * cli_start() - what `start` and `run` do with a created container
 * @s:	    its spec, for the hooks
 * @detach: the caller leaves after it, so a container with NOTIFY_SOCKET is
 *	    waited for until it is ready or gone
 */
int cli_start(struct box *b, const struct spec *s, bool detach, struct err *e);

/** sdnotify_prepare() - with NOTIFY_SOCKET: mount and variable of a new container */
int sdnotify_prepare(const struct box *b, struct spec *s, struct err *e);

/** sdnotify_open() - the socket the container will find; *ret_fd is -1 without */
int sdnotify_open(const struct box *b, int *ret_fd, struct err *e);

/** sdnotify_wait() - until READY=1 was passed on (true) or the container is gone */
bool sdnotify_wait(int fd, int pidfd);

/** sdnotify_fork() - wait in a child of ours */
int sdnotify_fork(int fd, int pidfd, struct err *e);

/** sdnotify_detached() - wait, then name the container's process as the service's */
void sdnotify_detached(int fd, int pidfd, pid_t pid);

/** cli_state_fd() - a file with the state, for hooks */
int cli_state_fd(const struct box *b, const struct spec *s, const char *status, struct err *e);

/**
 * cli_each() - call for every container whose name matches
 * @fn: what it returns first below 0 is returned in the end, none stops
 */
int cli_each(const struct cli *cli, const char *pattern,
	     int (*fn)(const struct cli *cli, const char *id, void *ctx, struct err *e), void *ctx,
	     struct err *e);

/** cli_delete() - clean everything of a stopped container */
int cli_delete(struct box *b, const char *id, struct err *e);

/**
 * cli_pids() - processes of a container, as we see them
 * @ret: the caller frees it
 */
int cli_pids(const struct box *b, pid_t **ret, size_t *ret_n, struct err *e);

/** cli_signal() - "9", "KILL", "SIGKILL", "SIGRTMIN+3" to a number */
int cli_signal(const char *s, int *ret, struct err *e);

#endif
