/* SPDX-License-Identifier: Apache-2.0
 *
 * confine - the agent's own capabilities and system calls
 */
#ifndef UIDMAP_AGENT_CONFINE_H
#define UIDMAP_AGENT_CONFINE_H

#include <stdint.h>

#include "common/err.h"

/**
 * confine_enter() - keep only what answering takes; for good, and for all threads
 * @bounding:	capabilities that the container's programs can have
 *
 * To be called while there is one thread. Another system call ends the agent.
 * With sanitizers, which call what they like, there is no filter.
 * Return: 0, -errno with the reason
 */
int confine_enter(uint64_t bounding, struct err *e);

#endif
