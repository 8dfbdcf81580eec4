/* SPDX-License-Identifier: Apache-2.0
 *
 * isolate - leave behind what is not needed any more
 */
#ifndef SLIRP_NET_ISOLATE_H
#define SLIRP_NET_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct conf;

#define ISOLATE_RESOLV_CONF "/etc/resolv.conf"

/**
 * isolate_mounts() - a mount namespace with an empty root
 * @userns:	user namespace to use where a new one cannot be made; -1 for none
 *
 * Only /etc and /run are there, empty but for a resolv.conf that we write for
 * libslirp. Afterwards the process has all capabilities in some user
 * namespace; isolate_caps() drops them.
 * @ret_mntns:	descriptor of the mount namespace, the caller's; -1 where there
 *		is none. Who holds it spares us the end of that namespace
 * Return: 0, -errno
 */
int isolate_mounts(int userns, int *ret_mntns, struct err *e);

/**
 * isolate_caps() - drop every capability but those listed, and the way back
 * @keep:	CAP_* numbers
 * Return: 0, -errno
 */
int isolate_caps(const int *keep, size_t n_keep, struct err *e);

/**
 * isolate_resolv_conf() - what libslirp reads from now on
 * Return: 0, -errno
 */
int isolate_resolv_conf(const char *text, size_t len);

/**
 * isolate_main() / isolate_broker() - all stages, as conf says: what fails is
 * an error where the caller asked for it, else a warning
 * @ret_isolated: whether isolate_resolv_conf() may be used
 * @ret_mntns:	as isolate_mounts() has it
 */
int isolate_main(const struct conf *conf, int userns, bool *ret_isolated, int *ret_mntns,
		 struct err *e);
int isolate_broker(const struct conf *conf, struct err *e);

#endif
