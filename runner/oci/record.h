/* SPDX-License-Identifier: Apache-2.0
 *
 * record - what runner-oci remembers of a container between two commands
 */
#ifndef RUNNER_OCI_RECORD_H
#define RUNNER_OCI_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

struct err;

enum { RECORD_MAX = 256 * 1024 };

/**
 * struct record - one state.json
 * @mem:     owns the strings
 * @id:	     name
 * @bundle:  absolute path
 * @rootfs:  absolute path
 * @created: RFC 3339
 * @owner:   who made it, a number
 * @pid, @start: the init; pid 0: there was none yet
 * @ns:	     namespaces of the init
 * @cgroup, @scope: "" without
 * @cgroup_ours: to be removed with the container
 * @half_made: its maker has not finished, or was killed before it had
 */
struct record {
	struct spec mem;
	const char *id, *bundle, *rootfs, *created, *cgroup, *scope;
	uint32_t owner;
	pid_t pid;
	uint64_t start;
	bool cgroup_ours, half_made;
	struct oci_ns_id ns[SPEC_NS_MAX_];
};

/** record_init() - empty; record_clear() later */
void record_init(struct record *r);
void record_clear(struct record *r);

/** record_parse() - text to struct; pure. record_clear() later, also on failure. */
int record_parse(const char *json, size_t len, struct record *ret, struct err *e);

/** record_print() - struct to text, the caller frees it */
char *record_print(const struct record *r);

#endif
