/* SPDX-License-Identifier: Apache-2.0
 *
 * specgen - what was asked for, as the runtime's specification
 */
#ifndef RUNNER_ENGINE_SPECGEN_H
#define RUNNER_ENGINE_SPECGEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct container;
struct err;
struct network;
struct rootfs;
struct spec;
struct user;

/**
 * specgen() - fill a spec from a container's configuration
 * @s:		initialised here; spec_clear() it later, also on failure
 * @user:	resolved from the container's files
 *
 * Reads nothing but its arguments and the seccomp profile that was named.
 * Strings are borrowed from @c, @net and @root, which must outlive the spec.
 * Return: 0, -errno
 */
int specgen(struct spec *s, const struct container *c, const struct user *user,
	    const struct network *net, const struct rootfs *root, struct err *e);

/**
 * specgen_caps() - the capability mask that the options lead to; pure
 */
int specgen_caps(const struct container *c, uint64_t *ret, struct err *e);

/**
 * specgen_ulimit() - "name=soft[:hard]"; pure
 * Return: 0, -EINVAL
 */
int specgen_ulimit(const char *text, int *ret_resource, uint64_t *ret_soft, uint64_t *ret_hard,
		   struct err *e);

/**
 * specgen_security_check() - is every --security-opt known; pure
 */
int specgen_security_check(const struct strv *opts, struct err *e);

/**
 * specgen_has_listener() - does the profile that was asked for name somebody
 * who answers calls; false where it cannot be read, specgen() will say so
 */
bool specgen_has_listener(const struct container *c);

/**
 * specgen_exec() - the process and the filter of a further program
 * @s:		initialised here; spec_clear() it later, also on failure
 * @env:	more variables
 * @privileged:	all capabilities, no filter
 */
int specgen_exec(struct spec *s, const struct container *c, const struct user *user,
		 const struct strv *env, bool tty, bool privileged, struct err *e);

#endif
