/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci.h - create, start, enter and signal a container.
 *
 * How it works: oci_create() turns the spec into a plan (every decision, every
 * byte the child will need), makes one child by clone3, and lets it build its
 * world: mounts, devices, root switch, terminal. The child then waits. With
 * oci_start() it applies privileges and seccomp and executes the program. Until
 * the exec the two sides talk over a socket pair (sync.h) that closes on exec,
 * so whatever fails in the child comes back as a struct err, also the exec
 * itself. The child of oci_create() and oci_exec() is a child of the calling
 * process: reap it by waitid(P_PIDFD).
 */
#ifndef RUNNER_OCI_OCI_H
#define RUNNER_OCI_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/oci/spec.h"

struct err;

/*
 * Error codes of a program that cannot be executed (err.code and the return
 * value), outside the errno range so that nothing else can produce them.
 */
enum {
	OCI_ERR_NOT_FOUND = -4001, /* no such program: exit 127 */
	OCI_ERR_NOT_EXEC = -4002,  /* it cannot be executed: exit 126 */
};

/** oci_exit_code() - 127, 126, or 125 for any other error code */
int oci_exit_code(int code);

/* Which cgroup the container gets. */
enum oci_cgroup_mode {
	OCI_CGROUP_AUTO,     /* best that works; none is no failure */
	OCI_CGROUP_DISABLED, /* stay in the caller's */
	OCI_CGROUP_FS,       /* make folders below the cgroup2 mount */
	OCI_CGROUP_SYSTEMD,  /* a transient scope over D-Bus */
};

/* A filter ready to be loaded; see oci_seccomp_compile(). */
struct oci_bpf {
	void *insns;  /* struct sock_filter[] */
	size_t bytes; /* 0: no filter */
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* the profile asks for */
};

/*
 * A supervisor of the caller's, beside the spec's own filter: it answers the
 * calls that a filter of its own hands to it. That one is loaded last before
 * the exec, so that our own set-up is not seen, and first of the two: what
 * the spec's filter refuses stays refused.
 */
struct oci_agent {
	const char *socket;	    /* where it listens, as linux.seccomp.listenerPath */
	const char *metadata;	    /* as linux.seccomp.listenerMetadata */
	const struct oci_bpf *bpf;
};

struct oci_container;

/* All of oci_create()'s inputs beside the spec. Start with oci_create_opts_init(). */
struct oci_create_opts {
	const char *id;     /* name: cgroup, state for hooks; required */
	const char *bundle; /* folder for hooks' state and relative paths; NULL: cwd */
	int stdio[3];       /* given to the program unless a terminal is asked for; -1: keep 0 1 2 */
	int rootfs_fd;      /* detached mount to be used as root, or -1 for spec root.path */
	const int *keep_fds; /* beside 0 1 2; the child sees them as 3, 4, ... in this order */
	size_t n_keep_fds;
	bool keep_fds_as_is; /* keep_fds stay at their own numbers instead */
	enum oci_cgroup_mode cgroup;
	bool require_cgroup; /* limits that cannot be applied are an error, not a warning */
	const struct oci_bpf *seccomp; /* precompiled filter of spec->seccomp, or NULL */
	const struct oci_agent *agent; /* or NULL */
	bool no_pivot;       /* MS_MOVE + chroot instead of pivot_root */
	bool no_new_keyring;
	int death_sig;       /* sent to the program when the caller dies; 0: none */
	int netns_sock;      /* socket on which the new network namespace comes while the child is at
			      * work, or its end: then the child makes one itself; or -1 */
	int start_fd;        /* listening SEQPACKET socket on which start arrives, or -1 */
	void (*warn)(void *ctx, const char *line); /* lost isolation or limits; may be NULL */
	void *warn_ctx;
	bool ns_ids; /* fill in oci_container.ns: 8 look-ups while the container waits */
	/* called at each named step, with what exists by then; may be NULL */
	int (*step)(void *ctx, const char *name, const struct oci_container *c, struct err *e);
	void *step_ctx;
};

void oci_create_opts_init(struct oci_create_opts *o);

enum { OCI_CGROUP_PATH_MAX = 1024 };

/* Namespaces of the init at creation, to notice when they change. */
struct oci_ns_id {
	uint64_t dev, ino;
};

/* A made container. Descriptors are -1 when absent; oci_container_close() closes them. */
struct oci_container {
	pid_t pid;
	int pidfd;
	int sync_fd;     /* to the child; closed by oci_start() */
	int terminal_fd; /* pty master, the caller's once taken (take_fd) */
	int notify_fd;   /* unused here; -1 */
	struct oci_ns_id ns[SPEC_NS_MAX_];
	bool has_cgroup;
	bool cgroup_ours; /* made by us: removed by oci_cgroup_remove() */
	char cgroup[OCI_CGROUP_PATH_MAX]; /* absolute path of the folder */
	char cgroup_scope[256];           /* systemd scope, or "" */
};

void oci_container_init(struct oci_container *c);
void oci_container_close(struct oci_container *c);

/**
 * oci_create() - make the container; its program waits for oci_start()
 * @s:   spec, needed by oci_start() no more
 * @o:   options
 * @ret: filled on success; oci_container_close() later
 * @e:   the failing step's name comes first
 *
 * On failure nothing is left: the child is reaped, the cgroup removed.
 * The caller must have one thread only.
 *
 * Return: 0, OCI_ERR_NOT_FOUND, OCI_ERR_NOT_EXEC (the program is looked up
 * here) or -errno.
 */
int oci_create(const struct spec *s, const struct oci_create_opts *o, struct oci_container *ret,
	       struct err *e);

/**
 * oci_start() - let the program run
 * @c: its sync_fd is closed in any case
 * @e: why the program cannot run
 *
 * Returns once the exec happened, or with its error; then the init is gone
 * (not yet reaped).
 *
 * Return: 0, OCI_ERR_NOT_FOUND, OCI_ERR_NOT_EXEC or -errno.
 */
int oci_start(struct oci_container *c, struct err *e);

/* Inputs of oci_exec(). Start with oci_exec_opts_init(). */
struct oci_exec_opts {
	int pidfd;      /* of the container's init; required */
	pid_t pid;      /* the same process */
	const struct oci_ns_id *ns; /* SPEC_NS_MAX_ entries as recorded at creation, or NULL */
	int stdio[3];   /* as in oci_create_opts */
	const int *keep_fds;
	size_t n_keep_fds;
	bool keep_fds_as_is;
	const char *cgroup; /* folder to enter, or NULL */
	const struct oci_bpf *seccomp; /* filter, or NULL for none */
	const struct spec_seccomp *seccomp_spec; /* for its listenerPath, or NULL */
	const struct oci_agent *agent; /* or NULL */
	const char *id; /* told to the listener */
	const struct spec_mempolicy *mempolicy; /* of the container, or NULL */
	bool no_new_keyring;
	int death_sig; /* as in oci_create_opts */
};

void oci_exec_opts_init(struct oci_exec_opts *o);

/**
 * oci_exec() - run a further program in a container
 * @o:       options
 * @p:       program; terminal asks for a pty of the container's devpts
 * @ret_pid: pid as the caller sees it
 * @ret_pidfd: the caller's to close and to wait on; a child of the caller
 * @ret_tty: pty master when p->terminal, else -1
 * @e:       why not
 *
 * Joins the namespaces of the init, after checking that they are those of the
 * record. Returns once the exec happened.
 *
 * Return: 0, OCI_ERR_NOT_FOUND, OCI_ERR_NOT_EXEC or -errno.
 */
int oci_exec(const struct oci_exec_opts *o, const struct spec_process *p, pid_t *ret_pid,
	     int *ret_pidfd, int *ret_tty, struct err *e);

/**
 * oci_kill() - signal the container's init
 * @pidfd: of the init
 * @sig:   signal number
 * @e:     why not
 */
int oci_kill(int pidfd, int sig, struct err *e);

/**
 * oci_kill_all() - signal every process of the container
 * @cgroup: its folder; all processes below it are signalled
 * @sig:    signal number
 * @e:      why not
 */
int oci_kill_all(const char *cgroup, int sig, struct err *e);

/**
 * oci_freeze() - stop (true) or continue (false) all processes of a cgroup
 * @cgroup: folder
 * @freeze: what is wanted; returns when it is so
 * @e:      why not
 */
int oci_freeze(const char *cgroup, bool freeze, struct err *e);

/**
 * oci_cgroup_remove() - kill what is left in the container's cgroup, remove it
 * @cgroup: folder, made by oci_create()
 * @scope:  systemd scope or ""
 * @e:      why not
 */
int oci_cgroup_remove(const char *cgroup, const char *scope, struct err *e);

/**
 * oci_cgroup_reap() - remove a dead container's group without a record of it
 * @id: name given to oci_create(), of a spec that named no cgroupsPath
 * @e:  why not
 *
 * For makers that can be killed between making the group and writing it down.
 */
int oci_cgroup_reap(const char *id, struct err *e);

/**
 * oci_cgroup_update() - apply resources to a living container
 * @cgroup: folder
 * @r:      what to change
 * @e:      names the file that refused
 */
int oci_cgroup_update(const char *cgroup, const struct spec_resources *r, struct err *e);

/**
 * oci_cgroup_rung() - which rung this process would get with OCI_CGROUP_AUTO
 *
 * Return: "systemd", "cgroup2" or "none".
 */
const char *oci_cgroup_rung(void);

/**
 * oci_seccomp_compile() - profile to BPF
 * @sc:  profile
 * @ret: filter to be freed by oci_bpf_clear(); a pure function of @sc and the
 *       machine, so that the bytes may be kept and used again
 * @e:   names what is wrong
 */
int oci_seccomp_compile(const struct spec_seccomp *sc, struct oci_bpf *ret, struct err *e);

void oci_bpf_clear(struct oci_bpf *b);

/**
 * oci_seccomp_key() - a string that names the filter oci_seccomp_compile() gives
 * @sc:  profile
 * @ret: hex digits and a NUL; changes with the profile, the kernel's ABI and
 *       the library's version
 */
void oci_seccomp_key(const struct spec_seccomp *sc, char ret[33]);

#endif
