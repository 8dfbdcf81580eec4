/* SPDX-License-Identifier: Apache-2.0
 *
 * ns - namespaces: which, opened, joined, mapped
 */
#ifndef RUNNER_OCI_NS_H
#define RUNNER_OCI_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

struct err;

/**
 * struct ns_kind - one kind of namespace
 * @name: as the spec spells it
 * @proc: as /proc/PID/ns spells it
 * @flag: CLONE_NEW*
 */
struct ns_kind {
	const char *name, *proc;
	uint64_t flag;
};

/** ns_kind() - by enum spec_ns_type */
const struct ns_kind *ns_kind(enum spec_ns_type t);

/** ns_open_path() - a namespace by path, checked to be of this kind */
int ns_open_path(enum spec_ns_type t, const char *path, int *ret_fd, struct err *e);

/** ns_is_current() - is this descriptor our own namespace of that kind? */
bool ns_is_current(enum spec_ns_type t, int fd);

/** ns_ids() - identities of a process's namespaces; what cannot be read is 0 */
int ns_ids(pid_t pid, struct oci_ns_id ret[SPEC_NS_MAX_], struct err *e);

/** ns_gid_is_mapped() - does our own user namespace know this gid? */
bool ns_gid_is_mapped(uint32_t gid);

/** ns_user_is_initial() - are we in the host's first user namespace? */
bool ns_user_is_initial(void);

/** ns_may_setgroups() - /proc/self/setgroups says so */
bool ns_may_setgroups(void);

/**
 * ns_write_maps() - the maps of a process in a new user namespace
 * @pid: a child of ours that waits
 */
int ns_write_maps(pid_t pid, const struct spec_idmaps *uids, const struct spec_idmaps *gids,
		  struct err *e);

/** ns_idmap_open() - a user namespace with these maps, for idmapped mounts */
int ns_idmap_open(const struct spec_idmaps *uids, const struct spec_idmaps *gids, int *ret_fd,
		  struct err *e);

#endif
