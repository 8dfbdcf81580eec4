/* SPDX-License-Identifier: Apache-2.0
 *
 * state - what is known about a container, for hooks and for other commands
 */
#ifndef RUNNER_OCI_STATE_H
#define RUNNER_OCI_STATE_H

#include <sys/types.h>

#include "runner/oci/spec.h"

struct err;

/**
 * struct oci_state - the runtime-spec's state object
 * @pid: 0 when there is no process
 */
struct oci_state {
	const char *id, *status, *bundle;
	pid_t pid;
	const struct spec *spec; /* for its annotations and version */
};

/** state_json() - as the runtime-spec writes it; the caller frees it */
char *state_json(const struct oci_state *s);

#endif
