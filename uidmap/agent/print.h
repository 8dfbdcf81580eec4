/* SPDX-License-Identifier: Apache-2.0
 *
 * print - the filter rules for a config.json
 */
#ifndef UIDMAP_AGENT_PRINT_H
#define UIDMAP_AGENT_PRINT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * print_seccomp() - the entries of linux.seccomp.syscalls, a JSON array
 * Return: 0, -EIO
 */
int print_seccomp(bool full, FILE *out);

#endif
