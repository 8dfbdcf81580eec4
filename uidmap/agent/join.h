/* SPDX-License-Identifier: Apache-2.0
 *
 * join - stand where the container stands
 */
#ifndef UIDMAP_AGENT_JOIN_H
#define UIDMAP_AGENT_JOIN_H

#include "uidmap/agent/agent.h"

/**
 * join_container() - enter user and mount namespace and root of a process
 *
 * The first time for good; later it is only checked that the process is in
 * the same user namespace. To be called while there is one thread.
 * Return: 0, -EXDEV for another container, -errno with the reason
 */
int join_container(struct agent *a, pid_t pid, struct err *e);

#endif
