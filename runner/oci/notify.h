/* SPDX-License-Identifier: Apache-2.0
 *
 * notify - hand the seccomp notify descriptor to an agent (listenerPath)
 */
#ifndef RUNNER_OCI_NOTIFY_H
#define RUNNER_OCI_NOTIFY_H

#include <sys/types.h>

struct err;
struct oci_agent;
struct plan_process;
struct sock_fprog;
struct spec;
struct spec_seccomp;

/**
 * notify_open() - connect to the agent; nothing without a listenerPath
 * @sc:    the spec's profile, or NULL
 * @agent: the caller's supervisor instead, or NULL: a program can have one only
 */
int notify_open(const struct spec_seccomp *sc, const struct oci_agent *agent,
		struct plan_process *pp, struct err *e);

/** notify_metadata() - the words that go along, "" for none */
const char *notify_metadata(const struct spec_seccomp *sc, const struct oci_agent *agent);

/** notify_fill() - (after the clone) what the agent is told, now with the pid */
int notify_fill(struct plan_process *pp, const char *metadata, const char *id, const char *bundle,
		pid_t pid, const struct spec *s, struct err *e);

/** notify_load() - (child) load the filter and send its descriptor */
int notify_load(struct plan_process *pp, struct sock_fprog *prog, unsigned int more_flags,
		struct err *e);

void notify_close(struct plan_process *pp);

#endif
