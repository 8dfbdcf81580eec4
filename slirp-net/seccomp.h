/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp - only the system calls that the sources name
 */
#ifndef SLIRP_NET_SECCOMP_H
#define SLIRP_NET_SECCOMP_H

#include "common/err.h"

enum seccomp_who {
	SECCOMP_MAIN,
	SECCOMP_BROKER,
	SECCOMP_WHO_MAX_,
};

/**
 * seccomp_enter() - from now on every other system call is EPERM
 *
 * no_new_privs must have been set.
 * Return: 0, -errno
 */
int seccomp_enter(enum seccomp_who who, struct err *e);

#endif
