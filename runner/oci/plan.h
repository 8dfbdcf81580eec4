/* SPDX-License-Identifier: Apache-2.0
 *
 * plan - every decision of a creation, made before the clone
 *
 * How it works: the parent turns spec and options into this struct: words are
 * parsed, paths completed, descriptors opened, strings built. The child only
 * executes it (init.c) and allocates nothing.
 */
#ifndef RUNNER_OCI_PLAN_H
#define RUNNER_OCI_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/oci/mountflags.h"
#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

struct err;

enum {
	PLAN_NAME_MAX = 128,
	PLAN_PASSWD_MAX = 256 * 1024, /* bytes of the image's /etc/passwd we look at */
	PLAN_DEVICES = 6,
	PLAN_NOTIFY_MAX = 64 * 1024,
	PLAN_NOTIFY_STACK = 16 * 1024,
};

enum plan_kind {
	PLAN_FS,	/* a new file system */
	PLAN_BIND,	/* a path of the host */
	PLAN_FD,	/* a detached mount of the caller */
	PLAN_CGROUP,	/* the view of cgroups */
	PLAN_REMOUNT,	/* new flags for what is mounted there */
	PLAN_KIND_MAX_,
};

/**
 * struct plan_mount - one mount, ready to be made
 * @kind:	what it is
 * @dst:	path in the container
 * @src:	absolute host path (PLAN_BIND), or the "source" of a file system
 * @type:	file system name
 * @f:		flags
 * @data:	pairs of key and value for fsconfig; value NULL: a flag
 * @n_data:	pairs
 * @fallback:	bind this when the file system is refused (EPERM), or NULL
 * @real_dir:	the destination may not be a symbolic link (proc, sysfs)
 * @late_ro:	read-only only after devices are made (/dev)
 * @uidmap, @gidmap: of an idmap= word, else empty
 * @idmap_fd:	user namespace of an idmapped mount, or -1
 * @fd:		PLAN_FD; and in the child the opened tree of a bind
 * @is_dir:	(child) what the destination has to be
 */
struct plan_mount {
	enum plan_kind kind;
	const char *dst, *src, *type;
	struct mountflags f;
	const char **data;
	size_t n_data;
	const char *fallback;
	bool real_dir, late_ro;
	struct spec_idmaps uidmap, gidmap;
	int idmap_fd;
	int fd;
	bool is_dir;
};

/**
 * struct plan_device - a node in the container
 * @dev:	as in the spec
 * @host:	path of the host's node, to be bound
 * @fd:		opened tree, -1 until there is one
 */
struct plan_device {
	struct spec_device dev;
	const char *host;
	int fd;
};

/**
 * struct plan_notify - shared with the child, as its pid is known only then
 * @len, @text: the container process state in JSON
 * @listener:	(child) the notify descriptor once there is one
 * @done:	(child) the descriptor has been sent; negative: an error
 * @stack:	(child) of the thread that sends it
 */
struct plan_notify {
	size_t len;
	volatile int listener, done;
	char text[PLAN_NOTIFY_MAX];
	_Alignas(16) char stack[PLAN_NOTIFY_STACK];
};

/**
 * struct plan_process - the program and what it may do
 * @s:		its description
 * @argv, @envp: NULL-terminated
 * @home_slot:	where in @envp HOME goes when it was absent, else NULL
 * @home:	buffer for it
 * @path:	PATH of the container's environment
 * @apparmor:	profile to be written, or NULL
 * @bpf:	filter, bytes 0 for none
 * @agent:	filter of the caller's supervisor, bytes 0 for none
 * @listener:	connected socket of whoever answers the calls of one of them, or -1
 * @notify:	shared page with what goes along with the notify descriptor
 * @gids_ok:	setgroups is permitted here
 * @stdio, @keep, @n_keep, @keep_as_is: descriptors
 * @cpus:	of an exec, once it is in the cgroup; n = 0: leave
 * @mempolicy:	of the container's memory, or NULL
 * @keyring:	name of the new session keyring, NULL: keep the caller's
 * @death_sig:	sent to the program when the caller dies, 0: none
 */
struct plan_process {
	const struct spec_process *s;
	char *const *argv;
	const char **envp;
	const char **home_slot;
	char home[PLAN_NAME_MAX + 8];
	const char *path, *apparmor;
	struct oci_bpf bpf, agent;
	int listener;
	struct plan_notify *notify;
	bool gids_ok;
	int stdio[3];
	const int *keep;
	size_t n_keep;
	bool keep_as_is;
	struct spec_bits cpus;
	const struct spec_mempolicy *mempolicy;
	const char *keyring;
	int death_sig;
};

/**
 * struct plan - see the file's head
 * @mem:	owns what the plan allocates
 * @clone:	CLONE_NEW* for the clone itself
 * @join:	descriptors of namespaces to be joined, -1 for none
 * @new_user:	a new user namespace: the parent writes its maps
 * @uidmap, @gidmap: these
 * @wait_cgroup: the parent moves the child into its cgroup
 * @late_cgroupns: and only then it may make its cgroup namespace
 * @middle:	an intermediate process joins before the clone
 * @mount_label: SELinux context of the new file systems, or NULL
 * @root_attach: where in the old tree the root is put
 * @root_fd:	detached mount, or -1: bind @root_path
 * @bind_devices: nodes are bound from the host instead of made
 * @host_mounts: no mount namespace: a detached tree is the root (rootfs.c)
 * @late_netns: the child takes its network namespace from o->netns_sock
 * @hooks:	there are hooks to be run while the child waits
 * @state_fd:	memfd with the state for hooks run by the child, or -1
 */
struct plan {
	struct spec mem;
	const struct spec *s;
	const struct oci_create_opts *o;
	uint64_t clone;
	int join[SPEC_NS_MAX_];
	bool new_user, middle, host_mounts, late_netns;
	struct spec_idmaps uidmap, gidmap;
	bool wait_cgroup, late_cgroupns;
	const char *mount_label;
	const char *root_path, *root_attach;
	int root_fd;
	bool root_fd_ours;
	struct plan_mount *mounts;
	size_t n_mounts;
	struct plan_device *devices;
	size_t n_devices;
	bool bind_devices;
	bool dev_mounted; /* /dev is a file system of the container's own */
	bool hooks;
	int state_fd;
	struct plan_process proc;
	int cgroup_fd; /* for CLONE_INTO_CGROUP, or -1 */
	struct oci_container *c; /* where cgroup.c writes what it made */
};

/** plan_waits() - does the child wait for what the parent does to it first? */
static inline bool plan_waits(const struct plan *p)
{
	return p->new_user || p->wait_cgroup || p->s->n_netdevs;
}

/**
 * plan_build() - decide everything
 * @s, @o: kept by reference as long as the plan lives
 * @ret:   plan_clear() later, also after a failure
 */
int plan_build(const struct spec *s, const struct oci_create_opts *o, struct plan *ret,
	       struct err *e);

void plan_clear(struct plan *p);

/** plan_open_bind() - clone the tree of a bind mount's source; or -errno */
int plan_open_bind(struct plan_mount *m);

/** plan_apply_idmap() - map the owners of a detached mount */
int plan_apply_idmap(const struct plan_mount *m, int fd, struct err *e);

/**
 * plan_idmap_word() - the value of idmap= or ridmap= (in plan_idmap.c)
 * @p:     owner of the memory; its user namespace is what '@' is relative to
 * @value: uids=INODE-HOST-SIZE[#...];gids=...
 * @uids, @gids: untouched when the value says nothing of them
 */
int plan_idmap_word(struct plan *p, const char *value, struct spec_idmaps *uids,
		    struct spec_idmaps *gids, struct err *e);

/** plan_mount_parse() - one mount of the spec (in plan_mount.c) */
int plan_mount_parse(struct plan *p, const struct spec_mount *m, struct plan_mount *ret,
		     struct err *e);

/**
 * plan_process_build() - argv, environment, filter
 * @mem: owner of the memory
 */
int plan_process_build(struct spec *mem, const struct spec_process *s, struct plan_process *ret,
		       struct err *e);

#endif
