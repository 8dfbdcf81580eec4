/* SPDX-License-Identifier: Apache-2.0
 *
 * terminal - a pty of the container's own devpts
 */
#ifndef RUNNER_OCI_TERMINAL_H
#define RUNNER_OCI_TERMINAL_H

#include <stdbool.h>

struct err;
struct init;
struct spec_process;

/**
 * terminal_open() - a new pty below a container's root
 * @root:       the container's root
 * @p:          size and owner
 * @ret_master: close-on-exec
 * @ret_slave:  close-on-exec
 *
 * The multiplexer is checked to be that of a devpts: nothing in the image can
 * stand in for it.
 */
int terminal_open(int root, const struct spec_process *p, int *ret_master, int *ret_slave,
		  struct err *e);

/** terminal_take() - make it the controlling terminal and stdio; closes slave */
int terminal_take(int slave, struct err *e);

/** terminal_console() - bind the terminal to /dev/console */
int terminal_console(const struct init *i, int slave, struct err *e);

#endif
