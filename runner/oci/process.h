/* SPDX-License-Identifier: Apache-2.0
 *
 * process - from a built container to its program: who it is, what it may do
 */
#ifndef RUNNER_OCI_PROCESS_H
#define RUNNER_OCI_PROCESS_H

#include <stdbool.h>

struct err;
struct plan_process;

/**
 * process_home() - fill HOME from the container's /etc/passwd if it is unset
 *
 * The root must have been switched. Allocates nothing.
 */
void process_home(struct plan_process *pp);

/** process_stdio() - put the given descriptors at 0, 1, 2 */
int process_stdio(const struct plan_process *pp, struct err *e);

/**
 * process_find() - look the program up as execve will
 * @ret: buffer of PATH_MAX bytes for its path
 *
 * Return: 0, OCI_ERR_NOT_FOUND or OCI_ERR_NOT_EXEC
 */
int process_find(const struct plan_process *pp, char *ret, struct err *e);

/**
 * process_exec() - become the user, drop what is not granted, execute
 * @proc: a trusted procfs, or -1
 * @sync: socket to the parent, close-on-exec; may be moved
 *
 * Return: only on failure
 */
int process_exec(struct plan_process *pp, int proc, int *sync, struct err *e);

#endif
