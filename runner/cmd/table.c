/* SPDX-License-Identifier: Apache-2.0
 *
 * table - every command, sorted by name
 */
#include <stddef.h>

#include "common/str.h"
#include "runner/cmd/cmd.h"

#define COMMANDS(X) \
	X(attach)  \
	X(cp)      \
	X(create)  \
	X(exec)    \
	X(help)    \
	X(history) \
	X(images)  \
	X(info)    \
	X(inspect) \
	X(kill)    \
	X(load)    \
	X(login)   \
	X(logout)  \
	X(logs)    \
	X(port)    \
	X(ps)      \
	X(pull)    \
	X(rename)  \
	X(restart) \
	X(rm)      \
	X(rmi)     \
	X(run)     \
	X(save)    \
	X(start)   \
	X(stop)    \
	X(tag)     \
	X(top)     \
	X(version) \
	X(volume)  \
	X(volume_create) \
	X(volume_inspect) \
	X(volume_ls) \
	X(volume_rm) \
	X(wait)

#define DECLARE(name) extern const struct cmd cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &cmd_##name,
static const struct cmd *const commands[] = { COMMANDS(ENTRY) NULL };

const struct cmd *const *cmd_table(void)
{
	return commands;
}

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *const *c = commands; *c; c++)
		if (str_eq((*c)->name, name))
			return *c;
	return NULL;
}
