/* SPDX-License-Identifier: Apache-2.0
 *
 * hook - programs of the spec that run at points of a container's life
 */
#ifndef RUNNER_OCI_HOOK_H
#define RUNNER_OCI_HOOK_H

#include "runner/oci/spec.h"

struct err;

/**
 * hook_run_all() - run the hooks of one kind, in order
 * @state_fd: file with the state in JSON; each hook reads it from its start
 * @e:        which hook failed and how
 *
 * A hook that exceeds its time-out is killed. Allocates nothing, so it may
 * run in the container's first process too.
 *
 * Return: 0 or -errno of the first that failed; the rest is not run.
 */
int hook_run_all(const struct spec *s, enum spec_hook_type type, int state_fd, struct err *e);

/** hook_run_each() - as above, but failures are handed to warn() and do not stop */
void hook_run_each(const struct spec *s, enum spec_hook_type type, int state_fd,
		   void (*warn)(void *ctx, const char *line), void *ctx);

#endif
