/* SPDX-License-Identifier: Apache-2.0
 *
 * logindefs - the admin's answers to yes-or-no questions of /etc/login.defs
 */
#ifndef UIDMAP_LOGINDEFS_H
#define UIDMAP_LOGINDEFS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* A larger file is no login.defs. */
#define LOGINDEFS_MAX (1024 * 1024)

/**
 * logindefs_text_yes() - does a text of this format say yes? Pure.
 * @text:	terminated text
 * @key:	name of the question; the last line that has it counts
 */
bool logindefs_text_yes(const char *text, const char *key);

/**
 * logindefs_yes() - does /etc/login.defs say yes?
 * @key:	name of the question
 * @e:		what could not be read
 *
 * Return: 1, 0 (also where there is no file), or -errno.
 */
int logindefs_yes(const char *key, struct err *e);

#endif
