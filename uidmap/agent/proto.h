/* SPDX-License-Identifier: Apache-2.0
 *
 * proto - what a runtime says when it hands over a seccomp descriptor
 *
 * The message is the ContainerProcessState of the OCI runtime specification
 * (config-linux.md, "seccomp"): one JSON object, with descriptors beside it
 * that its "fds" names. Its "metadata" is ours: "uid=U,gid=G,groups=G+G,mode=M",
 * each part optional.
 */
#ifndef UIDMAP_AGENT_PROTO_H
#define UIDMAP_AGENT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define PROTO_MESSAGE_MAX (1U << 20)
#define PROTO_GROUPS_MAX 1024

/**
 * struct idmeta - ids that a container's program begins with
 * @groups:	ascending
 * @full:	mode "full"
 */
struct idmeta {
	uint32_t uid;
	uint32_t gid;
	uint32_t n_groups;
	bool full;
	uint32_t groups[PROTO_GROUPS_MAX];
};

/**
 * struct hello - one message
 * @pid:	the process that is filtered; 0: not said
 * @fd_index:	which of the descriptors is the listener
 */
struct hello {
	pid_t pid;
	size_t fd_index;
	struct idmeta meta;
};

/**
 * proto_metadata() - parse the metadata
 * @full:	mode when it names none
 * Return: 0, -EINVAL with the reason
 */
int proto_metadata(const char *s, bool full, struct idmeta *ret, struct err *e);

/**
 * proto_parse() - parse a message
 * Return: 0, -EAGAIN when the text is only the beginning of one, -EINVAL
 */
int proto_parse(const char *text, size_t len, bool full, struct hello *ret, struct err *e);

/**
 * proto_mode() - "full" or "fast"
 * Return: 0, -EINVAL
 */
int proto_mode(const char *s, bool *ret_full);

#endif
