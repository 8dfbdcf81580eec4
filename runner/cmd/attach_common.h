/* SPDX-License-Identifier: Apache-2.0
 *
 * attach_common - what run, start and attach do once a program runs
 */
#ifndef RUNNER_CMD_ATTACH_COMMON_H
#define RUNNER_CMD_ATTACH_COMMON_H

#include <stdbool.h>

struct container;
struct err;
struct start_opts;

/**
 * attach_size() - tell a start how large our terminal is
 */
void attach_size(const struct container *c, struct start_opts *so);

/**
 * attach_relay() - relay stdio and signals until the end
 * @detach_keys: NULL for ctrl-p,ctrl-q
 * Return: exit code for runner, -EPIPE when nobody reads our output, -errno
 */
int attach_relay(const struct container *c, int fd, bool in, bool sig_proxy,
		 const char *detach_keys, struct err *e);

#endif
