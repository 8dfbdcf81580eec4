/* SPDX-License-Identifier: Apache-2.0
 *
 * ctrecord - container.json: the text form of a container
 */
#ifndef RUNNER_ENGINE_CTRECORD_H
#define RUNNER_ENGINE_CTRECORD_H

#include <stddef.h>

struct container;
struct err;

#define CTRECORD_FILE "container.json"
#define RECORD_MAX (4 << 20)

/**
 * ctrecord_format() - the record as JSON
 * Return: the text, the caller frees it; NULL without memory
 */
char *ctrecord_format(const struct container *c, size_t *ret_len);

/**
 * ctrecord_parse() - fill id, name, config and state
 *
 * Unknown members are ignored (a newer runner wrote them); a member of the
 * wrong type is refused. Safe on any input.
 * Return: 0, -EBADMSG
 */
int ctrecord_parse(const char *text, size_t len, struct container *c, struct err *e);

/**
 * ctrecord_clear() - free config and state
 */
void ctrecord_clear(struct container *c);

#endif
