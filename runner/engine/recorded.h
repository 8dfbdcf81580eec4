/* SPDX-License-Identifier: Apache-2.0
 *
 * recorded - all the ids of an image where only one exists
 *
 * The supervisor is `uidmap agent`: programs of the container ask it who they
 * are and who owns what. One belongs to each running container.
 */
#ifndef RUNNER_ENGINE_RECORDED_H
#define RUNNER_ENGINE_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "runner/oci/oci.h"

struct container;
struct engine;
struct err;
struct rootfs;
struct user;

/**
 * enum recorded_mode - what a container's programs are answered
 * @RECORDED_OFF:	nothing
 * @RECORDED_FAST:	who they are; who owns a file is what the disk says
 * @RECORDED_FULL:	both
 */
enum recorded_mode {
	RECORDED_OFF,
	RECORDED_FAST,
	RECORDED_FULL,
	RECORDED_MAX_,
};

/**
 * struct recorded - a supervisor that runs
 * @pid:	it, 0 when there is none
 * @pidfd:	the same, to be polled; -1 when there is none
 * @exit_fd:	closing it makes it leave
 * @words_fd:	what it says on stderr
 */
struct recorded {
	pid_t pid;
	int pidfd;
	int exit_fd;
	int words_fd;
};

#define RECORDED_NONE ((struct recorded){ .pidfd = -1, .exit_fd = -1, .words_fd = -1 })
#define RECORDED_WORDS_MAX 320

/**
 * recorded_parse() - "off", "fast" or "full"; pure
 * Return: 0, -EINVAL
 */
int recorded_parse(const char *word, enum recorded_mode *ret, struct err *e);

/**
 * recorded_offered() - can this kernel hand calls to a supervisor of ours
 */
bool recorded_offered(void);

/**
 * recorded_ids_name() - the rung of ids that a container gets unless it asks
 * for a lower one
 */
const char *recorded_ids_name(const struct engine *eng);

/**
 * recorded_mode() - what was asked for when the container was made; pure
 */
enum recorded_mode recorded_mode(const struct container *c);

/**
 * recorded_choose() - what a start of this container gets
 * @root:	its root file system
 *
 * OFF where ids need no record, or somebody else has the calls already.
 */
enum recorded_mode recorded_choose(const struct container *c, const struct rootfs *root);

/**
 * recorded_start() - start the supervisor; it listens when this returns
 * @c:	its runtime folder gets the socket, and the owners that its layers
 *	could not carry
 * Return: 0, -errno
 */
int recorded_start(struct recorded *r, const struct container *c, struct err *e);

/**
 * recorded_give() - record an owner for one file or folder, as a layer would
 * @name:	below @dirfd, not followed; links and other objects have no place
 *		for it and stay as they are
 * Return: 0, -ENOTSUP on a file system without such attributes, -errno
 */
int recorded_give(int dirfd, const char *name, uid_t uid, gid_t gid);

/**
 * recorded_metadata() - what the supervisor is told of a program; pure
 * @ret:	the caller's to free
 */
char *recorded_metadata(const struct user *user, enum recorded_mode mode);

/**
 * struct recorded_program - what the runtime is told of a program
 * @agent:	for oci_create() and oci_exec()
 * @bpf, @socket, @metadata: what it refers to
 */
struct recorded_program {
	struct oci_agent agent;
	struct oci_bpf bpf;
	char *socket;
	char *metadata;
};

/**
 * recorded_program() - prepare a program of a container with a supervisor
 * @c:		its member recorded counts
 * @user:	with whose ids it begins
 * @ret:	clear it later; untouched on failure, and zeros will do
 *
 * The structure must stay where it is: agent refers to it.
 * Return: 0, -errno
 */
int recorded_program(const struct container *c, const struct user *user,
		     struct recorded_program *ret, struct err *e);

void recorded_program_clear(struct recorded_program *p);
DEFINE_AUTO_CLEAR(struct recorded_program, recorded_program_clear);

/**
 * recorded_words() - the first line it has said since the last time
 * Return: its length, 0 for none
 */
int recorded_words(const struct recorded *r, char *buf, size_t size);

/** recorded_stop() - make it leave and wait for that */
void recorded_stop(struct recorded *r);

#endif
