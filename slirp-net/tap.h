/* SPDX-License-Identifier: Apache-2.0
 *
 * tap - a tap device with vnet header and offloads
 */
#ifndef SLIRP_NET_TAP_H
#define SLIRP_NET_TAP_H

#include <stdbool.h>

#include "common/err.h"

/**
 * tap_open() - make the tap device NAME in the network namespace we are in
 * Return: non-blocking descriptor, -errno
 */
int tap_open(const char *name, struct err *e);

/**
 * tap_remove_idle() - remove a persistent tap device that nobody has open
 * @ret_up:	whether it was switched on
 *
 * RootlessKit makes the device beforehand; a link of ours takes its name.
 * Return: 0, -EBUSY when somebody has it open, -errno when it is no tap device
 */
int tap_remove_idle(const char *name, bool *ret_up);

#endif
