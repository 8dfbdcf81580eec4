/* SPDX-License-Identifier: Apache-2.0
 *
 * allow - from now on only these system calls
 *
 * How it works: a source lists what it calls behind the word "#syscalls" in a
 * comment; at build time syscalls.sh gathers them into a file that is included
 * in an array. The filter compares the number with one after the other; the
 * kernel remembers the outcome for each number whose arguments do not matter,
 * so that its length costs nothing.
 */
#ifndef COMMON_ALLOW_H
#define COMMON_ALLOW_H

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define ALLOW_CALLS_MAX 250
#define ALLOW_RULES_MAX 16

/**
 * struct allow_list - calls by number
 */
struct allow_list {
	const uint16_t *calls;
	size_t n;
};

/**
 * struct allow_rule - a call that depends on the lower half of an argument
 * @arg:	which; several rules for a call: one has to hold
 * @mask, @value: (argument & mask) == value
 * @answer:	SECCOMP_RET_ALLOW, or what else the call gets then
 */
struct allow_rule {
	uint16_t nr;
	uint16_t arg;
	uint32_t mask;
	uint32_t value;
	uint32_t answer;
};

/**
 * allow_only() - load the filter; no_new_privs must have been set
 * @rules:	looked at before @list
 * @otherwise:	SECCOMP_RET_… of all other calls
 *
 * Calls of another architecture end the process. With sanitizers some calls of
 * theirs are allowed, too.
 * Return: 0, -EOPNOTSUPP on an architecture that is not known here, -errno
 */
int allow_only(const struct allow_list *list, const struct allow_rule *rules, size_t n_rules,
	       uint32_t otherwise);

#endif
