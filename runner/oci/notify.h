/* SPDX-License-Identifier: Apache-2.0
 *
 * notify - hand the seccomp notify descriptor to an agent (listenerPath)
 */
#ifndef RUNNER_OCI_NOTIFY_H
#define RUNNER_OCI_NOTIFY_H

#include <sys/types.h>

struct err;
struct plan_process;
struct sock_fprog;
struct spec;
struct spec_seccomp;

/** notify_open() - connect to the agent; nothing without a listenerPath */
int notify_open(const struct spec_seccomp *sc, struct plan_process *pp, struct err *e);

/** notify_fill() - (after the clone) what the agent is told, now with the pid */
int notify_fill(struct plan_process *pp, const struct spec_seccomp *sc, const char *id,
		const char *bundle, pid_t pid, const struct spec *s, struct err *e);

/** notify_load() - (child) load the filter and send its descriptor */
int notify_load(struct plan_process *pp, struct sock_fprog *prog, struct err *e);

void notify_close(struct plan_process *pp);

#endif
