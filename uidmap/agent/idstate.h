/* SPDX-License-Identifier: Apache-2.0
 *
 * idstate - who a process is, and the kernel's rules for becoming another
 *
 * Pure: no system call. The rules are those of Linux's kernel/sys.c,
 * kernel/groups.c and security/commoncap.c; credentials(7) and
 * capabilities(7) describe them. Failure is -errno as the call would give it,
 * and leaves the state alone.
 */
#ifndef UIDMAP_AGENT_IDSTATE_H
#define UIDMAP_AGENT_IDSTATE_H

#include <stdbool.h>
#include <stdint.h>

#define ID_NONE UINT32_MAX	    /* no id: "leave as it is", or invalid */
#define IDSTATE_GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX */

/**
 * struct ids - the four ids of one kind
 * @r, @e, @s, @fs: real, effective, saved, file system
 */
struct ids {
	uint32_t r, e, s, fs;
};

/**
 * struct idcaps - capability sets, a bit a capability
 * @p, @e, @i:	permitted, effective, inheritable
 * @b, @a:	bounding, ambient
 */
struct idcaps {
	uint64_t p, e, i, b, a;
};

/**
 * struct idstate - credentials
 * @uid, @gid:	ids
 * @cap:	capabilities
 * @securebits:	SECBIT_*
 * @n_groups:	how many supplementary groups
 * @groups:	in ascending order; borrowed
 */
struct idstate {
	struct ids uid;
	struct ids gid;
	struct idcaps cap;
	uint32_t securebits;
	uint32_t n_groups;
	const uint32_t *groups;
};

/**
 * struct idfile - what of a file matters when it is executed
 * @setuid, @setgid: the bits hold (not on nosuid mounts, no_new_privs…)
 * @uid, @gid:	its owner
 */
struct idfile {
	bool setuid;
	bool setgid;
	uint32_t uid;
	uint32_t gid;
};

/**
 * idstate_init() - somebody with these ids
 * @bounding:	bounding set; root has all of it, others nothing
 */
void idstate_init(struct idstate *s, uint32_t uid, uint32_t gid, uint64_t bounding);

bool idstate_equal(const struct idstate *a, const struct idstate *b);
bool idstate_capable(const struct idstate *s, int cap);

/**
 * idstate_in_group() - as the file system sees it
 */
bool idstate_in_group(const struct idstate *s, uint32_t gid);

int idstate_setuid(struct idstate *s, uint32_t uid);
int idstate_setgid(struct idstate *s, uint32_t gid);
int idstate_setreuid(struct idstate *s, uint32_t ruid, uint32_t euid);
int idstate_setregid(struct idstate *s, uint32_t rgid, uint32_t egid);
int idstate_setresuid(struct idstate *s, uint32_t ruid, uint32_t euid, uint32_t suid);
int idstate_setresgid(struct idstate *s, uint32_t rgid, uint32_t egid, uint32_t sgid);

/**
 * idstate_setfsuid(), idstate_setfsgid()
 * Return: the id before, whether or not it changed
 */
uint32_t idstate_setfsuid(struct idstate *s, uint32_t uid);
uint32_t idstate_setfsgid(struct idstate *s, uint32_t gid);

/**
 * idstate_setgroups() - @groups is borrowed, and sorted here
 */
int idstate_setgroups(struct idstate *s, uint32_t *groups, uint32_t n);

int idstate_capset(struct idstate *s, uint64_t permitted, uint64_t effective, uint64_t inheritable);

/**
 * idstate_prctl() - PR_[GS]ET_KEEPCAPS, PR_[GS]ET_SECUREBITS, PR_CAPBSET_*,
 * PR_CAP_AMBIENT
 * Return: what prctl(2) returns
 */
int idstate_prctl(struct idstate *s, int option, const uint64_t arg[4]);

/**
 * idstate_exec() - a program was executed
 */
void idstate_exec(struct idstate *s, const struct idfile *file);

#endif
