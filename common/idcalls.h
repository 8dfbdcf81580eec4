/* SPDX-License-Identifier: Apache-2.0
 *
 * idcalls - the system calls that a supervisor of recorded identity answers
 *
 * One table, for those who make the filter and for the one who answers. It
 * knows names and numbers of conditions only, no filter library. Rows of one
 * name are alternatives: the call is handed over when any of them holds.
 */
#ifndef COMMON_IDCALLS_H
#define COMMON_IDCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct idcall - one row
 * @name:	of the system call
 * @full:	only in mode "full"
 * @arg:	which argument is tested, from 0
 * @mask:	hand over when (argument & mask) == value; 0: always
 * @value:	see @mask
 */
struct idcall {
	const char *name;
	bool full;
	uint8_t arg;
	uint32_t mask;
	uint32_t value;
};

extern const struct idcall idcalls[];
extern const size_t n_idcalls;

/**
 * idcall_wanted() - does the row belong into the filter of this mode
 */
static inline bool idcall_wanted(const struct idcall *c, bool full)
{
	return full || !c->full;
}

#endif
