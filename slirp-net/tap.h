/* SPDX-License-Identifier: Apache-2.0
 *
 * tap - a tap device with vnet header and offloads
 */
#ifndef SLIRP_NET_TAP_H
#define SLIRP_NET_TAP_H

#include "common/err.h"

/**
 * tap_open() - make the tap device NAME in the network namespace we are in
 * Return: non-blocking descriptor, -errno
 */
int tap_open(const char *name, struct err *e);

#endif
