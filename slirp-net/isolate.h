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

/**
 * struct isolation - how far slirp-net has come
 * @tried:	the file system was to be left behind
 * @done:	it was: isolate_resolv_conf() may be used
 * @mntns:	as isolate_mounts() has it
 */
struct isolation {
	bool tried, done;
	int mntns;
};

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
 * isolate_early() - leave the file system behind while the broker still works
 *
 * Only where a mount namespace can be made without another user namespace:
 * with that, ports below 1024 and other rights would go.
 * Return: 0, also when it has to wait for isolate_main(); -errno
 */
int isolate_early(const struct conf *conf, struct isolation *iso, struct err *e);

/**
 * isolate_main() / isolate_broker() - all stages (but those that are over), as
 * conf says: what fails is an error where the caller asked for it, else a warning
 */
int isolate_main(const struct conf *conf, int userns, struct isolation *iso, struct err *e);
int isolate_broker(const struct conf *conf, struct err *e);

/**
 * isolate_bridge() - as isolate_broker(), but it may join other namespaces
 */
int isolate_bridge(const struct conf *conf, struct err *e);

#endif
