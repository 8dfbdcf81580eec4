/* SPDX-License-Identifier: Apache-2.0
 *
 * guard - the container's first process does not outlive its monitor
 */
#ifndef RUNNER_ENGINE_GUARD_H
#define RUNNER_ENGINE_GUARD_H

#include <sys/types.h>

struct err;

/**
 * struct guard - the process that waits for our end
 * @pid:	it, 0 when there is none
 * @life:	it lives as long as this descriptor is open in us
 */
struct guard {
	pid_t pid;
	int life;
};

/**
 * guard_start() - from now on, kill -9 of the calling process kills the
 * process behind @pidfd
 * Return: 0, -errno
 */
int guard_start(struct guard *g, int pidfd, struct err *e);

/**
 * guard_stop() - the container has ended: dismiss it, and wait until it left
 */
void guard_stop(struct guard *g);

#endif
